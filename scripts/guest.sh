# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Virtual machines for the demo and the tests: QEMU without hardware virtualisation, Debian's cloud
# kernel (Linux 6.1, the oldest that sluice supports) and a busybox in an initramfs. To be sourced
# after lab.sh.

GUEST_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/guest

# guest_fetch: unpacks Debian's cloud kernel into the cache, unless it is there. Not installed: the
# machine's own boot set-up is none of our business.
guest_fetch() {
    [[ -e $GUEST_CACHE/vmlinuz ]] && return
    local package new
    apt-get -qq update || return
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2}')
    [[ $package ]] || { echo "guest: apt knows no linux-image-cloud-amd64" >&2; return 1; }
    mkdir -p "${GUEST_CACHE%/*}"
    new=$(mktemp -d "$GUEST_CACHE.XXXXXX") &&
        (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2) &&
        dpkg-deb -x "$new/$package"_*.deb "$new" &&
        busybox depmod -b "$new" "${package#linux-image-}" &&
        mv "$new"/boot/vmlinuz-* "$new/vmlinuz" &&
        rm -r "$new"/*.deb "${new:?}"/{boot,usr} &&
        rm -rf "$GUEST_CACHE" && mv "$new" "$GUEST_CACHE"
}

# guest_root ROOT MODULE...: begins a guest's root folder: busybox, the modules (with all that they
# need) and an init that loads them, runs /job and switches the machine off.
guest_root() {
    local root=$1 version module path
    version=$(basename "$GUEST_CACHE"/lib/modules/*)
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,root}
    cp "$(command -v busybox)" "$root/bin/busybox"
    for module in "${@:2}"; do
        # A line of modules.dep is "kernel/a.ko: kernel/b.ko kernel/c.ko".
        path=$(grep "/$module\.ko:" "$GUEST_CACHE/lib/modules/$version/modules.dep") ||
            { echo "guest: the kernel has no module $module" >&2; return 1; }
        (cd "$GUEST_CACHE" && for path in ${path/:/}; do
            cp --parents "lib/modules/$version/$path" "$root"
        done)
    done
    cp "$GUEST_CACHE/lib/modules/$version/modules.dep" "$root/lib/modules/$version/"
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin; export PATH=/bin HOME=/root'
        echo 'mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev'
        echo "modprobe -a ${*:2}"
        echo 'ip link set lo up'
        echo 'sh /job </dev/console >/dev/console 2>&1; echo "job ended: $?" >/dev/console'
        echo 'poweroff -f'
    } >"$root/init"
    chmod +x "$root/init"
}

# guest_program ROOT PROGRAM...: copies programs and the libraries that they need.
guest_program() {
    local program file
    for program in "${@:2}"; do
        program=$(command -v "$program") || return
        for file in "$program" $(ldd "$program" | grep -o '/[^ ]*'); do
            cp -L --parents "$file" "$1"
        done
        cp -L "$program" "$1/bin/"
    done
}

# guest_job_host ROOT ADDRESS/LENGTH GATEWAY: the guest's job becomes to be a host on the network that
# does what guest_in tells it.
guest_job_host() {
    cat >"$1/job" <<END
ip link set eth0 up
ip addr add $2 dev eth0
ip route add default via $3
nc -ll -p 23 -e sh
END
}

# guest_in HOST ADDRESS COMMAND...: runs a command in a guest that HOST reaches; its standard error
# comes with the output.
guest_in() {
    local host=$1 address=$2 line code=1
    printf '{ %s; } 2>&1; echo "exit code $?"; exit\n' "${*:3}" |
        lab_in "$host" timeout 120 busybox nc "$address" 23 |
        {
            while IFS= read -r line; do
                if [[ $line =~ ^exit\ code\ ([0-9]+)$ ]]; then
                    code=${BASH_REMATCH[1]}
                else
                    printf '%s\n' "$line"
                fi
            done
            return "$code"
        }
}

# guest_job_here ROOT COMMAND: the guest's job becomes COMMAND run in this machine's own file system,
# seen through virtiofs; what it writes stays in the guest's memory. For guest_start_here.
guest_job_here() {
    cat >"$1/job" <<END
mkdir /host /memory /here
mount -t virtiofs host /host && mount -t tmpfs memory /memory && mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work here /here
mount -t tmpfs run /here/run
for fs in proc sys dev; do mount --bind /\$fs /here/\$fs; done
mount -t bpf bpf /here/sys/fs/bpf
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
chroot /here /bin/bash -c '$2'
END
}

# guest_start HOST TAP ROOT [QEMU ARGUMENTS]...: boots a guest from its root folder. Its network card
# is TAP on HOST, all offloads on. $! is QEMU; the guest's console is $LAB_DIR/$!.out.
guest_start() {
    local host=$1 tap=$2 root=$3
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$root.cpio"
    ip -n "$LAB-$host" tuntap add "$tap" mode tap vnet_hdr
    ip -n "$LAB-$host" link set "$tap" up
    # Not KVM: inside another virtual machine it may hang.
    lab_spawn "$host" qemu-system-x86_64 -accel tcg -cpu max -m 1G -display none -monitor none \
        -serial stdio -no-reboot -kernel "$GUEST_CACHE/vmlinuz" -initrd "$root.cpio" \
        -append "console=ttyS0 quiet panic=-1" \
        -netdev tap,id=net,ifname="$tap",script=no,downscript=no,vhost=off \
        -device virtio-net-pci,netdev=net,mac=52:54:00:77:01:11 "${@:4}"
}

# guest_start_here HOST TAP ROOT: the same for a job of guest_job_here.
guest_start_here() {
    lab_spawn "$1" /usr/lib/qemu/virtiofsd --socket-path="$3.socket" -o source=/ \
        -o cache=always -o sandbox=chroot
    lab_wait 10 test -S "$3.socket" || { cat "$LAB_DIR/$!.out" >&2; return 1; }
    guest_start "$@" -object memory-backend-memfd,id=mem,size=1G,share=on \
        -numa node,memdev=mem -chardev socket,id=host,path="$3.socket" \
        -device vhost-user-fs-pci,chardev=host,tag=host
}
