// SPDX-License-Identifier: GPL-2.0-or-later
// Matches of classes and the YAML of `qos load`: nothing is thrown, what is accepted reads back,
// and every error of a file tells its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loader/qos/file.hpp"
#include "loader/qos/match.hpp"
#include "sluice/dscp.hpp"

namespace {

void require(bool held) {
    if (!held) std::abort();
}

void read_back(const sluice::QosMatch& match) {
    require(sluice::parse_qos_match(sluice::qos_match_text(match)) == match);
    require(!sluice::spell_out(match).empty());
}

void read_match(std::string_view text) {
    if (const auto match = sluice::parse_qos_match(text)) read_back(*match);
    if (const auto dscp = sluice::parse_dscp(text))
        require(sluice::parse_dscp(sluice::dscp_text(*dscp)) == *dscp);
    if (const auto map = sluice::parse_pcp_of_dscp(text))
        require(sluice::parse_pcp_of_dscp(sluice::pcp_of_dscp_text(*map)).value() == *map);
    if (const auto map = sluice::parse_dscp_of_pcp(text))
        require(sluice::parse_dscp_of_pcp(sluice::dscp_of_pcp_text(*map)).value() == *map);
}

void read_file(std::string_view text) {
    const auto file = sluice::parse_qos_file(text, "f");
    if (!file) {
        require(file.error().message.starts_with("f:"));
        return;
    }
    for (const auto& entry : file->vms) require(!entry.vm.empty() || !entry.port.empty());
    for (const auto& spec : file->classes)
        for (const auto& match : spec.matches) read_back(match);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_match(text);
    read_file(text);
    return 0;
}
