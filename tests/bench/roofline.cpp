// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/roofline.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cmath>
#include <thread>

namespace ddpm::test {

TEST_CASE("the roofline is measured for the library's threads", "[bench]") {
    const isize threads = thread_count();
    set_thread_count(2);
    const bench::roofline roof = bench::measure_roofline();
    set_thread_count(threads);
    CHECK(roof.threads == 2);
    for (const double rate :
         {roof.float_flops, roof.double_flops, roof.read_bytes, roof.written_bytes, roof.triad_bytes}) {
        CHECK(std::isfinite(rate));
        CHECK(rate > 1e6);  // any processor does more
    }
}

TEST_CASE("the best time is the shortest of those after the first run", "[bench]") {
    using std::chrono::milliseconds;
    int runs = 0;
    const double best = bench::detail::best_seconds(3, [&] {
        ++runs;
        std::this_thread::sleep_for(milliseconds(runs == 1 ? 0 : runs == 3 ? 20 : 500));
    });
    CHECK(runs == 4);
    CHECK(best >= 0.02);
    CHECK(best < 0.5);
}

}  // namespace ddpm::test
