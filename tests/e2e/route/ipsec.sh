#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the host's IPsec policies are about never leaves in clear and is not masqueraded: it is left
# to the kernel. All else goes on as it did.
# ipsec.sh tc|xdp [tunnel]    tunnel: this kernel has ESP, and what is protected arrives
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1 tunnel=${2-}
readonly branch=198.51.100.9

lab_new e2e
lab_routed
lab_addr server lo $branch/32
ip -n "$LAB-gateway" route add $branch via $LAB_SERVER4
gate "$hook"
serve server 7
traffic vm1 exchange udp $branch 7 1-3
traffic vm1 exchange udp $LAB_SERVER4 7 1-3
expect "sessions before" 2 "$(ask .sessions nat session count)"

# policy HOST DIRECTION SOURCE DESTINATION FROM TO
policy() {
    ip -n "$LAB-$1" xfrm policy add dir "$2" src "$3" dst "$4" \
        tmpl src "$5" dst "$6" proto esp reqid 1 mode tunnel
}
# state HOST FROM TO SPI
state() {
    ip -n "$LAB-$1" xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid 1 mode tunnel \
        enc 'ecb(cipher_null)' '' auth digest_null ''
}
policy gateway out $LAB_NET4 $branch/32 $LAB_WAN4 $LAB_SERVER4
policy gateway fwd $branch/32 $LAB_NET4 $LAB_SERVER4 $LAB_WAN4
if [[ $tunnel ]]; then
    policy server out $branch/32 $LAB_NET4 $LAB_SERVER4 $LAB_WAN4
    ip -n "$LAB-server" route add $LAB_NET4 via $LAB_WAN4
    policy server in $LAB_NET4 $branch/32 $LAB_WAN4 $LAB_SERVER4
    for host in gateway server; do
        state $host $LAB_WAN4 $LAB_SERVER4 0x101
        state $host $LAB_SERVER4 $LAB_WAN4 0x102
    done
fi

# Status tells at once; the next command takes it up and says what it means.
expect_match "status tells" "leave" "$(ask '.drift[].text' status)"
expect_match "and what it means" "IPsec" "$(sl restore 2>&1)"
expect "drift" 0 "$(ask '.drift | length' status)"

lab_spawn gateway tcpdump -n -U -i wan -Q out -w "$LAB_DIR/wire"
dump=$!
lab_wait 5 test -s "$LAB_DIR/wire"
serve server 8
if [[ $tunnel ]]; then
    traffic vm1 exchange udp $branch 8 1-3
    traffic vm1 exchange tcp $branch 8 1000
    expect "the branch sees the VM itself" 2 "$(grep -c ' 10\.77\.1\.11 ' "$SERVED")"
else
    lab_in vm1 ping -q -c 2 -i 0.2 -W 1 $branch >/dev/null || true
    lab_in vm1 timeout 1 "$E2E_HARNESS/traffic.py" exchange udp $branch 8 1-3 || true
fi
traffic vm1 exchange udp $LAB_SERVER4 8 1-3
expect_soon 2 "all else is masqueraded" client_seen "^udp $LAB_WAN4 "
sleep 0.2
kill "$dump"
wait "$dump" || true
seen() { tcpdump -n -r "$LAB_DIR/wire" "$1" 2>/dev/null | wc -l; }
expect "in clear" 0 "$(seen "host $branch")"
[[ ! $tunnel ]] || expect_within "encrypted" 6 100 "$(seen esp)"

# Without the policies it is masqueraded again.
for host in gateway server; do ip -n "$LAB-$host" xfrm policy flush; done
sl restore
traffic vm1 exchange udp $branch 8 1-3
expect "drift at the end" 0 "$(ask '.drift | length' status)"

ip -n "$LAB-gateway" rule add fwmark 0x1 lookup main
expect_match "rules by mark are told, too" "firewall mark" "$(sl restore 2>&1)"
ip -n "$LAB-gateway" rule del fwmark 0x1 lookup main
sl restore
expect "counters hold" true "$(ask .consistent stats)"
