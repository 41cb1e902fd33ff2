# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # FRAME and HEARD are for those who source this file
# A lab without a bridge, sourced after e2e.sh: VMs whose only switch is sluice.
#
#      a1 ---[a1]\   VLAN 10              --- veth pairs, all offloads on
#      a2 ---[a2] \                       [ ] interfaces of the gateway
#      b1 ---[b1] gateway[wan] --- server
#      b2 ---[b2]/   VLAN 20
#      far ---[trunk] both, tagged

declare -A VLAN_OF=([a1]=10 [a2]=10 [b1]=20 [b2]=20)

# lab_switched [MTU]: the VMs' interfaces have no addresses.
lab_switched() {
    local mtu=${1:-1500} vm
    lab_outside "$mtu"
    lab_host far
    lab_link gateway trunk far eth0 "$mtu"
    for vm in "${!VLAN_OF[@]}"; do
        lab_host "$vm"
        lab_link gateway "$vm" "$vm" eth0 "$mtu"
    done
}

# switch_up HOOK [UP ARGUMENTS...]: the instance and the VMs' ports.
switch_up() {
    local vm hook=$1
    lab_up "${@:2}"
    for vm in a1 a2 b1 b2; do
        sl port add $vm --role access --vlan "${VLAN_OF[$vm]}" --hook "$hook"
    done
}

# number VM LAST...: addresses of VMs of one network, fd77:: and 10.77.0.
number() {
    while (($#)); do
        lab_addr "$1" eth0 "10.77.0.$2/24" "fd77::$2/64"
        shift 2
    done
}

# frame TARGET SOURCE [TAG]: 60 bytes that no stack takes, with a mark of their own, $MARK; MACs with
# colons, TAG: hexadecimal without.
frame() {
    MARK=$(printf '%08x' $((RANDOM << 15 | RANDOM)))736c7563
    FRAME="${1//:/}${2//:/}${3-}88b6${MARK}$(printf '00%.0s' {1..40})"
}

# hears HOST COMMAND...: the last frame() reaches the host when the command is given; it is $HEARD.
hears() {
    local host=$1 listener
    shift
    lab_spawn "$host" "$E2E_HARNESS/traffic.py" overhear eth0 "$MARK" 3
    listener=$!
    lab_wait 5 grep -q listening "$LAB_DIR/$listener.out"
    "$@"
    wait "$listener" || fail "$host did not hear it: $(<"$LAB_DIR/$listener.out")"
    HEARD=$(tail -n 1 "$LAB_DIR/$listener.out")
}

# marked: a filter of tcpdump for what bears the last mark, with a tag or without.
marked() { echo "ether[14:4] = 0x${MARK:0:8} or ether[18:4] = 0x${MARK:0:8}"; }
