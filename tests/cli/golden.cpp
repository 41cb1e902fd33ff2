// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/cli/golden.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/cli/capture.hpp"

namespace sluice::cli {

void expect_golden(const std::string& name, const std::string& printed) {
    const std::string path = std::string(SLUICE_GOLDEN) + "/" + name;
    const auto json = Json::parse(printed);
    if (std::getenv("SLUICE_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << json.dump(2) << '\n';
        return;
    }
    std::ifstream file(path);
    ASSERT_TRUE(file) << path;
    EXPECT_EQ(json, Json::parse(file)) << path;
}

void expect_golden(const std::string& name, const Document& document) {
    expect_golden(name, capture(Mode::json, [&](Output& output) { output.print(document); }).out);
}

}  // namespace sluice::cli
