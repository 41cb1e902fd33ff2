// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands that list flows have in common: filters, and progress while they look.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "loader/flow/session.hpp"

namespace sluice::cli {

using Terms = std::shared_ptr<std::vector<std::string>>;

/// A command that takes a filter; its keys are listed below the examples.
inline CLI::App* add_filtered(CLI::App& object, const std::string& name,
                              const std::string& description, const std::string& examples,
                              const Terms& terms) {
    auto* command =
        add_command(object, name, description,
                    examples + "\nFILTER (all terms must match):\n" + session_filter_help());
    command->add_option("FILTER", *terms, "KEY=VALUE terms")->type_name("");
    return command;
}

/// `12345 sessions…` on a terminal, when listing takes long enough to wonder.
class Progress {
public:
    explicit Progress(bool shown) : shown_(shown && ::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (drawn_) fmt::print(stderr, "\r\033[K");
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void count() {
        if (!shown_ || ++counted_ % 4096 != 0) return;
        const auto now = Clock::now();
        if (now < next_) return;
        fmt::print(stderr, "\r{} sessions…", counted_);
        std::fflush(stderr);
        drawn_ = true;
        next_ = now + std::chrono::milliseconds(200);
    }

private:
    using Clock = std::chrono::steady_clock;
    bool shown_;
    bool drawn_ = false;
    std::uint64_t counted_ = 0;
    Clock::time_point next_ = Clock::now() + std::chrono::seconds(2);
};

/// The object whose commands these are: `nat session`, or `flow`.
struct FilteredObject {
    std::string_view name;    ///< as it is typed
    std::string_view schema;  ///< up to the action
    std::string_view rows;    ///< what they are, in the plural
    SessionScope scope;
};

void add_filtered_count(CLI::App& object, Invocation& invocation, const FilteredObject& what);
void add_filtered_flush(CLI::App& object, Invocation& invocation, const FilteredObject& what);

}  // namespace sluice::cli
