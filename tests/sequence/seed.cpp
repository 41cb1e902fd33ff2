// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/seed.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>

namespace sluice::test::sequence {
namespace {

/// A folder of the process's own for what instances keep, in memory.
const struct StateFolder {
    StateFolder() : path("/dev/shm/sluice-sequence-" + std::to_string(::getpid())) {
        std::filesystem::create_directories(path);
        ::setenv("SLUICE_STATE_DIR", path.c_str(), 1);
    }
    ~StateFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
} state_of_process;

}  // namespace

std::optional<std::uint64_t> number_from(const char* variable) {
    const char* text = std::getenv(variable);
    return text ? std::optional(std::strtoull(text, nullptr, 10)) : std::nullopt;
}

std::uint64_t first_seed() {
    return number_from("SLUICE_SEQUENCE_SEED").value_or(std::random_device{}());
}

Properties known_properties() {
    const char* text = std::getenv("SLUICE_SEQUENCE_KNOWN");
    std::istringstream words(text ? text : "");
    Properties known;
    for (std::string word; std::getline(words, word, ',');) known.insert(word);
    return known;
}

}  // namespace sluice::test::sequence
