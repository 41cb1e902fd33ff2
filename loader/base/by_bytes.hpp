// SPDX-License-Identifier: GPL-2.0-or-later
// Order and equality of the kernel's structs, which have no padding, by their bytes.
#pragma once

#include <cstring>

namespace sluice {

struct ByBytes {
    template <class T>
    bool operator()(const T& a, const T& b) const {
        return std::memcmp(&a, &b, sizeof a) < 0;
    }
};

template <class T>
bool same_bytes(const T& a, const T& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace sluice
