// SPDX-License-Identifier: GPL-2.0-or-later
// What every test of a refusal asks.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sluice/error.hpp"

namespace sluice {

/// @param part of the message
template <class Value>
void expect_error(const Result<Value>& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result) << part;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_THAT(result.error().message, testing::HasSubstr(part));
}

}  // namespace sluice
