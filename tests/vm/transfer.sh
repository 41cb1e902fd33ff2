#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A virtual machine behind a tap, all offloads on, fetches 50 MB from outside and serves 50 MB to there
# through a forward, translated, and every byte is right. It pings too, by IPv6 as well, which is routed.
# transfer.sh tc|xdp
. "$(dirname "$0")/../harness/e2e.sh"
. "$(dirname "$0")/../../scripts/guest.sh"
hook=$1
size=50000000

[[ -e $GUEST_CACHE/vmlinuz ]] || fail "no kernel for the guest: run scripts/setup"
lab_new vm
lab_outside 1500
guest_root "$LAB_DIR/guest" virtio_pci virtio_net
guest_job_host "$LAB_DIR/guest" 10.77.1.11/24 10.77.1.1
guest_start gateway vm1 "$LAB_DIR/guest"
console=$LAB_DIR/$!.out
lab_addr gateway vm1 10.77.1.1/24 fd77:0:0:1::1/64
guest() { guest_in gateway 10.77.1.11 "$@"; }
lab_wait 60 guest true 2>/dev/null || fail "the guest did not start: $(<"$console")"

lab_up
sl port add vm1 --role access --hook "$hook"
sl port add wan --role uplink
sl nat masquerade add --source $LAB_NET4 --uplink wan
sl nat forward add --proto tcp --external "$LAB_WAN4:8080" --internal 10.77.1.11:80

guest "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad"
guest "ip addr add fd77:0:0:1::11/64 dev eth0; ip -6 route add default via fd77:0:0:1::1"
for address in $LAB_SERVER4 $LAB_SERVER6; do
    expect_match "ping $address" " 0% packet loss" "$(guest "ping -c 3 $address")"
done

mkdir "$LAB_DIR/www"
head -c $size /dev/urandom >"$LAB_DIR/www/data"
lab_spawn server busybox httpd -f -p 80 -h "$LAB_DIR/www"
lab_wait 5 lab_listening server 80
expect "what the guest received" "$(sha256sum <"$LAB_DIR/www/data")" \
    "$(guest "wget -q -O - http://$LAB_SERVER4/data | sha256sum")"

# By sendfile, which fills segments however slow the guest is.
sent=$(guest "mkdir /www; head -c $size /dev/urandom >/www/data; httpd -p 80 -h /www; sha256sum </www/data")
expect "what the client outside received" "$sent" \
    "$(lab_in server timeout 120 wget -q -O - "http://$LAB_WAN4:8080/data" | sha256sum)"

read -r packets bytes < <(ask '.sessions[] | select(.destination.port == 8080) |
    "\(.received.packets) \(.received.bytes)"' nat session list)
expect_within "bytes of the session" $size $((size + size / 10)) "$bytes"
expect_within "bytes in a frame on average: segments came whole" 3000 66000 $((bytes / packets))
expect "drops" 0 "$(ask '[.drops[].packets] | add // 0' drops)"
