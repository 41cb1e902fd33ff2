// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/nft.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "loader/base/fd.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

struct FreeContext {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

/// libnftables ends the process where the kernel has no socket for it.
Result<> require_netfilter() {
    const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (socket) return {};
    return fail_errno(errno, "reaching nftables");
}

}  // namespace

Result<std::string> run_nft(const std::string& commands, std::string& errors) {
    SL_CHECK(require_netfilter());
    const std::unique_ptr<nft_ctx, FreeContext> context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) return fail(ErrorCode::failed, "can't begin to speak to nftables");
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_JSON);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    const int err = nft_run_cmd_from_buffer(context.get(), commands.c_str());
    const char* said = nft_ctx_get_error_buffer(context.get());
    errors = said == nullptr ? "" : said;
    if (err != 0)
        return fail(ErrorCode::failed, "nftables: " + errors.substr(0, errors.find('\n')));
    const char* printed = nft_ctx_get_output_buffer(context.get());
    return std::string(printed == nullptr ? "" : printed);
}

namespace {

/// Null if nftables can't be asked.
Json listed(const std::string& command) {
    std::string errors;
    const auto text = run_nft(command, errors);
    const auto json = text ? Json::parse(*text, nullptr, false) : Json();
    return json.is_object() && json.contains("nftables") ? json["nftables"] : Json();
}

bool is_of_others(const Json& chain) {
    const auto family = chain.value("family", "");
    return chain.value("hook", "") == "forward" && family.starts_with("i") &&  // ip, ip6, inet
           !chain.value("table", "").starts_with("sluice_");
}

bool has_rules(const std::string& chain) {
    return std::ranges::any_of(listed("list chain " + chain),
                               [](const Json& item) { return item.contains("rule"); });
}

}  // namespace

std::vector<std::string> forward_chains() {
    std::vector<std::string> chains;
    for (const auto& item : listed("list chains")) {
        if (!item.contains("chain") || !is_of_others(item["chain"])) continue;
        const auto& chain = item["chain"];
        const auto name = fmt::format("{} {} {}", chain.value("family", ""),
                                      chain.value("table", ""), chain.value("name", ""));
        if (chain.value("policy", "") == "drop")
            chains.push_back(name + " (policy drop)");
        else if (has_rules(name))
            chains.push_back(name);
    }
    return chains;
}

}  // namespace sluice
