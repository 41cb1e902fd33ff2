// Values read back from the database.
#pragma once

#include "sluice/error.hpp"

namespace sluice {

/// A value that we wrote and can't read back is the database's fault, not the user's.
template <class Value>
Result<Value> stored(Result<Value> value) {
    if (value) return value;
    return fail(ErrorCode::failed,
                "the database holds what it should not: " + value.error().message,
                "take it from a backup, or move it away and set the instance up anew");
}

}  // namespace sluice
