// Durations and counts: no overflow, nothing negative, and what is accepted reads back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/units.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto duration = sluice::parse_duration(text)) {
        if (duration->count() < 0) std::abort();
        const auto again = sluice::parse_duration(sluice::duration_text(*duration));
        if (!again || *again != *duration) std::abort();
    }
    if (const auto count = sluice::parse_count(text); count && sluice::bytes_text(*count).empty())
        std::abort();
    return 0;
}
