// SPDX-License-Identifier: GPL-2.0-or-later
// What libbpf and libxdp have to say: kept for error messages, never printed.
#pragma once

#include <string>

#include "sluice/error.hpp"

namespace sluice {

/// While one lives, both libraries' warnings on its thread go into text(); an inner one takes
/// them from an outer.
class LogCapture {
public:
    LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;
    ~LogCapture();

    [[nodiscard]] const std::string& text() const { return text_; }
    /// The last lines, each after a newline; empty when nothing was said. Of a refused
    /// program that is the end of the verifier's log, where the reason stands.
    [[nodiscard]] std::string tail() const;

private:
    std::string text_;
    std::string* outer_;
};

/// Why a BPF object did not load. The verifier refuses by EACCES and EINVAL, too: what its log
/// explains is `failed`, with the end of that log, and no question of permission.
[[nodiscard]] std::unexpected<Error> load_error(int err, const std::string& what,
                                                const LogCapture& log);

}  // namespace sluice
