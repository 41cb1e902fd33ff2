// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/netlink.hpp"

#include <cerrno>
#include <ctime>

namespace sluice {
namespace {

constexpr int dump_attempts = 5;
constexpr std::size_t request_bytes = 1024;
constexpr std::size_t answer_bytes = 32768;  // what iproute2 takes, too: dumps come in such pieces

}  // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags) : buffer_(request_bytes) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | flags;
}

Result<Netlink> Netlink::open(int bus) {
    mnl_socket* socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (socket == nullptr) return fail_errno(errno, "opening a netlink socket");
    Netlink netlink(socket);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0)
        return fail_errno(errno, "binding a netlink socket");
    return netlink;
}

int Netlink::ask(NetlinkRequest& request, const std::function<void(const nlmsghdr*)>& visit) const {
    std::vector<char> answers;
    int err = EINTR;
    for (int attempt = 0; err == EINTR && attempt < dump_attempts; ++attempt) {
        answers.clear();
        request.message()->nlmsg_seq = static_cast<__u32>(time(nullptr)) + attempt;
        err = collect(request.message(), answers);
    }
    if (err != 0) return err;
    const auto* message = reinterpret_cast<const nlmsghdr*>(answers.data());
    for (int left = static_cast<int>(answers.size()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
        visit(message);
    return 0;
}

int Netlink::collect(const nlmsghdr* request, std::vector<char>& answers) const {
    if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return errno;
    const auto keep = [](const nlmsghdr* message, void* into) {
        const auto* start = reinterpret_cast<const char*>(message);
        auto& kept = *static_cast<std::vector<char>*>(into);
        kept.insert(kept.end(), start, start + NLMSG_ALIGN(message->nlmsg_len));
        return MNL_CB_OK;
    };
    const bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    std::vector<char> buffer(answer_bytes);
    while (true) {
        const ssize_t length = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (length < 0) return errno;
        const int more =
            mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), request->nlmsg_seq,
                       mnl_socket_get_portid(socket_.get()), keep, &answers);
        if (more < 0) return errno;
        // One answer to one question; a dump ends with a message of its own.
        if (more == MNL_CB_STOP || !dump) return 0;
    }
}

}  // namespace sluice
