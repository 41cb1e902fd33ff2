// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of a loaded program: how much the verifier looked at, and how large it
// became.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/program_stack.hpp"

namespace sluice::test {

struct ProgramCost {
    std::string program;
    std::uint32_t instructions = 0;  ///< as loaded
    std::uint32_t verified = 0;      ///< looked at by the verifier, over all paths
    StackChain stack;                ///< the deepest
    std::uint32_t native_bytes = 0;
    std::uint32_t maps = 0;  ///< that it uses, global data included
};

/// The names of a loaded program's functions, in the order of the code; none if it has no BTF.
inline std::vector<std::string> function_names(int program, const bpf_prog_info& known) {
    std::vector<bpf_func_info> functions(known.nr_func_info);
    bpf_prog_info info{};
    info.nr_func_info = known.nr_func_info;
    info.func_info_rec_size = sizeof(bpf_func_info);
    info.func_info = reinterpret_cast<std::uintptr_t>(functions.data());
    __u32 size = sizeof(info);
    const std::unique_ptr<btf, decltype(&btf__free)> types(
        btf__load_from_kernel_by_id(known.btf_id), btf__free);
    if (!types || bpf_obj_get_info_by_fd(program, &info, &size) != 0) return {};
    std::vector<std::string> names;
    for (const auto& function : functions)
        names.emplace_back(btf__name_by_offset(
            types.get(), btf__type_by_id(types.get(), function.type_id)->name_off));
    return names;
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
        StackDepth depth({bpf_program__insns(of), bpf_program__insn_cnt(of)},
                         stack_frames(log.data()), function_names(bpf_program__fd(of), info));
        costs.push_back({bpf_program__name(of), info.xlated_prog_len / 8, info.verified_insns,
                         depth.deepest(), info.jited_prog_len, info.nr_map_ids});
    }
    return costs;
}

}  // namespace sluice::test
