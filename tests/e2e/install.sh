#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed stands by itself: the binary with its completions and pages, and the library, by
# which a program that is built elsewhere does what the command line does.
. "$(dirname "$0")/../harness/e2e.sh"

lab_new e2e
prefix=$LAB_DIR/prefix
cmake --install "$SLUICE_BUILD" --prefix "$prefix" >"$LAB_DIR/install.log"
for file in sbin/sluice share/man/man8/sluice.8 share/man/man8/sluice-port.8 \
    share/bash-completion/completions/sluice share/zsh/site-functions/_sluice \
    share/fish/vendor_completions.d/sluice.fish share/doc/sluice/README.md \
    share/doc/sluice/docs/reference/commands.md share/doc/sluice/LICENSE \
    share/sluice/libvirt/qemu lib/systemd/system/sluice@.service share/doc/sluice/SECURITY.md \
    share/doc/sluice/examples/library/main.cpp include/sluice/abi/reason.h \
    include/sluice/loader/port/commands.hpp; do
    [[ -s $prefix/$file ]] || fail "$file is not installed"
done

# libvirt's hook: for each operation that libvirt has it prints nothing and ends with 0, also if
# sluice fails; it restores when a VM has started, and when libvirtd finds VMs that run.
hook=$prefix/share/sluice/libvirt/qemu
cat >"$LAB_DIR/fails" <<END
#!/bin/sh
echo "\$*" >>"$LAB_DIR/asked"
echo "it fails" >&2
exit 4
END
chmod +x "$LAB_DIR/fails"
for operation in prepare start started stopped release migrate restore reconnect attach; do
    : >"$LAB_DIR/asked"
    expect "what the hook prints: $operation" "" \
        "$(echo '<domain/>' | SLUICE=$LAB_DIR/fails "$hook" web1 $operation begin - 2>&1)"
    case $operation in
    started | reconnect) expect "asked when $operation" restore "$(<"$LAB_DIR/asked")" ;;
    *) expect "asked when $operation" "" "$(<"$LAB_DIR/asked")" ;;
    esac
done

unit=$prefix/lib/systemd/system/sluice@.service
verify() { systemd-analyze --man=no verify "$unit" 2>&1 | grep sluice | grep -v 'not executable'; }
expect "what systemd says of the unit" "" "$(verify || true)"
expect "VMs start after it" 1 "$(grep -c '^Before=.*libvirtd.service' "$unit")"

package=$(dirname "$(find "$prefix" -name sluice.pc)")
flags=$(PKG_CONFIG_PATH=$package pkg-config --cflags --libs sluice)
for flag in $flags; do
    case $flag in
    -[IL]"$LAB_DIR"*) [[ -d ${flag#-?} ]] || fail "pkg-config: $flag is not there" ;;
    esac
done
expect_match "pkg-config names the library" "-lsluice " "$flags "

cmake -S "$E2E_HARNESS/../../examples/library" -B "$LAB_DIR/example" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" >"$LAB_DIR/example.log"
cmake --build "$LAB_DIR/example" >>"$LAB_DIR/example.log" || fail "$(<"$LAB_DIR/example.log")"

lab_routed
SLUICE=$prefix/sbin/sluice
told=$("$LAB_DIR/example/example" "$LAB" "$LAB-gateway" vm1 wan $LAB_NET4)
expect "the example lists sessions" "0 sessions" "${told##*$'\n'}"
expect "what the example made" "vm1 wan" "$(ask '[.ports[].name] | join(" ")' port list)"
# What the unit starts does nothing, and is well, where the instance was taken down.
start=$(sed -n "s|^ExecStart=[^ ]*/sluice --instance %i ||p" "$unit")
expect "what the unit starts" restore "$start"
sl down
expect_match "of an instance that is down" "nothing to restore" "$(sl "$start" 2>/dev/null)"
sl up
serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-10 --from-port 20001
expect "sessions then" 1 "$(ask .sessions nat session count)"
