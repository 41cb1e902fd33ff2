/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_SETTINGS_H
#define SLUICE_BPF_LIB_SETTINGS_H

#include "maps/maps.h"

static __always_inline const struct sl_settings *sl_settings_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sl_settings, &zero);
}

#endif
