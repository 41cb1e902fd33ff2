// SPDX-License-Identifier: GPL-2.0-or-later
// TC programs on an interface: by tcx (Linux 6.6), elsewhere by clsact and a filter.
// Others' programs and filters are never touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

enum class TcDirection : std::uint8_t { ingress, egress };
enum class TcMethod : std::uint8_t { tcx, clsact };

[[nodiscard]] std::string_view tc_direction_text(TcDirection direction);
[[nodiscard]] std::string_view tc_method_text(TcMethod method);

struct TcAttachment {
    TcMethod method = TcMethod::tcx;
    std::uint32_t program = 0;  ///< program id
};

/// Whether the interface has a clsact qdisc: to be noted in FoundInterface before attach_tc().
[[nodiscard]] Result<bool> has_clsact(std::uint32_t ifindex);

/// Attaches the program; where one of ours is attached already, replaces it with no packet in
/// between unseen. A dead link pin (its interface is gone) is replaced too.
/// @param link_pin where a tcx link is pinned; unused with clsact
/// Errors: refused when our filter's place is another's, or an `ingress` qdisc is in clsact's.
[[nodiscard]] Result<TcMethod> attach_tc(int program_fd, std::uint32_t ifindex,
                                         TcDirection direction,
                                         const std::filesystem::path& link_pin);

/// Takes off what attach_tc() put on; nothing there is no error, nor is an interface gone.
[[nodiscard]] Result<> detach_tc(std::uint32_t ifindex, TcDirection direction,
                                 const std::filesystem::path& link_pin);

/// Removes the clsact qdisc that attach_tc() made, unless somebody has a filter in it. To be
/// called after both detach_tc(), and only if has_clsact() was false before.
[[nodiscard]] Result<> remove_clsact(std::uint32_t ifindex);

/// Our attachment, none if there is none (or the interface it was on is gone).
[[nodiscard]] Result<std::optional<TcAttachment>> query_tc(std::uint32_t ifindex,
                                                           TcDirection direction,
                                                           const std::filesystem::path& link_pin);

}  // namespace sluice
