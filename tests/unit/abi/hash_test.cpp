// SPDX-License-Identifier: GPL-2.0-or-later
// Hashes of what an attacker may choose: no difference of two keys goes unseen whatever the seed,
// and what is alike is spread over groups, tags and homes.
#include "sluice/abi/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sluice/abi/flow_table.h"
#include "sluice/abi/switch.h"

namespace {

using Key = std::array<__u64, SL_SEED_WORDS>;

/// One hash of this project: how many words it takes, and which of their bits mean something.
struct Hashed {
    const char* name;
    std::size_t words;
    std::size_t bits;  ///< of the last word
    std::uint64_t (*hash)(const Key&, const sl_seed&);
};

std::uint64_t hash4(const Key& key, const sl_seed& seed) {
    return sl_hash(key.data(), SL_KEY4_WORDS, &seed);
}
std::uint64_t hash6(const Key& key, const sl_seed& seed) {
    return sl_hash(key.data(), SL_KEY6_WORDS, &seed);
}
std::uint64_t hash_mac(const Key& key, const sl_seed& seed) { return sl_fdb_hash(key[0], &seed); }

/// The upper byte of a flow's last word is SL_FLOW_LIVE; a MAC and a VLAN have 60 bits.
constexpr std::array hashes{Hashed{"IPv4", SL_KEY4_WORDS, 56, hash4},
                            Hashed{"IPv6", SL_KEY6_WORDS, 56, hash6},
                            Hashed{"Mac", 1, 60, hash_mac}};

std::vector<sl_seed> some_seeds(std::size_t count) {
    std::mt19937_64 draw(1);
    std::vector<sl_seed> seeds(count);
    for (sl_seed& seed : seeds) std::ranges::generate(seed.words, std::ref(draw));
    return seeds;
}

/// What is taken of a hash: see flow_table.h and sl_fdb_choice().
struct Part {
    const char* name;
    std::uint32_t values;
    std::uint32_t (*of)(std::uint64_t hash);
};
constexpr std::array parts{
    Part{"group", 1024,
         [](std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32) % 1024; }},
    Part{"tag", 1024, [](std::uint64_t hash) { return sl_flow_tag(hash) % 1024; }},
    Part{"high tag", 1024, [](std::uint64_t hash) { return sl_flow_tag(hash) >> 5 & 1023; }},
    Part{"home and turn", 1024,
         [](std::uint64_t hash) { return sl_flow_home(hash) << 6 | (sl_flow_turn(hash) & 63); }},
    Part{"scaled group", 1000,
         [](std::uint64_t hash) { return static_cast<std::uint32_t>((hash >> 32) * 1000 >> 32); }},
};

