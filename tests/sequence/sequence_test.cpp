// SPDX-License-Identifier: GPL-2.0-or-later
// Random sequences of packets, commands and routes against the model. Each profile draws other
// kinds of events. The first sequence that breaks a property is shrunk and told line by line, with
// the seed that repeats it; the others are looked for on:
//   SLUICE_SEQUENCE_SEED=N    only this one
//   SLUICE_SEQUENCE_KNOWN=P,Q what is known to be broken is not told
//   SLUICE_SEQUENCE_SECONDS=N of each profile, in place of 2 minutes for all (SLUICE_TEST_LONG: 30)
#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "tests/sequence/driver.hpp"
#include "tests/sequence/seed.hpp"
#include "tests/sequence/shrink.hpp"

namespace sluice::test::sequence {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int longest_sequence = 24;
constexpr int most_shrinks = 400;
constexpr std::chrono::seconds most_shrinking(40);

constexpr Profile profiles[] = {
    {.name = "plain"},
    {.name = "odd", .odd = true},
    {.name = "forged", .guard = 1, .route = 1, .forged = true, .twisted = true},
    {.name = "policy", .masquerade = 2, .policy = 4, .block = 1, .cut = true, .ipv6 = true},
    {.name = "ends", .forward = 3, .flows = 1, .flush = 2, .expire = 1, .sweep = 2},
    {.name = "uplinks", .say = 8, .thin_port = 2, .route = 6, .twisted = true},
    {.name = "crowd", .masquerade = 2, .forward = 1, .flows = 1, .route = 2, .flood = 1},
    {.name = "all",
     .policy = 1,
     .block = 1,
     .guard = 1,
     .thin_port = 1,
     .flows = 1,
     .route = 3,
     .flush = 1,
     .expire = 1,
     .sweep = 1,
     .forged = true,
     .cut = true,
     .odd = true,
     .twisted = true,
     .ipv6 = true},
};

std::chrono::seconds time_of_each() {
    const auto asked = number_from("SLUICE_SEQUENCE_SECONDS");
    if (asked) return std::chrono::seconds(*asked);
    const std::chrono::seconds all =
        std::getenv("SLUICE_TEST_LONG") ? std::chrono::minutes(30) : std::chrono::minutes(2);
    return all / std::size(profiles);
}

struct Failure {
    Sequence sequence;
    Fault fault;
    std::size_t at = 0;
};

std::optional<Failure> failure_of(const Sequence& sequence, const Properties& known) {
    Driver driver(Site::with(sequence.hooks), known);
    auto fault = driver.run(sequence.events);
    if (!fault) return std::nullopt;
    return Failure{sequence, std::move(*fault), driver.at()};
}

Failure smallest(const rc::Shrinkable<Sequence>& from, Failure failure, const Properties& known) {
    const auto until = Clock::now() + most_shrinking;
    int tried = 0;
    return shrunk(
        from, std::move(failure),
        [&](const Sequence& sequence) { return failure_of(sequence, known); },
        [&] { return ++tried <= most_shrinks && Clock::now() <= until; });
}

std::string told(const Failure& failure) {
    std::ostringstream out;
    showValue(failure.sequence, out);
    out << "\n  -> at line " << failure.at + 1 << ", " << failure.fault.property << ": "
        << failure.fault.what;
    return out.str();
}

/// On one CPU, whose queues keep frames in order: what a barrier overtakes has left.
class Sequences : public testing::TestWithParam<Profile> {
protected:
    void SetUp() override {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        sched_setaffinity(0, sizeof one, &one);
    }
    void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_{};
};

TEST_P(Sequences, NothingGetsRound) {
    const auto generator = sequences(GetParam());
    const auto only = number_from("SLUICE_SEQUENCE_SEED");
    std::uint64_t seed = first_seed();
    const auto begun = Clock::now();
    const auto until = begun + time_of_each();
    std::uint64_t done = 0;
    Properties broken = known_properties();
    do {
        const auto drawn = generator(rc::Random(seed), longest_sequence);
        if (const auto failure = failure_of(drawn.value(), broken)) {
            const std::chrono::duration<double> after = Clock::now() - begun;
            ADD_FAILURE() << "after " << done << " sequences, " << after.count() << " s; seed "
                          << seed << "\n"
                          << told(smallest(drawn, *failure, broken));
            broken.insert(failure->fault.property);
        }
        ++seed;
        ++done;
    } while (!only && Clock::now() < until);
    std::cout << GetParam().name << ": " << done << " sequences\n";
}

INSTANTIATE_TEST_SUITE_P(Profiles, Sequences, testing::ValuesIn(profiles),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace sluice::test::sequence
