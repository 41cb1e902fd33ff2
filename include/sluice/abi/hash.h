/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hashes of what others choose: addresses, ports, MACs. Each depends on a secret of the instance
 * (sl_settings.flow_seed), so that nobody can look for keys that fall on each other, or on his
 * neighbour's.
 */
#ifndef SLUICE_ABI_HASH_H
#define SLUICE_ABI_HASH_H

#include "sluice/abi/types.h"

#define SL_SEED_WORDS 5u /* of the longest key that is hashed */

/* Random bytes. */
struct sl_seed {
	__u64 words[SL_SEED_WORDS];
};

typedef __u64 __attribute__((may_alias)) sl_word;

/* What a fold and a multiplication do not reach, another fold brings down. */
SL_INLINE __u64 sl_hash_fold(__u64 hash)
{
	return hash ^ hash >> 32;
}

/* Each bit of the number comes to bear on each bit of the hash; no two numbers have the same. */
SL_INLINE __u64 sl_hash_spread(__u64 number)
{
	number = sl_hash_fold(number) * 0xff51afd7ed558ccdull; /* the factors are MurmurHash3's */
	number = sl_hash_fold(number) * 0xc4ceb9fe1a85ec53ull;
	return sl_hash_fold(number);
}

/*
 * NH of UMAC (RFC 4418 section 5.2.2): whichever two keys of `count` words somebody chooses, they
 * have the same sum with one seed in 2^32. A chain of multiplications by known factors has no such
 * bound: what differs in the highest bit of one word alone can be cancelled in the next. The
 * products do not wait for each other.
 */
SL_INLINE __u64 sl_hash(const sl_word *words, __u32 count, const struct sl_seed *seed)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < count; i++) {
		__u64 word = words[i], key = seed->words[i];

		sum += (__u64)((__u32)word + (__u32)key) *
		       (__u32)((__u32)(word >> 32) + (__u32)(key >> 32));
	}
	return sl_hash_spread(sum);
}

#endif
