// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses, prefixes, ports and MACs: what is accepted reads back as itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/net.hpp"

namespace {

template <class Value>
void round_trip(std::string_view text) {
    const auto value = Value::parse(text);
    if (!value) return;
    const auto again = Value::parse(value->text());
    if (!again || *again != *value) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    round_trip<sluice::Address>(text);
    round_trip<sluice::Prefix>(text);
    round_trip<sluice::PortRange>(text);
    round_trip<sluice::Endpoint>(text);
    round_trip<sluice::MacAddress>(text);
    if (const auto prefix = sluice::Prefix::parse(text);
        prefix && (!prefix->contains(prefix->address) || !prefix->overlaps(*prefix)))
        std::abort();
    if (const auto protocol = sluice::parse_protocol(text);
        protocol && sluice::parse_protocol(sluice::protocol_text(*protocol)) != *protocol)
        std::abort();
    return 0;
}
