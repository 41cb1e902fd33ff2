# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # the addresses are for those who source this file
# Labs: hosts made of network namespaces, shared by the demo and the end-to-end tests. To be sourced.
# Everything a lab makes carries the lab's name, so several labs live side by side; all of it, and
# nothing else, is removed when the script ends, however it ends.
#
#      vm1 ---[vm1]\                              --- veth pairs, all offloads on
#                   gateway[wan] --- server       [ ] interfaces of the gateway
#      vm2 ---[vm2]/                                  the only one of the others is eth0
#
# The server has a route to the private IPv6 network but none to the private IPv4 network: that must
# be translated.

LAB=""     # the lab's name: prefix of its namespaces, and name of its sluice instance
LAB_DIR="" # its scratch folder
SLUICE=${SLUICE:-sluice}

LAB_NET4=10.77.0.0/16 # private: vm1 is .1.11 and vm2 .2.12, or .0.11 and .0.12 behind a bridge
LAB_NET6=fd77::/48    # likewise fd77:0:0:1::11, fd77:0:0:2::12, or fd77::11, fd77::12
LAB_WAN4=203.0.113.1  # the gateway, seen from outside
LAB_WAN6=2001:db8::1
LAB_SERVER4=203.0.113.9
LAB_SERVER6=2001:db8::9

# lab_new PREFIX: begins a lab; its removal is tied to the end of the script.
lab_new() {
    LAB="$1$$"
    LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/sluice-$LAB.XXXXXX") || exit
    export SLUICE_STATE_DIR="$LAB_DIR/state"
    touch "$LAB_DIR/hosts" "$LAB_DIR/pids"
    trap lab_remove EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# lab_remove: ends the lab's processes and its sluice instances, deletes its hosts, exits.
lab_remove() {
    local status=$? name pids
    set +e
    trap '' INT TERM
    trap - EXIT ERR
    mapfile -t pids <"$LAB_DIR/pids"
    lab_reap "${pids[@]}"
    for name in "$SLUICE_STATE_DIR"/*; do
        name=${name##*/}
        [[ -d $SLUICE_STATE_DIR/$name ]] || continue
        "$SLUICE" --instance "$name" down --purge >/dev/null 2>&1
        rm -rf "/sys/fs/bpf/sluice/$name" "/sys/fs/bpf/sluice/new:$name"
    done
    lab_scrap
    rm -rf "$LAB_DIR"
    exit "$status"
}

# lab_scrap: deletes the hosts, as a power cut would.
lab_scrap() {
    local host
    while read -r host; do
        ip netns del "$LAB-$host"
    done <"$LAB_DIR/hosts"
    : >"$LAB_DIR/hosts"
}

# lab_host NAME...: adds hosts that have nothing but a loopback.
lab_host() {
    local host
    for host in "$@"; do
        echo "$host" >>"$LAB_DIR/hosts"
        ip netns add "$LAB-$host"
        # IPv6 addresses are usable at once.
        lab_in "$host" sysctl -qw net.ipv6.conf.{all,default}.accept_dad=0
        ip -n "$LAB-$host" link set lo up
    done
}

# lab_in HOST COMMAND...: runs a command on a host. It enters the network namespace alone; `ip netns
# exec` would hide the bpffs.
lab_in() {
    nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"
}

# lab_spawn HOST COMMAND...: the same in the background. $! is the command's own process; what it
# prints goes to $LAB_DIR/$!.out.
lab_spawn() {
    {
        exec >"$LAB_DIR/$BASHPID.out" 2>&1 </dev/null
        exec nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"
    } &
    echo $! >>"$LAB_DIR/pids"
}

# lab_reap PID...: ends processes of lab_spawn.
lab_reap() {
    local pid
    for pid in "$@"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        sed -i "/^$pid\$/d" "$LAB_DIR/pids"
    done
    return 0
}

# lab_link HOST IF HOST IF MTU: a cable between two hosts, both ends up.
lab_link() {
    ip -n "$LAB-$1" link add "$2" mtu "$5" type veth peer name "$4" netns "$LAB-$3" mtu "$5"
    ip -n "$LAB-$1" link set "$2" up
    ip -n "$LAB-$3" link set "$4" up
}

# lab_addr HOST IF ADDRESS/LENGTH...
lab_addr() {
    local address
    for address in "${@:3}"; do
        ip -n "$LAB-$1" addr add "$address" dev "$2"
    done
}

# lab_gateways HOST ADDRESS...: default routes, one a family.
lab_gateways() {
    local address
    for address in "${@:2}"; do
        ip -n "$LAB-$1" route add default via "$address"
    done
}

# lab_outside MTU: the gateway's wan and the server.
lab_outside() {
    lab_host gateway server
    lab_link gateway wan server eth0 "$1"
    lab_addr gateway wan $LAB_WAN4/24 $LAB_WAN6/64
    lab_addr server eth0 $LAB_SERVER4/24 $LAB_SERVER6/64
    ip -n "$LAB-server" route add $LAB_NET6 via $LAB_WAN6
}

# lab_routed [MTU]: each vm on a port of its own, with a network of its own (lone taps).
lab_routed() {
    local mtu=${1:-1500} i
    lab_outside "$mtu"
    for i in 1 2; do
        lab_host vm$i
        lab_link gateway vm$i vm$i eth0 "$mtu"
        lab_addr gateway vm$i 10.77.$i.1/24 fd77:0:0:$i::1/64
        lab_addr vm$i eth0 10.77.$i.1$i/24 fd77:0:0:$i::1$i/64
        lab_gateways vm$i 10.77.$i.1 fd77:0:0:$i::1
    done
}

# lab_bridged [MTU]: both vms on one network, behind the gateway's bridge br0 (as libvirt does).
lab_bridged() {
    local mtu=${1:-1500} i
    lab_outside "$mtu"
    ip -n "$LAB-gateway" link add br0 type bridge
    ip -n "$LAB-gateway" link set br0 up
    lab_addr gateway br0 10.77.0.1/24 fd77::1/64
    for i in 1 2; do
        lab_host vm$i
        lab_link gateway vm$i vm$i eth0 "$mtu"
        ip -n "$LAB-gateway" link set vm$i master br0
        lab_addr vm$i eth0 10.77.0.1$i/24 fd77::1$i/64
        lab_gateways vm$i 10.77.0.1 fd77::1
    done
}

# lab_sluice ARGUMENTS...: sluice on the lab's own instance.
lab_sluice() {
    "$SLUICE" --instance "$LAB" "$@"
}

# lab_up [ARGUMENTS...]: starts the instance in the gateway.
lab_up() {
    lab_sluice --netns "$LAB-gateway" up "$@"
}

# lab_wait SECONDS COMMAND...: waits until the command succeeds; fails when the time is up.
lab_wait() {
    local deadline=$(($(date +%s%N) + $1 * 1000000000))
    shift
    until "$@"; do
        (($(date +%s%N) < deadline)) || return 1
        sleep 0.05
    done
}

# lab_listening HOST PORT: whether somebody listens there, by TCP or UDP.
lab_listening() {
    [[ $(lab_in "$1" ss -Hlntu "sport = :$2") ]]
}
