#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What can't work is refused, and what works otherwise than one may think is warned of, in a dry run
# as well; commands in warnings can be copied as they stand.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
lab_up
# warning ARGUMENTS...: what sluice warns of
warning() { { sl "$@" >/dev/null; } 2>&1; }

ip -n "$LAB-gateway" link add link wan name mvt0 type macvtap
expect_refusal 4 "macvtap.*does not enter the host" port add mvt0 --role access

# Rules of the host that no longer see what passes; an empty chain is none.
lab_in gateway nft -f - <<'END'
table inet empty { chain forward { type filter hook forward priority 0; policy accept; }; }
END
expect "an empty chain" "" "$(warning --dry-run port add vm1 --role access)"
lab_in gateway nft -f - <<'END'
table inet fw { chain forward { type filter hook forward priority 0; policy drop; }; }
table ip more { chain forward { type filter hook forward priority 1; tcp dport 25 drop; }; }
END
for dry in --dry-run ""; do
    # shellcheck disable=SC2086 # none is meant to vanish
    expect_match "rules of netfilter $dry" "inet fw forward \(policy drop\), ip more forward;" \
        "$(warning $dry port add vm1 --role access)"
done
expect "at the next port no more" "" "$(warning port add wan --role uplink)"

# forward INTERNAL: the rest of the command
forward() { echo "nat forward add --proto tcp --external $LAB_WAN4:80 --internal $1:80"; }
# shellcheck disable=SC2046 # words are meant
expect_refusal 4 "an address of the host itself" $(forward 10.77.1.1)
# shellcheck disable=SC2046
expect_refusal 4 "the broadcast address of 10.77.1.0/24" $(forward 10.77.1.255)
# shellcheck disable=SC2046
hinted=$(warning $(forward 10.77.2.11))
expect_match "behind no port" "10.77.2.11 is behind vm2, which is no port" "$hinted"
[[ $hinted =~ \`(sluice [^\`]*)\` ]] || fail "no command in '$hinted'"
read -ra command <<<"${BASH_REMATCH[1]}"
"$SLUICE" "${command[@]:1}"
expect "the port that the warning asked for" 1 "$(ask '[.ports[] | select(.name == "vm2")] | length' port list)"
