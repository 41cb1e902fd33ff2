// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/cli/capture.hpp"

#include <cstdio>
#include <memory>

#include "cli/app.hpp"

namespace sluice::cli {
namespace {

using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

File temporary_file() { return {std::tmpfile(), &std::fclose}; }

std::string content(std::FILE* file) {
    std::fflush(file);
    std::rewind(file);
    std::string text;
    char buffer[4096];
    while (const auto got = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, got);
    return text;
}

}  // namespace

Captured run_captured(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv{"sluice"};
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    const auto out = temporary_file(), err = temporary_file();
    const int code = run(static_cast<int>(argv.size()), argv.data(), out.get(), err.get());
    return {code, content(out.get()), content(err.get())};
}

Captured capture(Mode mode, const std::function<void(Output&)>& print) {
    const auto out = temporary_file(), err = temporary_file();
    Output output(mode, out.get(), err.get());
    print(output);
    return {0, content(out.get()), content(err.get())};
}

}  // namespace sluice::cli
