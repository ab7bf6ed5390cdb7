// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/probe.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ddpm::test {

using bench::memory_streams;

TEST_CASE("a probe of memory updates and writes each of its arrays to the end, with both kinds of stores", "[bench]") {
    constexpr isize size = 3 << 16;
    const isize threads = thread_count();
    for (const isize some : {1, 2}) {
        set_thread_count(some);
        for (const bool past_caches : {false, true}) {
            float* arrays[5] = {};  // two that it writes, three that it updates
            for (int number = 0; number < 5; ++number) {
                arrays[number] = bench::scratch(number, size);
            }
            std::vector<std::vector<float>> before;
            for (const float* const x : arrays) {
                before.emplace_back(x, x + size);
            }
            const auto run = bench::streams_probe({{.floats = size, .written = 2, .updated = 3}}, past_caches);
            run();
            // Without arrays that it reads, it writes one half, and adds one half to the half of what it updates.
            for (std::size_t number = 0; number < 5; ++number) {
                const float kept = number < 2 ? 0 : 0.5F;
                CHECK(std::equal(before[number].begin(), before[number].end(), arrays[number],
                                 [&](float old, float now) { return kept * old + 0.5F == now; }));
            }
        }
    }
    set_thread_count(threads);
}

TEST_CASE("a probe of memory writes what depends on each array that it reads", "[bench]") {
    constexpr isize size = 1024;
    float* const arrays[] = {bench::scratch(0, size), bench::scratch(1, size), bench::scratch(2, size),
                             bench::scratch(3, size), bench::scratch(4, size)};
    const auto run = bench::streams_probe({{.floats = size, .read = 4, .written = 1}}, false);
    run();
    const std::vector<float> first(arrays[4], arrays[4] + size);
    for (int changed = 0; changed < 4; ++changed) {
        arrays[changed][0] += 1;
        run();
        CHECK(arrays[4][0] != first[0]);
        arrays[changed][0] -= 1;
    }
}

TEST_CASE("a probe of memory refuses passes over more arrays than it has bodies for", "[bench]") {
    CHECK_NOTHROW(bench::streams_probe({{.floats = 64, .read = 4, .written = 2, .updated = 3}}, true));
    CHECK_THROWS_AS(bench::streams_probe({{.floats = 64, .read = 5}}, true), value_error);
    CHECK_THROWS_AS(bench::streams_probe({{.floats = 64, .read = 1}, {.floats = 64, .written = 3}}, true), value_error);
    CHECK_THROWS_WITH(bench::streams_probe({{.floats = 64, .read = 1, .written = 2, .updated = 4}}, false),
                      "streams_probe: arrays read, written and updated; expected at most 4, 2 and 3, got 1, 2 and 4");
}

TEST_CASE("a probe of flops can be run in both precisions", "[bench]") {
    CHECK_NOTHROW(bench::flops_probe<float>(1e4)());
    CHECK_NOTHROW(bench::flops_probe<double>(1e4)());
    CHECK_NOTHROW(bench::flops_probe<float>(1)());
}

}  // namespace ddpm::test
