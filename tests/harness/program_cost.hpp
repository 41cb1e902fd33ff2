// What the kernel says of a loaded program: how much the verifier looked at, and how large it
// became.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::test {

struct ProgramCost {
    std::string program;
    std::uint32_t instructions = 0;  ///< as loaded
    std::uint32_t verified = 0;      ///< looked at by the verifier, over all paths
    std::uint32_t stack = 0;         ///< bytes, of the largest frame
    std::uint32_t native_bytes = 0;
};

/// The largest frame in "stack depth 208+112+0", where the verifier lists the program and its
/// functions.
inline std::uint32_t largest_frame(std::string_view log) {
    constexpr std::string_view label = "stack depth ";
    const std::size_t at = log.find(label);
    if (at == std::string_view::npos) return 0;
    std::uint32_t largest = 0;
    const char* next = log.data() + at + label.size();
    const char* end = log.data() + log.size();
    for (;;) {
        std::uint32_t frame = 0;
        const auto [stop, error] = std::from_chars(next, end, frame);
        if (error != std::errc{}) break;
        largest = std::max(largest, frame);
        if (stop == end || *stop != '+') break;
        next = stop + 1;
    }
    return largest;
}

/// Loads the object with the verifier's statistics. Of each program its cost, or a negative errno.
inline std::expected<std::vector<ProgramCost>, int> load_for_cost(bpf_object* object) {
    std::vector<std::pair<bpf_program*, std::vector<char>>> logs;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
        logs.emplace_back(program, std::vector<char>(std::size_t{64} * 1024));
    }
    for (auto& [of, log] : logs) {
        constexpr __u32 statistics_only = 4;  // BPF_LOG_STATS
        bpf_program__set_log_level(of, statistics_only);
        bpf_program__set_log_buf(of, log.data(), log.size());
    }
    if (const int error = bpf_object__load(object); error != 0) return std::unexpected(error);
    std::vector<ProgramCost> costs;
    for (const auto& [of, log] : logs) {
        bpf_prog_info info{};
        __u32 size = sizeof(info);
        if (bpf_obj_get_info_by_fd(bpf_program__fd(of), &info, &size) != 0)
            return std::unexpected(-errno);
        costs.push_back({bpf_program__name(of), info.xlated_prog_len / 8, info.verified_insns,
                         largest_frame(log.data()), info.jited_prog_len});
    }
    return costs;
}

}  // namespace sluice::test
