// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/work.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {

using bench::memory_streams;
using bench::work;
using bench::work_per_call;

TEST_CASE("a pass moves four bytes a float, and twice as many where it updates", "[bench]") {
    CHECK(memory_streams{.floats = 10, .read = 3}.bytes() == 120);
    CHECK(memory_streams{.floats = 10, .written = 1}.bytes() == 40);
    CHECK(memory_streams{.floats = 10, .updated = 1}.bytes() == 80);
    CHECK(memory_streams{.floats = 10, .read = 1, .written = 2, .updated = 3}.bytes() == 360);
}

TEST_CASE("work moves the bytes of its passes unless it says how many", "[bench]") {
    const std::vector<memory_streams> passes{{.floats = 10, .read = 1}, {.floats = 5, .updated = 1}};
    CHECK(work{.passes = passes}.bytes_moved() == 80);
    CHECK(work{.bytes = 7, .passes = passes}.bytes_moved() == 7);
    CHECK(work{}.bytes_moved() == 0);
}

TEST_CASE("work per call differs where items, bytes or flops do", "[bench]") {
    const work step{.items = 16, .flops = 5, .passes = {{.floats = 2, .read = 1}}};
    CHECK(step.per_call() == work_per_call{.items = 16, .bytes = 8, .flops = 5});
    CHECK(step.per_call() != work_per_call{.items = 64, .bytes = 8, .flops = 5});
    CHECK(step.per_call() != work_per_call{.items = 16, .bytes = 9, .flops = 5});
    CHECK(step.per_call() != work_per_call{.items = 16, .bytes = 8, .flops = 6});
}

TEST_CASE("stores past the caches are worth while where a pass only writes an array of 16 MiB", "[bench]") {
    constexpr double large = 4194304;
    CHECK(work{.passes = {{.floats = large, .written = 1}}}.is_worth_streaming());
    CHECK(
        work{.passes = {{.floats = 1, .written = 1}, {.floats = large, .read = 1, .written = 1}}}.is_worth_streaming());
    CHECK_FALSE(work{.passes = {{.floats = large - 1, .written = 1}}}.is_worth_streaming());
    CHECK_FALSE(work{.passes = {{.floats = large, .read = 1, .updated = 1}}}.is_worth_streaming());
    CHECK_FALSE(work{.items = large, .bytes = 4 * large}.is_worth_streaming());
}

}  // namespace ddpm::test
