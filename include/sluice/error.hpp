// SPDX-License-Identifier: GPL-2.0-or-later
// How every function of sluice's own fails: it returns a Result, never throws.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sluice {

/// The exit code of the command that fails so; part of the command-line contract.
enum class ErrorCode {
    failed = 1,
    usage = 2,
    not_found = 3,
    refused = 4,      ///< a conflict, or unsafe
    unsupported = 5,  ///< the kernel or driver lacks it
    permission = 6,
};

/// `message` names the object and the reason; `hint` tells the mend and may be empty.
struct Error {
    ErrorCode code = ErrorCode::failed;
    std::string message;
    std::string hint;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                                 std::string hint = {}) {
    return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

/// `message: strerror(err)`; EPERM and EACCES become ErrorCode::permission, all else `failed`.
/// @param err a positive errno value
[[nodiscard]] std::unexpected<Error> fail_errno(int err, const std::string& message,
                                                std::string hint = {});

}  // namespace sluice

/// Declares `name` as the value of a Result, or returns its error from the enclosing function.
#define SL_TRY(name, expression)                                                  \
    auto name##_result = (expression);                                            \
    if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
    auto& name = *name##_result

/// The same for a Result whose value does not matter.
#define SL_CHECK(expression)                                            \
    do {                                                                \
        if (auto sl_check_result = (expression); !sl_check_result)      \
            return std::unexpected(std::move(sl_check_result).error()); \
    } while (false)
