// SPDX-License-Identifier: GPL-2.0-or-later
// What is declared of the maps, for those who don't see kernel/.
#pragma once

#include "loader/kernel/declared_maps.hpp"
