// SPDX-License-Identifier: GPL-2.0-or-later
// One netlink conversation at a time, by libmnl.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

/// A request in the making: a message with room for a few attributes.
class NetlinkRequest {
public:
    NetlinkRequest(std::uint16_t type, std::uint16_t flags);
    /// Appends the protocol's own header, zeroed. To be called before any attribute.
    template <class Header>
    [[nodiscard]] Header& header() {
        return *static_cast<Header*>(mnl_nlmsg_put_extra_header(message(), sizeof(Header)));
    }
    [[nodiscard]] nlmsghdr* message() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

private:
    std::vector<char> buffer_;
};

/// Calls visit(const nlattr*) for each attribute behind the message's own header.
template <class Visit>
void each_attribute(const nlmsghdr* message, std::size_t header_bytes, Visit&& visit) {
    const auto call = [](const nlattr* attribute, void* visitor) {
        (*static_cast<std::remove_reference_t<Visit>*>(visitor))(attribute);
        return MNL_CB_OK;
    };
    mnl_attr_parse(message, static_cast<unsigned>(header_bytes), call, &visit);
}

/// The same for the attributes inside an attribute.
template <class Visit>
void each_nested(const nlattr* nest, Visit&& visit) {
    const auto call = [](const nlattr* attribute, void* visitor) {
        (*static_cast<std::remove_reference_t<Visit>*>(visitor))(attribute);
        return MNL_CB_OK;
    };
    mnl_attr_parse_nested(nest, call, &visit);
}

class Netlink {
public:
    /// @param bus NETLINK_ROUTE, NETLINK_GENERIC
    [[nodiscard]] static Result<Netlink> open(int bus);

    /// Sends the request and shows every answer. A dump that changed while it was read is
    /// read again before anything is shown.
    /// @return 0 or the errno the kernel answered
    [[nodiscard]] int ask(NetlinkRequest& request,
                          const std::function<void(const nlmsghdr*)>& visit) const;

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit Netlink(mnl_socket* socket) : socket_(socket) {}
    [[nodiscard]] int collect(const nlmsghdr* request, std::vector<char>& answers) const;

    std::unique_ptr<mnl_socket, Close> socket_;
};

}  // namespace sluice
