// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace sluice {

std::unexpected<Error> fail_errno(int err, const std::string& message, std::string hint) {
    const bool denied = err == EPERM || err == EACCES;
    if (denied && hint.empty()) hint = "run it as root";
    return fail(denied ? ErrorCode::permission : ErrorCode::failed,
                fmt::format("{}: {}", message, std::generic_category().message(err)),
                std::move(hint));
}

}  // namespace sluice
