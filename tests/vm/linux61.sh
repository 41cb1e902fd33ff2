#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one of the end-to-end cases on Linux 6.1, in a guest that sees this machine's files.
# linux61.sh CASE [ARGUMENT...]    CASE: from the project's root
. "$(dirname "$0")/../harness/e2e.sh"
. "$(dirname "$0")/../../scripts/guest.sh"

[[ -e $GUEST_CACHE/vmlinuz ]] || fail "no kernel for the guest: run scripts/setup"
lab_new vm
lab_host outer
guest_root "$LAB_DIR/guest" virtio_pci virtio_net virtiofs overlay veth bridge sch_ingress cls_bpf \
    sch_fq sch_htb nf_tables nft_objref nft_meta_bridge xfrm_user esp4 authenc ecb echainiv
guest_job_here "$LAB_DIR/guest" "cd $(realpath "$E2E_HARNESS/../..") && SLUICE=$SLUICE $*"
guest_start_here outer vm1 "$LAB_DIR/guest"
wait $! || true
cat "$LAB_DIR/$!.out"
grep -q "^job ended: 0" "$LAB_DIR/$!.out" || fail "$* in the guest"
