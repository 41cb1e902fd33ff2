#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The door where bridges are: a tap of a bridge that is made anew is shut until `restore`; neighbours
# in the bridge that are no ports notice nothing of it and reach no more than before; and the bridge
# itself as a port, with br_netfilter, which shows bridged frames to the tables of IP.
# door_bridge.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_bridged
lab_host vm3
lab_link gateway vm3 vm3 eth0 1500
ip -n "$LAB-gateway" link set vm3 master br0
lab_addr vm3 eth0 10.77.0.13/24 fd77::13/64
lab_gateways vm3 10.77.0.1 fd77::1
lab_host admin
lab_link gateway mgmt admin eth0 1500
lab_addr gateway mgmt 192.168.50.1/24
lab_addr admin eth0 192.168.50.2/24
lab_in gateway sysctl -qw net.ipv4.conf.mgmt.forwarding=1 # for answers
lab_gateways admin 192.168.50.1

pings() { lab_in "$1" ping -q -c 2 -i 0.05 -W 1 "$2" >/dev/null; }
reaches() {
    pings "$1" "$2" || fail "$1 does not reach $2"
    echo "ok: $1 reaches $2"
}
lacks() {
    ! pings "$1" "$2" || fail "$1 reaches $2"
    echo "ok: $1 does not reach $2"
}
# What was asked for behind the shut door in vain is asked for anew: a resolution that is about to
# fail would take the first pings after it along.
restore() {
    sl restore
    ip -n "$LAB-vm1" neigh flush all
}
replug() {
    ip -n "$LAB-gateway" link del vm1
    lab_link gateway vm1 vm1 eth0 1500
    ip -n "$LAB-gateway" link set vm1 master br0
    lab_addr vm1 eth0 10.77.0.11/24 fd77::11/64
    lab_gateways vm1 10.77.0.1 fd77::1
}

# vm3 is no port.
gate "$hook"
sl guard set vm1 --macs "$(mac vm1 eth0)" --address 10.77.0.11,fd77::11
for address in 10.77.0.1 10.77.0.12 10.77.0.13 fd77::1 fd77::13 192.168.50.1 $LAB_SERVER4 $LAB_SERVER6; do
    reaches vm1 $address
done
lacks vm1 192.168.50.2
for address in 10.77.0.1 10.77.0.11 fd77::12; do
    reaches vm3 $address
done
# As before `port add`: the host forwarded for nobody.
for address in 192.168.50.2 $LAB_SERVER6; do
    lacks vm3 $address
done

replug
expect "the port is closed" true "$(ask .port.closed port show vm1)"
for address in 10.77.0.1 10.77.0.12 10.77.0.13 fd77::13; do
    lacks vm1 $address
done
lacks gateway 10.77.0.11
reaches vm2 10.77.0.13
reaches vm3 10.77.0.1
sl guard set vm1 --macs "$(mac vm1 eth0)" --address 10.77.0.11,fd77::11
restore
reaches vm1 10.77.0.12
reaches vm1 $LAB_SERVER4
sl nat masquerade del --source $LAB_NET4 --uplink wan
for port in vm1 vm2; do sl port del $port; done

# The bridge itself.
sl port add br0 --role access
sl nat masquerade add --source $LAB_NET4 --uplink wan
for address in 10.77.0.1 10.77.0.13 fd77::13 $LAB_SERVER4 $LAB_SERVER6; do
    reaches vm1 $address
done
lacks vm1 192.168.50.2
ip -n "$LAB-gateway" link del br0
ip -n "$LAB-gateway" link add br0 type bridge
ip -n "$LAB-gateway" link set br0 up
lab_addr gateway br0 10.77.0.1/24 fd77::1/64
for vm in 1 2 3; do ip -n "$LAB-gateway" link set vm$vm master br0; done
lab_in gateway sysctl -qw net.ipv4.conf.br0.forwarding=1 net.ipv6.conf.br0.forwarding=1
for address in 10.77.0.1 $LAB_SERVER6 192.168.50.2; do
    lacks vm1 $address
done
reaches vm1 10.77.0.13
restore
for address in 10.77.0.1 $LAB_SERVER4 $LAB_SERVER6 192.168.50.2; do
    reaches vm1 $address
done