class HashOf : public testing::TestWithParam<Hashed> {
protected:
    /// Two keys that differ so, under several seeds: never the same hash, and hardly ever the same
    /// part of it. Of 8 seeds four agree in 10 bits by chance in one case of 15 billion.
    static void expect_apart(const Key& one, const Key& other, const std::string& what) {
        static const auto seeds = some_seeds(8);
        std::array<int, parts.size()> same{};
        for (const sl_seed& seed : seeds) {
            const auto a = GetParam().hash(one, seed), b = GetParam().hash(other, seed);
            ASSERT_NE(a, b) << what;
            for (std::size_t i = 0; i < parts.size(); ++i)
                same[i] += parts[i].of(a) == parts[i].of(b);
        }
        for (std::size_t i = 0; i < parts.size(); ++i)
            ASSERT_LE(same[i], 3) << parts[i].name << ": " << what;
    }
    static std::size_t bits() { return 64 * (GetParam().words - 1) + GetParam().bits; }
    static void flip(Key& key, std::size_t bit) { key[bit / 64] ^= 1ull << bit % 64; }
    static std::vector<Key> bases() {
        std::mt19937_64 draw(2);
        Key random{}, ones{};
        std::ranges::generate(random, std::ref(draw));
        ones.fill(~0ull);
        return {Key{}, ones, random};
    }
};
INSTANTIATE_TEST_SUITE_P(All, HashOf, testing::ValuesIn(hashes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(HashOf, OneOrTwoBitsAreSeen) {
    for (const Key& base : bases()) {
        for (std::size_t i = 0; i < bits() && !HasFatalFailure(); ++i) {
            for (std::size_t j = i; j < bits() && !HasFatalFailure(); ++j) {
                Key other = base;
                flip(other, i);
                if (j != i) flip(other, j);
                expect_apart(base, other,
                             "bits " + std::to_string(i) + " and " + std::to_string(j));
            }
        }
    }
}

// What one word does to the state of a chain of multiplications, the next could undo.
TEST_P(HashOf, WhatCancelsBetweenNeighbouringWordsIsSeen) {
    const Key base = bases().back();
    for (std::size_t word = 0; word + 1 < GetParam().words; ++word) {
        for (std::size_t i = 16; i < 64 && !HasFatalFailure(); ++i) {
            for (const std::size_t fold : {15, 16, 29, 31, 32, 33}) {
                Key other = base;
                flip(other, 64 * word + i);
                flip(other, 64 * (word + 1) + i);
                if (i >= fold) flip(other, 64 * (word + 1) + i - fold);
                expect_apart(base, other,
                             "word " + std::to_string(word) + ", bit " + std::to_string(i) +
                                 ", fold " + std::to_string(fold));
            }
        }
        for (std::size_t shift = 0; shift < 64; shift += 4) {
            Key other = base;
            other[word] += 1ull << shift;
            other[word + 1] -= 1ull << shift;
            expect_apart(base, other, "sum kept, shift " + std::to_string(shift));
        }
    }
}

TEST_P(HashOf, WordsAndHalvesMayNotChangePlaces) {
    const Key base = bases().back();
    for (std::size_t a = 0; a < 2 * GetParam().words; ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            Key other = base;
            auto* halves =
                reinterpret_cast<std::uint32_t __attribute__((may_alias))*>(other.data());
            std::swap(halves[a], halves[b]);
            expect_apart(base, other, "halves " + std::to_string(a) + " and " + std::to_string(b));
        }
    }
}

TEST_P(HashOf, DependsOnEachBitOfTheSeedThatItUses) {
    const Key base = bases().back();
    const sl_seed seed = some_seeds(1)[0];
    for (std::size_t bit = 0; bit < 64 * GetParam().words; ++bit) {
        sl_seed other = seed;
        other.words[bit / 64] ^= 1ull << bit % 64;
        EXPECT_NE(GetParam().hash(base, seed), GetParam().hash(base, other)) << bit;
    }
}

/// Chi-squared of where the keys fall, in standard deviations from what chance makes of it.
double unevenness(const std::vector<std::uint64_t>& hashed, const Part& part) {
    std::vector<double> counts(part.values);
    for (const std::uint64_t hash : hashed) ++counts[part.of(hash)];
    const double expected = static_cast<double>(hashed.size()) / part.values;
    double sum = 0;
    for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
    const double freedom = part.values - 1;
    return (sum - freedom) / std::sqrt(2 * freedom);
}

// Keys as they come: one part of one word counts up, by ones or by steps of a power of two.
TEST_P(HashOf, WhatIsAlikeIsSpread) {
    constexpr std::uint64_t keys = 16'384;
    for (const sl_seed& seed : some_seeds(3)) {
        for (std::size_t word = 0; word < GetParam().words; ++word) {
            for (std::size_t shift = 0;
                 shift + 14 <= (word + 1 < GetParam().words ? 64 : GetParam().bits); shift += 2) {
                std::vector<std::uint64_t> hashed;
                for (std::uint64_t i = 0; i < keys; ++i) {
                    Key key{};
                    key[word] = i << shift;
                    hashed.push_back(GetParam().hash(key, seed));
                }
                for (const Part& part : parts)
                    EXPECT_LT(unevenness(hashed, part), 8)
                        << part.name << ", word " << word << ", shift " << shift;
            }
        }
    }
}

/// The buckets where a MAC is looked for.
std::set<std::uint32_t> places(std::uint64_t key, const sl_seed& seed, std::uint32_t mask) {
    std::set<std::uint32_t> all;
    for (std::uint32_t turn = 0; turn < SL_FDB_CHOICES; ++turn)
        all.insert(sl_fdb_choice(sl_fdb_hash(key, &seed), turn, mask));
    return all;
}

// 32 MACs fill all places of a neighbour's: who finds them for one seed has them for no other.
TEST(FdbHash, WhoFillsANeighboursPlacesNeedsTheSeed) {
    constexpr std::uint32_t mask = 1023;
    constexpr std::uint64_t neighbour = 0x010000000002 | 10ull << SL_FDB_MAC_BITS;
    const auto seeds = some_seeds(5);
    std::vector<std::uint64_t> chosen;
    for (std::uint64_t n = 0; chosen.size() < SL_FDB_CHOICES * SL_FDB_SLOTS; ++n) {
        const std::uint64_t key = (0x02 | n << 8) | 10ull << SL_FDB_MAC_BITS;
        const auto first = sl_fdb_choice(sl_fdb_hash(key, &seeds[0]), 0, mask);
        if (places(neighbour, seeds[0], mask).contains(first)) chosen.push_back(key);
    }
    for (std::size_t other = 1; other < seeds.size(); ++other) {
        const auto wanted = places(neighbour, seeds[other], mask);
        EXPECT_LE(std::ranges::count_if(chosen,
                                        [&](std::uint64_t key) {
                                            return wanted.contains(sl_fdb_choice(
                                                sl_fdb_hash(key, &seeds[other]), 0, mask));
                                        }),
                  4);
    }
}

}  // namespace
