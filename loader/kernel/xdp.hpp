// SPDX-License-Identifier: GPL-2.0-or-later
// The XDP program on an interface, by libxdp: beside others' in a dispatcher where the
// kernel takes BPF_PROG_TYPE_EXT, else alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "sluice/error.hpp"

struct bpf_object;

namespace sluice {

enum class XdpMethod : std::uint8_t { dispatcher, single };

[[nodiscard]] std::string_view xdp_method_text(XdpMethod method);

struct XdpAttachment {
    XdpMethod method = XdpMethod::single;
    std::uint32_t program = 0;  ///< id of our program, not of the dispatcher
};

/// Loads the one XDP program of `object` and attaches it in native mode. On failure nothing
/// is attached or pinned. A program of ours that no instance has pinned is replaced: its sluice
/// died on the way. Use Datapath::attach_xdp(), which makes the object.
/// @param object opened, not loaded, its maps bound to the instance's; stays the caller's
/// @param pin where the program is pinned, so that it can be recognised later
/// Errors: refused (another's program and no dispatcher: hint `--hook tc`), unsupported (no
/// native XDP in the driver: hint), failed (the verifier: last lines of its log).
[[nodiscard]] Result<XdpMethod> attach_xdp(bpf_object* object, std::uint32_t ifindex,
                                           const std::filesystem::path& pin);

/// Takes off the pinned program and unpins it, leaving others in the dispatcher; nothing
/// there is no error, nor is an interface gone.
[[nodiscard]] Result<> detach_xdp(std::uint32_t ifindex, const std::filesystem::path& pin);

/// The pinned program's attachment to this interface, none if it is not attached there.
[[nodiscard]] Result<std::optional<XdpAttachment>> query_xdp(std::uint32_t ifindex,
                                                             const std::filesystem::path& pin);

}  // namespace sluice
