#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dnsmasq on the gateway knows leases from sluice: a DHCP client behind a guarded port gets its
# VM's address. Where the guard snoops, an address from dnsmasq's own range is the port's from the
# ACK on, and its neighbour's is not.
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"

lab_new e2e
lab_routed
gate tc
hosts="$LAB_DIR/dhcp-hosts" pid_file="$LAB_DIR/dnsmasq.pid"
touch "$hosts"
# With nothing of this machine's settings.
lab_spawn gateway dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null --port=0 \
    --user=root --pid-file="$pid_file" --dhcp-leasefile="$LAB_DIR/dhcp-leases" --no-ping \
    --dhcp-hostsfile="$hosts" --interface=vm1 --interface=vm2 \
    --dhcp-range=10.77.1.100,10.77.1.110,255.255.255.0,2m \
    --dhcp-range=10.77.2.100,10.77.2.110,255.255.255.0,2m
expect_soon 5 "dnsmasq runs" test -s "$pid_file"
sl mac dhcp set --hosts-file "$hosts" --pid-file "$pid_file"

# What both clients call with an address: puts it on eth0.
cat >"$LAB_DIR/configure" <<'END'
#!/bin/sh
case ${reason:-$1} in
BOUND | bound) ip addr add "${new_ip_address:-$ip}/24" dev eth0 ;;
esac
END
chmod +x "$LAB_DIR/configure"
addressless() {
    ip -n "$LAB-$1" -4 addr flush dev eth0
}
own_address() { ip -n "$LAB-$1" -4 -j addr show dev eth0 | jq -r '.[].addr_info[].local'; }
has_address() { [[ $(own_address "$1") ]]; }
dhclient_on() {
    lab_spawn "$1" dhclient -d -1 -sf "$LAB_DIR/configure" -lf "$LAB_DIR/dhclient-leases" \
        -pf "$LAB_DIR/dhclient.pid" -cf /dev/null eth0
    lab_wait 20 has_address "$1" || fail "dhclient on $1 got no address: $(<"$LAB_DIR/$!.out")"
    lab_reap $!
}
udhcpc_on() {
    lab_in "$1" busybox udhcpc -i eth0 -f -q -n -t 5 -T 1 -s "$LAB_DIR/configure" ||
        fail "udhcpc on $1 got no address"
}

# A lease's address, by both clients.
sl mac pool add vms --prefix 02:1a:2b
sl mac bind "$(mac vm1 eth0)" --vm web1 --port vm1 --ip 10.77.1.50
expect_match "the hosts file" "$(mac vm1 eth0),.*10.77.1.50" "$(<"$hosts")"

# A link that somebody planted in the folder is not written through, nor does a FIFO keep anybody.
echo precious >"$LAB_DIR/precious"
ln -s "$LAB_DIR/precious" "$hosts.new"
sl mac bind 02:00:00:00:00:51 --vm planted --ip 10.77.1.51
expect "what the planted link leads to" precious "$(<"$LAB_DIR/precious")"
expect_match "the hosts file then" "10.77.1.51" "$(<"$hosts")"
sl mac release planted
mkfifo "$LAB_DIR/fifo"
expect_refusal 4 "not a file" mac import --from csv "$LAB_DIR/fifo"

sl guard set vm1
for client in udhcpc_on dhclient_on; do
    addressless vm1
    $client vm1
    expect "the address that $client gave" 10.77.1.50 "$(own_address vm1)"
done
ip -n "$LAB-vm1" route replace default via 10.77.1.1
lab_in vm1 ping -q -c 3 -i 0.01 -W 1 $LAB_SERVER4
echo "ok: it may use it"

# A dynamic one.
sl guard set vm2 --macs "$(mac vm2 eth0)" --snoop on
addressless vm2
udhcpc_on vm2
dynamic=$(own_address vm2)
expect_match "an address of the range" "^10\.77\.2\.1(0[0-9]|10)$" "$dynamic"
expect "what the guard learned" "$dynamic" \
    "$(ask '.guard.addresses[] | select(.state == "snooped") | .address' guard show vm2)"
expect "events of it" 1 "$(ask '.events | length' events --port vm2 --kind address-snooped)"
ip -n "$LAB-vm2" route replace default via 10.77.2.1
lab_in vm2 ping -q -c 3 -i 0.01 -W 1 $LAB_SERVER4
echo "ok: it may use it"
addressless vm2
lab_addr vm2 eth0 "${dynamic%.*}.$((${dynamic##*.} + 1))/24"
ip -n "$LAB-vm2" route replace default via 10.77.2.1
if lab_in vm2 ping -q -c 2 -i 0.01 -W 0.5 $LAB_SERVER4; then fail "its neighbour works"; fi
echo "ok: its neighbour is refused"
