#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where the kernel lets programs share an interface's XDP hook, sluice joins whoever is there, and
# leaves alone. Runs in the guest of linux61.sh.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
compile_foreign
lab_in gateway xdp-loader load -m native -s xdp wan "$LAB_DIR/foreign.o"
before=$(snapshot vm1)
gate xdp
expect "how XDP is attached" "dispatcher dispatcher dispatcher" \
    "$(ask '[.ports[].xdp.method] | join(" ")' port list)"
expect "how TC is attached" "clsact clsact clsact" \
    "$(ask '[.ports[].tc_ingress.method] | join(" ")' port list)"
serve server 7
counted=$(foreign_count)
traffic vm1 exchange udp $LAB_SERVER4 7 1-100
traffic vm1 exchange tcp $LAB_SERVER6 7 1-100
expect_within "packets that the other program saw" 200 1000 $(($(foreign_count) - counted))
sl nat masquerade del --source $LAB_NET4 --uplink wan
sl port del wan
expect "other programs on wan" foreign_xdp \
    "$(lab_in gateway xdp-loader status wan | grep -o 'foreign_xdp\|sl_xdp')"
sl down
expect "vm1 as it was before" "$before" "$(snapshot vm1)"
