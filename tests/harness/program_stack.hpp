// SPDX-License-Identifier: GPL-2.0-or-later
// How deep the stack of a program gets: the kernel bounds the sum over the longest chain of calls.
#pragma once

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::test {

/// The frames in "stack depth 208+112+0", where the verifier lists the program and its functions.
inline std::vector<std::uint32_t> stack_frames(std::string_view log) {
    constexpr std::string_view label = "stack depth ";
    std::vector<std::uint32_t> frames;
    const std::size_t at = log.find(label);
    if (at == std::string_view::npos) return frames;
    const char* next = log.data() + at + label.size();
    const char* end = log.data() + log.size();
    for (;;) {
        std::uint32_t frame = 0;
        const auto [stop, error] = std::from_chars(next, end, frame);
        if (error != std::errc{}) return frames;
        frames.push_back(frame);
        if (stop == end || *stop != '+') return frames;
        next = stop + 1;
    }
}

struct StackChain {
    std::uint32_t bytes = 0;
    std::string functions;  ///< each with its frame, from the program on
};

/// The deepest chain of calls, counted as Linux 6.1 does, which rounds each frame up to 32 bytes
/// (check_max_stack_depth() in kernel/bpf/verifier.c); later kernels round less.
class StackDepth {
public:
    /// Frames and names: of the functions in the order of the code.
    StackDepth(std::span<const bpf_insn> code, std::vector<std::uint32_t> frames,
               std::vector<std::string> names)
        : code_(code), frames_(std::move(frames)), names_(std::move(names)) {
        starts_.insert(0);
        for (std::size_t i = 0; i < code.size(); ++i)
            if (calls(code[i])) starts_.insert(target(i));
    }

    StackChain deepest(std::size_t start = 0) {
        if (const auto known = known_.find(start); known != known_.end()) return known->second;
        const auto function = starts_.find(start);
        const auto after = std::next(function);
        const std::size_t end = after == starts_.end() ? code_.size() : *after;
        StackChain below;
        for (std::size_t i = start; i < end; ++i) {
            if (!calls(code_[i])) continue;
            if (auto called = deepest(target(i)); called.bytes > below.bytes) below = called;
        }
        const auto number = static_cast<std::size_t>(std::distance(starts_.begin(), function));
        const std::uint32_t frame = number < frames_.size() ? frames_[number] : 0;
        const std::string name = number < names_.size() ? names_[number] : std::to_string(start);
        StackChain chain{below.bytes + rounded(frame), name + " " + std::to_string(frame)};
        if (!below.functions.empty()) chain.functions += " > " + below.functions;
        return known_[start] = chain;
    }

private:
    static std::uint32_t rounded(std::uint32_t frame) {
        return (std::max<std::uint32_t>(frame, 1) + 31) / 32 * 32;
    }

    /// Or hands a function to a helper that calls it.
    static bool calls(const bpf_insn& insn) {
        if (insn.code == (BPF_JMP | BPF_CALL)) return insn.src_reg == BPF_PSEUDO_CALL;
        return insn.code == (BPF_LD | BPF_IMM | BPF_DW) && insn.src_reg == BPF_PSEUDO_FUNC;
    }

    [[nodiscard]] std::size_t target(std::size_t at) const {
        return at + 1 + static_cast<std::size_t>(static_cast<std::ptrdiff_t>(code_[at].imm));
    }

    std::span<const bpf_insn> code_;
    std::vector<std::uint32_t> frames_;
    std::vector<std::string> names_;
    std::set<std::size_t> starts_;
    std::map<std::size_t, StackChain> known_;
};

}  // namespace sluice::test
