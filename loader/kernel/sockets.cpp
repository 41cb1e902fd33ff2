// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/sockets.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "loader/kernel/sysctl.hpp"

namespace sluice {
namespace {

/// The tables of /proc/net; one that is missing belongs to a protocol this kernel lacks.
struct Table {
    const char* file;
    std::uint8_t protocol;
};
constexpr std::array<Table, 6> tables{{
    {"tcp", IPPROTO_TCP},
    {"tcp6", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"udp6", IPPROTO_UDP},
    {"icmp", IPPROTO_ICMP},
    {"icmp6", IPPROTO_ICMP},
}};

bool parse_hex(std::string_view text, auto& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size();
}

/// ADDRESS:PORT as /proc/net writes it: each 32-bit word of the address, which is in network
/// order, printed as a number of the host's order; the port as a number.
std::optional<LocalPort> parse_local(std::string_view text, std::uint8_t protocol) {
    const auto colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    LocalPort local{protocol, {}, 0};
    if (!parse_hex(text.substr(colon + 1), local.port)) return std::nullopt;
    sl_addr raw{};
    for (std::size_t word = 0; word < colon / 8; ++word)
        if (!parse_hex(text.substr(8 * word, 8), raw.w[word])) return std::nullopt;
    local.address = colon == 8 ? Address::v4(raw.w[0]) : Address(raw);
    return local;
}

}  // namespace

bool LocalPort::covers(const Address& local) const {
    static const Address any_v4 = Address::v4(0);
    return address == local || address == Address() || (address == any_v4 && local.is_v4());
}

Result<std::vector<LocalPort>> list_local_ports() {
    std::vector<LocalPort> ports;
    for (const auto& [file, protocol] : tables) {
        std::ifstream table(fmt::format("/proc/thread-self/net/{}", file));
        std::string line;
        std::getline(table, line);  // the headings
        while (std::getline(table, line)) {
            std::istringstream columns(line);
            std::string number;
            std::string text;
            columns >> number >> text;
            const auto local = parse_local(text, protocol);
            if (!local)
                return fail(ErrorCode::failed,
                            fmt::format("can't read this line of /proc/net/{}: {}", file, line));
            if (local->port != 0) ports.push_back(*local);
        }
    }
    std::ranges::sort(ports);
    const auto [first, last] = std::ranges::unique(ports);
    ports.erase(first, last);
    return ports;
}

Result<PortRange> ephemeral_ports() {
    SL_TRY(text, read_sysctl("net/ipv4/ip_local_port_range"));
    PortRange range;
    std::istringstream numbers(text.value_or(""));
    if (!(numbers >> range.first >> range.last))
        return fail(ErrorCode::failed, "can't read net.ipv4.ip_local_port_range");
    return range;
}

}  // namespace sluice
