# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The lab of oracle.py, sourced after e2e.sh.

# oracle_rig: both switches' ports in the gateway, all far ends in the tester.
oracle_rig() {
    local host n
    lab_host gateway tester
    for host in gateway tester; do
        lab_in $host sysctl -qw net.ipv6.conf.{all,default}.disable_ipv6=1
    done
    for n in {1..12}; do
        lab_link gateway b"$n" tester B"$n" 1500
        lab_link gateway s"$n" tester S"$n" 1500
    done
}

# oracle ARGUMENTS...: oracle.py on the rig.
oracle() {
    export LAB # for oracle.py
    lab_in tester "$E2E_HARNESS/oracle.py" "/run/netns/$LAB-gateway" "$@"
}
