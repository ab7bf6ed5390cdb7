// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/context.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"

#include <regex>
#include <string>

namespace ddpm::test {

TEST_CASE("a run's context names processor, day, compiler, instruction set and threads", "[bench]") {
    const bench::run_context context = bench::context_of(3, {});
    CHECK(context.size() == 5);
    CHECK_FALSE(context.at("cpu").empty());
    CHECK(std::regex_match(context.at("day"), std::regex("20[0-9]{2}-[01][0-9]-[0-3][0-9]")));
    CHECK(std::regex_match(context.at("compiler"), std::regex("(gcc|clang) [0-9]+\\..*")));
    CHECK(context.at("simd_target") == name_of(simd_target()));
    CHECK(context.at("threads") == "3");
}

TEST_CASE("a run's context holds the machine's peak for each number of threads", "[bench]") {
    const isize threads = thread_count();
    const bench::run_context context = bench::context_of(1, {1});
    set_thread_count(threads);
    const std::regex peak(
        "[0-9.]+ .?FLOP/s single, [0-9.]+ .?FLOP/s double precision; memory: [0-9.]+ .?B/s read, [0-9.]+ .?B/s "
        "written, "
        "[0-9.]+ .?B/s two arrays read and one written");
    CHECK(context.size() == 6);
    CHECK(std::regex_match(context.at("peak_1_thread"), peak));
}

}  // namespace ddpm::test
