// SPDX-License-Identifier: GPL-2.0-or-later
// Values read back from the database, and numbers given by it.
#pragma once

#include <string>
#include <string_view>

#include "loader/store/sqlite.hpp"
#include "sluice/error.hpp"
#include "sluice/net.hpp"

namespace sluice {

/// A value that we wrote and can't read back is the database's fault, not the user's.
template <class Value>
Result<Value> stored(Result<Value> value) {
    if (value) return value;
    return fail(ErrorCode::failed,
                "the database holds what it should not: " + value.error().message,
                "take it from a backup, or move it away and set the instance up anew");
}

inline PortRange stored_range(const Statement& row, int first_column) {
    return {row.integer<std::uint16_t>(first_column), row.integer<std::uint16_t>(first_column + 1)};
}

/// @param sql gives one number, or null for none
/// @return the number, or the error
inline Result<std::uint16_t> free_number(const Connection& connection, std::string_view sql,
                                         std::string_view what_is_full) {
    SL_TRY(row, connection.prepare(sql));
    SL_CHECK(row.step());
    if (row.is_null(0)) return fail(ErrorCode::refused, std::string(what_is_full));
    return row.integer<std::uint16_t>(0);
}

}  // namespace sluice
