#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts in two VLANs with no switch but sluice: they find each other and the gateway, get their
# addresses from it and reach the outside through it; a trunk carries both VLANs; and nothing of one
# VLAN is seen in the other.
# vlans.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched 9000
switch_up "$hook"
sl port add trunk --role trunk --vlans 10,20 --hook tc
sl port add vlan10 --role internal --vlan 10 --address 10.77.0.1/24 --address fd77::1/64
sl port add vlan20 --role internal --vlan 20 --address 10.78.0.1/24
sl port add wan --role uplink --hook "$hook"
for vlan in 10 20; do
    ip -n "$LAB-gateway" link set vlan$vlan mtu 9000
done
for net in 10.77.0.0/24 10.78.0.0/24; do
    sl nat masquerade add --source $net --uplink wan
done
serve server 7

# The gateway's dnsmasq gives a2 its addresses: DHCP, and a prefix by router advertisements.
lab_spawn gateway dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null --port=0 \
    --user=root --pid-file="$LAB_DIR/dnsmasq.pid" --dhcp-leasefile="$LAB_DIR/leases" --no-ping \
    --interface=vlan10 --dhcp-range=10.77.0.100,10.77.0.110,255.255.255.0,2m \
    --enable-ra --dhcp-range=fd77::,ra-only
expect_soon 5 "dnsmasq runs" test -s "$LAB_DIR/dnsmasq.pid"
cat >"$LAB_DIR/configure" <<'END'
#!/bin/sh
[ "$1" = bound ] && ip addr add "$ip/24" dev eth0 && ip route add default via "$router"
exit 0
END
chmod +x "$LAB_DIR/configure"
own() { ip -n "$LAB-a2" "$1" -j addr show dev eth0 | jq -r '.[].addr_info[] | select(.scope == "global") | .local'; }
has() { [[ $(own "$1") ]]; }
lab_in a2 busybox udhcpc -i eth0 -f -q -n -t 5 -T 1 -s "$LAB_DIR/configure"
expect_match "the address that DHCP gave" '^10\.77\.0\.1(0[0-9]|10)$' "$(own -4)"
expect_soon 10 "an address by SLAAC" has -6
number a1 11
lab_gateways a1 10.77.0.1 # and by router advertisement
lab_addr b1 eth0 10.78.0.11/24
lab_gateways b1 10.78.0.1

# Inside the VLAN: ARP, neighbour discovery, full frames, a stream.
for address in "$(own -4)" "$(own -6)"; do
    lab_in a1 ping -q -c 3 -i 0.01 -W 2 -M "do" -s 8900 "$address"
done
lab_spawn a2 iperf3 -s -1
lab_wait 5 lab_listening a2 5201
expect_within "Mbit/s inside the VLAN" 100 1000000 "$(lab_in a1 iperf3 -J -n 50M -c "$(own -4)" |
    jq '.end.sum_received.bits_per_second / 1e6 | floor')"

# To the outside, translated, from both; a2 by what dnsmasq told it.
for host in a1 a2 b1; do
    traffic $host exchange udp $LAB_SERVER4 7 1-70,8900-8972
    traffic $host exchange tcp $LAB_SERVER4 7 1-70,17000-17020,131071
    traffic $host bulk $LAB_SERVER4 7 20000001
done
traffic a1 exchange tcp $LAB_SERVER6 7 1-70
expect "IPv4 clients that the server saw" $LAB_WAN4 "$(grep -v : "$SERVED" | cut -d' ' -f2 | sort -u)"
echo "ok: both VLANs reach the outside"

# What is flooded in VLAN 10 reaches all of it and nobody of VLAN 20.
witness b1
for target in ff:ff:ff:ff:ff:ff 01:00:5e:00:00:fb 33:33:00:00:00:fb 02:00:5e:00:53:01; do
    frame $target "$(mac a1 eth0)"
    hears a2 traffic a1 whisper eth0 "$FRAME" 1
    expect "$target as a2 hears it" "$FRAME" "$HEARD"
    hears far traffic a1 whisper eth0 "$FRAME" 1
    expect "$target on the trunk" "${FRAME:0:24}8100000a${FRAME:24}" "$HEARD"
    expect "$target in VLAN 20" 0 "$(witnessed "$(marked)")"
done

# By the trunk: a tag leads into its VLAN, any other is dropped.
stranger=02:00:5e:00:53:02
frame ff:ff:ff:ff:ff:ff $stranger 81000014
hears b1 traffic far whisper eth0 "$FRAME" 1
expect "a frame tagged 20" "${FRAME:0:24}${FRAME:32}" "$HEARD"
frame "$(mac a1 eth0)" $stranger 8100e00a
hears a1 traffic far whisper eth0 "$FRAME" 1
expect "a frame tagged 10, with a priority" "${FRAME:0:24}${FRAME:32}" "$HEARD"
frame $stranger "$(mac a1 eth0)"
hears far traffic a1 whisper eth0 "$FRAME" 1
expect "the answer" "${FRAME:0:24}8100000a${FRAME:24}" "$HEARD"
# dropped REASON; more_dropped REASON COUNT: the far host's own reports may be dropped besides.
dropped() { ask "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops; }
more_dropped() { (($(dropped "$1") > $2)); }
for sent in 8100001e:vlan-tagged 81000fff:vlan-reserved 88a8000a:vlan-tagged :vlan-untagged; do
    tag=${sent%:*} reason=${sent#*:}
    before=$(dropped "$reason")
    frame ff:ff:ff:ff:ff:ff $stranger "$tag"
    traffic far whisper eth0 "$FRAME" 1
    expect_soon 3 "a frame tagged '$tag' is dropped: $reason" more_dropped "$reason" "$before"
done
witness_end
expect "sources of VLAN 10 in VLAN 20" 0 \
    "$(witnessed "ether src $(mac a1 eth0) or ether src $(mac a2 eth0)")"
expect "counters hold" true "$(ask .consistent stats)"
