#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `qos load`: rates and classes from a YAML file, of VMs by the leases at their ports; a file that is
# wrong changes nothing and is told the line.
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/qos.sh"

lab_new e2e
lab_routed
lab_up
sl mac pool add pool --prefix 02:00:00:00:02:10-1f
for port in vm1 vm2; do
    sl port add $port --role access
done
ip -n "$LAB-vm1" link set eth0 address "$(sl mac alloc web1 --port vm1 | head -n 1)"

file=$LAB_DIR/vms.yaml
cat >"$file" <<'END'
vms:
  - name: web1
    bandwidth: 8Mbps
    ingress-burst: 100kb
    pps: 10kpps
    latency: 30ms
    shaper: htb
  - port: vm2
    ingress: 100mbit
    egress: 50mbit
classes:
  - {name: voice, match: app=voip, priority: 0, max: 20%, dscp: ef}
  - name: web
    match: ["vm=web1 proto=tcp port=80,443", vlan=7]
    weight: 4
END
# rates: those that are set.
rates() {
    ask '.ports[] | "\(.port) \(.in.rate) \(.in.pps) \(.out.rate) \(.out.latency.target)"' \
        qos list --interval 10ms
}
sl --dry-run qos load "$file"
expect "after a dry run" "" "$(rates)"
sl qos load "$file"
expect "rates" "vm1 8000000 10000 8000000 0.03
vm2 100000000 null 50000000 null" "$(rates)"
expect "classes" "voice 0 0.2 ef app=voip
web 7 null null vm=web1 proto=tcp port=80,443,vlan=7
default 7 null null " "$(ask '.classes[] |
    "\(.name) \(.priority) \(.max) \(.dscp) \(.matches | join(","))"' qos class list)"
expect_rate "policed" 8 vm1 vm2 10.77.2.12
expect_rate "shaped" 8 vm2 vm1 10.77.1.11
expect "drift" 0 "$(ask '.drift | length' status)"

# What is not in a file stays; twice the same is nothing new.
before=$(rates) classes=$(ask . qos class list)
sl qos load - <<<'{vms: [{port: vm2, pps: 20kpps}]}'
expect "one thing more" "${before/100000000 null/100000000 20000}" "$(rates)"
sl qos load "$file"
before=$(rates)
expect "classes are the same" "$classes" "$(ask . qos class list)"

# refused CODE PATTERN: the file on standard input is, and nothing is changed.
refused() {
    cat >"$LAB_DIR/bad.yaml"
    expect_refusal "$1" "$2" qos load "$LAB_DIR/bad.yaml"
    expect "rates after that" "$before" "$(rates)"
    expect "classes after that" "$classes" "$(ask . qos class list)"
}
refused 2 'bad.yaml:3:.*"latencyy"' <<'END'
vms:
  - {port: vm1, bandwidth: 1gbit}
  - {port: vm2, latencyy: 2ms}
END
refused 2 'bad.yaml:2:.*100mb.*100mbit' <<'END'
vms:
  - {port: vm1, bandwidth: 100mb}
END
refused 2 'bad.yaml:2:.*contradicts bandwidth' <<'END'
vms:
  - {port: vm1, bandwidth: 100mbit, egress: 1gbit}
END
refused 2 'bad.yaml:3:.*stands twice' <<'END'
vms:
  - {port: vm1, bandwidth: 100mbit}
  - {port: vm1, pps: 1kpps}
END
refused 3 'bad.yaml:3:.*web9' <<'END'
vms:
  - {port: vm1, bandwidth: 77mbit}
  - {name: web9, bandwidth: 100mbit}
END
refused 3 'bad.yaml:3:.*vm9' <<'END'
vms:
  - {port: vm1, bandwidth: 77mbit}
  - {port: vm9, bandwidth: 100mbit}
END
refused 2 'bad.yaml:4:.*priority 0 needs max' <<'END'
vms:
  - {port: vm1, bandwidth: 77mbit}
classes:
  - {name: hasty, match: app=ssh, priority: 0}
END
refused 4 '100 %|9[0-9] %' <<'END'
classes:
  - {name: hasty, match: app=ssh, priority: 0, max: 80%}
END
refused 2 'bad.yaml:' <<'END'
vms: [
END
refused 2 'bad.yaml:' </dev/null
expect_refusal 1 "nowhere.yaml" qos load "$LAB_DIR/nowhere.yaml"
expect "drift" 0 "$(ask '.drift | length' status)"
