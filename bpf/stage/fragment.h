/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments: only the first one of a packet has the ports that name its flow. It leaves them in a
 * map for the later ones; the kernel's LRU ends the entry.
 */
#ifndef SLUICE_BPF_STAGE_FRAGMENT_H
#define SLUICE_BPF_STAGE_FRAGMENT_H

#include "lib/packet.h"
#include "maps/maps.h"

static __noinline void sl_fragment_ports(struct sl_packet *pkt)
{
	struct sl_fragment_key key = {.id = pkt->frag_id, .proto = pkt->proto};
	struct sl_fragment ports, *first;
	bool v4 = pkt->family == AF_INET;

	sl_packet_addrs(pkt, &key.saddr, &key.daddr);
	key.domain = v4 ? pkt->k4.domain : pkt->k6.domain;
	if (pkt->fragment == SL_FRAG_FIRST) {
		ports.sport = v4 ? pkt->k4.sport : pkt->k6.sport;
		ports.dport = v4 ? pkt->k4.dport : pkt->k6.dport;
		bpf_map_update_elem(&sl_fragments, &key, &ports, BPF_ANY);
		return;
	}
	first = bpf_map_lookup_elem(&sl_fragments, &key);
	if (!first)
		return;
	if (v4) {
		pkt->k4.sport = first->sport;
		pkt->k4.dport = first->dport;
	} else {
		pkt->k6.sport = first->sport;
		pkt->k6.dport = first->dport;
	}
}

#endif
