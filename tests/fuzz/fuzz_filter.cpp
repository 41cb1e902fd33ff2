// SPDX-License-Identifier: GPL-2.0-or-later
// Session filters: terms as a shell would hand them over, one for each word.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loader/flow/session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> terms(1);
    for (const char byte : std::string_view(reinterpret_cast<const char*>(data), size)) {
        if (byte == ' ')
            terms.emplace_back();
        else
            terms.back().push_back(byte);
    }
    const auto filter = sluice::parse_session_filter(terms);
    if (filter) static_cast<void>(filter->matches(sluice::Session{}));
    return 0;
}
