// SPDX-License-Identifier: GPL-2.0-or-later
// Ctrl-C for commands that go on until they are told to stop.
#pragma once

#include <signal.h>

#include <array>
#include <cstddef>

namespace sluice::cli {

/// While it lives, Ctrl-C ends the loop that asks for it, not the process. One at a time.
class Interrupt {
public:
    Interrupt() {
        struct sigaction action{};
        action.sa_handler = [](int) { came_ = 1; };
        for (std::size_t i = 0; i < signals.size(); ++i)
            sigaction(signals[i], &action, &before_[i]);
    }
    ~Interrupt() {
        for (std::size_t i = 0; i < signals.size(); ++i)
            sigaction(signals[i], &before_[i], nullptr);
    }
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    [[nodiscard]] static bool came() { return came_ != 0; }

private:
    static constexpr std::array signals{SIGINT, SIGTERM};
    static inline volatile sig_atomic_t came_ = 0;
    std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace sluice::cli
