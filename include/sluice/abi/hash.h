/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of what others choose: addresses, ports, MACs. Each depends on a secret of the instance
 * (sl_settings.flow_seed), so that nobody can look for keys that fall on each other, or on his
 * neighbour's.
 */
#ifndef SLUICE_ABI_HASH_H
#define SLUICE_ABI_HASH_H

#include "sluice/abi/types.h"

#define SL_SEED_WORDS 5u /* of the longest key that is hashed */

/* A seed is random bytes. */
struct sl_seed {
	__u64 words[SL_SEED_WORDS];
};

typedef __u64 __attribute__((may_alias)) sl_word;
typedef __u32 __attribute__((may_alias)) sl_word32;

/* What a fold and a multiplication do not reach, another fold brings down. */
SL_INLINE __u64 sl_hash_fold(__u64 hash)
{
	return hash ^ hash >> 32;
}

/*
 * Spreads a number: each bit of it comes to bear on each bit of the hash, and no two numbers have
 * the same.
 */
SL_INLINE __u64 sl_hash_spread(__u64 number)
{
	number = sl_hash_fold(number) * 0xff51afd7ed558ccdull; /* the factors are MurmurHash3's */
	number = sl_hash_fold(number) * 0xc4ceb9fe1a85ec53ull;
	return sl_hash_fold(number);
}

/*
 * Hashes `count` words by NH of UMAC (RFC 4418 section 5.2.2): whichever two keys somebody chooses,
 * they have the same sum with one seed in 2^32. A chain of multiplications by known factors has no
 * such bound: what differs in the highest bit of one word alone can be cancelled in the next. The
 * products do not wait for each other, and halves are read as the parser wrote them, since a load
 * that spans two fresh stores waits for both.
 */
SL_INLINE __u64 sl_hash(const sl_word *words, __u32 count, const struct sl_seed *seed)
{
	const sl_word32 *halves = (const sl_word32 *)words, *keys = (const sl_word32 *)seed->words;
	__u64 sum = 0;

	for (__u32 i = 0; i < 2 * count; i += 2)
		sum += (__u64)(halves[i] + keys[i]) * (halves[i + 1] + keys[i + 1]);
	return sl_hash_spread(sum);
}

#endif
