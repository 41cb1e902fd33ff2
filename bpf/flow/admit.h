/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This decides whether there is room for another session, and whether whoever pays for it may have
 * one more.
 */
#ifndef SLUICE_BPF_FLOW_ADMIT_H
#define SLUICE_BPF_FLOW_ADMIT_H

#include "lib/settings.h"
#include "lib/account.h"

/* Tells how many sessions there may be. The last quarter of all is the router's. */
static __always_inline __u32 sl_sessions_most(const struct sl_settings *settings, __u8 family,
					      __u8 kind)
{
	if (kind == SL_KIND_COUNTED)
		return family == AF_INET ? settings->tracked_until4 : settings->tracked_until6;
	return family == AF_INET ? settings->max_sessions4 : settings->max_sessions6;
}

/* Is there room for one more, and for whom pays? Returns the reason why not, if there is one. */
static __always_inline enum sl_drop sl_session_room(const struct sl_settings *settings, __u32 count,
						    __u32 most, __u32 held)
{
	if (count >= most)
		return SL_DROP_FLOWS_FULL;
	return sl_account_may(settings, held, most - count, settings->host_sessions)
		   ? 0
		   : SL_DROP_HOST_QUOTA;
}

/*
 * Counts a session that is to be made. Returns the reason why there is no room for it, if there is
 * one.
 * @param instead one of the same account has given way to it, which so holds no more than before
 */
static __always_inline enum sl_drop sl_session_admit(__u32 family, __u32 kind, __u32 account,
						     bool instead)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 zero = 0, most, *held;
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);
	struct sl_account *payer = sl_account_at(account);
	__u64 *count;
	enum sl_drop why;

	if (!live || !settings || !payer)
		return SL_DROP_FLOWS_FULL;
	count = family == AF_INET ? &live->sessions4 : &live->sessions6;
	held = sl_account_sessions(payer, family);
	most = sl_sessions_most(settings, family, kind);
	why = sl_session_room(settings, READ_ONCE(*count), most, READ_ONCE(*held));
	if (unlikely(why) && !(instead && why == SL_DROP_HOST_QUOTA))
		return why;
	if (__sync_fetch_and_add(count, 1) >= most) {
		__sync_fetch_and_add(count, -1);
		return SL_DROP_FLOWS_FULL;
	}
	__sync_fetch_and_add(held, 1);
	if (kind == SL_KIND_COUNTED)
		__sync_fetch_and_add(family == AF_INET ? &live->tracked4 : &live->tracked6, 1);
	return SL_DROP_NONE;
}

/* Did the session not begin for want of room, or of its answers' tuple? */
static __always_inline bool sl_wants_room(enum sl_drop why)
{
	return why == SL_DROP_FLOWS_FULL || why == SL_DROP_HOST_QUOTA || why == SL_DROP_COLLISION;
}

#endif
