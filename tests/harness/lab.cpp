// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/lab.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace sluice::test {
namespace {

std::string mac_text(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

std::string link_lines(const Link& link) {
    const std::string peer = fmt::format("{}-peer", link.name);
    return fmt::format(
        "link add {0} address {1} mtu {2} type veth peer name {3} mtu {2}\n"
        "link set {0} up\n"
        "link set {3} addrgenmode none up\n"
        "addr add {4} dev {0}\n"
        "addr add {5} dev {0} nodad\n",
        link.name, mac_text(link.mac), link.mtu, peer, link.v4, link.v6);
}

std::string neighbour_lines(const char* v4, const char* v6, const Host& host, const Link& link) {
    std::string out;
    for (const char* address : {v4, v6})
        out += fmt::format("neigh add {} lladdr {} dev {} nud permanent\n", address,
                           mac_text(host.mac), link.name);
    return out;
}

}  // namespace

Result<> ip_batch(std::string_view lines, std::string_view family) {
    std::FILE* pipe = popen(fmt::format("ip {} -batch -", family).c_str(), "w");
    if (!pipe) return fail(ErrorCode::failed, "can't start ip");
    std::fwrite(lines.data(), 1, lines.size(), pipe);
    if (pclose(pipe) != 0) return fail(ErrorCode::failed, "ip -batch failed", std::string(lines));
    return {};
}

Result<> write_sysctl(const std::string& path, const char* value) {
    std::ofstream file("/proc/sys/" + path);
    file << value << std::flush;
    if (!file) return fail(ErrorCode::failed, fmt::format("can't write /proc/sys/{}", path));
    return {};
}

Result<> build_lab() {
    if (unshare(CLONE_NEWNET))
        return fail(ErrorCode::permission,
                    fmt::format("can't make a network namespace: {}", std::strerror(errno)),
                    "the packet tests need root");
    // The groups of new addresses are reported at once, and not while a test counts frames.
    SL_CHECK(write_sysctl("net/ipv6/conf/default/mldv2_unsolicited_report_interval", "1"));
    std::string lines = "link set lo up\n";
    for (const Link& link : links) lines += link_lines(link);
    lines += neighbour_lines("10.0.0.2", "fd00:a::2", vm_a, lan0);
    lines += neighbour_lines("10.0.1.2", "fd00:b::2", vm_b, lan1);
    lines += neighbour_lines("192.0.2.254", "2001:db8:1::fe", router, wan0);
    lines += neighbour_lines("198.51.100.9", "2001:db8:2::9", thin_host, thin0);
    lines += neighbour_lines("10.0.9.2", "fd00:9::2", spare_host, spare0);
    lines += "addr add 192.0.2.10/24 dev wan0\n";
    lines += "route add default via 192.0.2.254 dev wan0\n";
    lines += "route add default via 2001:db8:1::fe dev wan0\n";
    SL_CHECK(ip_batch(lines));
    SL_CHECK(write_sysctl("net/ipv4/conf/all/forwarding", "1"));
    return write_sysctl("net/ipv6/conf/all/forwarding", "1");
}

sl_addr address_of(std::string_view with_length) {
    return ip(with_length.substr(0, with_length.find('/')));
}

std::uint32_t ifindex(const Link& link) { return if_nametoindex(link.name); }

sl_port port_entry(const Link& link) {
    sl_port port{};
    port.ifindex = port.l3_ifindex = ifindex(link);
    port.id = link.id;
    port.domain = link.domain;
    port.role = static_cast<__u8>(link.role);
    port.flags = SL_PORT_XDP | SL_PORT_XDP_TARGET;
    std::memcpy(port.mac, link.mac.data(), link.mac.size());
    port.mtu = static_cast<__u16>(link.mtu);
    port.addr4 = v4_raw(address_of(link.v4));
    port.addr6 = address_of(link.v6);
    return port;
}

}  // namespace sluice::test
