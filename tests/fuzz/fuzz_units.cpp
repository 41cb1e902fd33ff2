// SPDX-License-Identifier: GPL-2.0-or-later
// Durations, rates and counts: no overflow, nothing negative, and what is accepted reads back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/units.hpp"

namespace {

/// What is accepted is at most `most`, but for `unlimited`, and reads back from its text.
template <class Parse, class Text>
void number_round_trip(std::string_view text, std::uint64_t most, Parse&& parse, Text&& text_of) {
    const auto number = parse(text);
    if (!number) return;
    if (*number > most && text != "unlimited") std::abort();
    const auto again = parse(text_of(*number));
    if (!again || *again != *number) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto duration = sluice::parse_duration(text)) {
        if (duration->count() < 0) std::abort();
        const auto again = sluice::parse_duration(sluice::duration_text(*duration));
        if (!again || *again != *duration) std::abort();
    }
    if (const auto duration = sluice::parse_short_duration(text)) {
        if (duration->count() < 0) std::abort();
        const auto again = sluice::parse_short_duration(sluice::short_duration_text(*duration));
        if (!again || *again != *duration) std::abort();
    }
    number_round_trip(text, 100'000'000'000, sluice::parse_rate, sluice::rate_text);
    number_round_trip(text, 1'000'000'000, sluice::parse_pps, sluice::pps_text);
    number_round_trip(text, INT64_MAX, sluice::parse_size, sluice::size_text);
    if (const auto count = sluice::parse_count(text); count && sluice::bytes_text(*count).empty())
        std::abort();
    return 0;
}
