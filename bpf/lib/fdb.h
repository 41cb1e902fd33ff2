/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * These are the look-ups in sl_fdb, the MAC table, which tells who is where. switch/learn.h writes
 * it. The router asks it as well, since the MTU of the way to a VM is that of the port behind which
 * the VM is.
 */
#ifndef SLUICE_BPF_LIB_FDB_H
#define SLUICE_BPF_LIB_FDB_H

#include "lib/l2.h"
#include "lib/settings.h"
#include "lib/time.h"
#include "maps/maps.h"

static __always_inline __u64 sl_fdb_key(__u64 mac, __u16 vid)
{
	return mac | (__u64)vid << SL_FDB_MAC_BITS;
}

/*
 * Returns 0 if a and b are the same, else 1. It has no branch, which would often be guessed wrong
 * here.
 */
static __always_inline __u64 sl_differ(__u64 a, __u64 b)
{
	__u64 x = a ^ b;

	return (x | -x) >> 63;
}

static __always_inline struct sl_fdb *sl_fdb_in(__u32 index, __u64 key)
{
	struct sl_fdb_bucket *bucket = bpf_map_lookup_elem(&sl_fdb, &index);
	__u64 slot;

	if (!bucket)
		return NULL;
	/* The number of slots before the one that has it. */
	slot = sl_differ(READ_ONCE(bucket->slots[0].key), key);
	slot += slot & sl_differ(READ_ONCE(bucket->slots[1].key), key);
	slot += slot >> 1 & sl_differ(READ_ONCE(bucket->slots[2].key), key);
	slot += (slot + 1) >> 2 & sl_differ(READ_ONCE(bucket->slots[3].key), key);
	barrier_var(slot);
	return slot < SL_FDB_SLOTS ? &bucket->slots[slot] : NULL;
}
SL_STATIC_ASSERT(SL_FDB_SLOTS == 4, "each is looked at above");

/* Looks in the buckets that come after the first. */
static __noinline struct sl_fdb *sl_fdb_find_further(__u64 hash, __u64 key, __u32 mask)
{
	struct sl_fdb *entry;

#pragma unroll
	for (__u32 turn = 1; turn < SL_FDB_CHOICES; turn++) {
		entry = sl_fdb_in(sl_fdb_choice(hash, turn, mask), key);
		if (entry)
			return entry;
	}
	return NULL;
}

/* Finds the entry of this key; for key 0, a free slot where the key with this hash may be. */
static __always_inline struct sl_fdb *sl_fdb_find(const struct sl_settings *settings, __u64 hash,
						  __u64 key)
{
	struct sl_fdb *entry = sl_fdb_in(sl_fdb_choice(hash, 0, settings->fdb_mask), key);

	return likely(entry) ? entry : sl_fdb_find_further(hash, key, settings->fdb_mask);
}

static __always_inline struct sl_fdb *sl_fdb_entry(__u64 key)
{
	const struct sl_settings *settings = sl_settings_now();

	return settings ? sl_fdb_find(settings, sl_fdb_hash(key, &settings->flow_seed), key) : NULL;
}

/*
 * Computes where the destination is to be looked up, and asks for its cache line before the
 * source's is needed: so in a large table the frame waits for both at once.
 */
static __always_inline void sl_fdb_aim(struct sl_l2 *l2)
{
	const struct sl_settings *settings = sl_settings_now();
	const struct sl_fdb_bucket *bucket;
	__u64 touched;
	__u32 index;

	if (!settings)
		return;
	l2->dst_hash = sl_fdb_hash(sl_fdb_key(l2->dst, l2->vid), &settings->flow_seed);
	index = sl_fdb_choice(l2->dst_hash, 0, settings->fdb_mask);
	bucket = bpf_map_lookup_elem(&sl_fdb, &index);
	if (!bucket)
		return;
	touched = READ_ONCE(bucket->slots[0].key);
	barrier_var(touched);
}

static __always_inline bool sl_fdb_fresh(const struct sl_fdb *entry, __u32 now)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 seen = READ_ONCE(entry->seen);

	/* Signed: a packet on another CPU may be an epoch ahead of us. */
	return settings && seen != SL_FDB_FORGOTTEN &&
	       (seen == SL_FDB_STATIC || (__s32)(now - seen) <= (__s32)settings->mac_age);
}

/*
 * Finds the port behind which the frame's destination is; 0: it is not known. sl_fdb_aim() comes
 * before.
 */
static __always_inline __u16 sl_fdb_port(const struct sl_l2 *l2)
{
	const struct sl_settings *settings = sl_settings_now();
	const struct sl_fdb *entry;

	if (!settings)
		return 0;
	entry = sl_fdb_find(settings, l2->dst_hash, sl_fdb_key(l2->dst, l2->vid));
	return entry && sl_fdb_fresh(entry, sl_epoch_now()) ? READ_ONCE(entry->port) : 0;
}

/* Marks the entry as used. For a static one that is not kept. */
static __always_inline void sl_fdb_touch(struct sl_fdb *entry)
{
	if (READ_ONCE(entry->seen) != SL_FDB_STATIC)
		WRITE_ONCE(entry->seen, sl_epoch_now() ?: 1);
}

#endif
