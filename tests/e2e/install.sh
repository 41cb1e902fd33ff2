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
    share/doc/sluice/SECURITY.md share/doc/sluice/examples/library/main.cpp include/sluice/abi/reason.h \
    include/sluice/loader/port/commands.hpp; do
    [[ -s $prefix/$file ]] || fail "$file is not installed"
done

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
serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-10 --from-port 20001
expect "sessions then" 1 "$(ask .sessions nat session count)"
