// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/move_towards.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

namespace ddpm::test {

TEMPLATE_TEST_CASE("move_towards is its formula, bit for bit on every target", "[kernels]", float, double) {
    using S = TestType;
    const ddpm::isize size = GENERATE(ddpm::isize{1}, ddpm::isize{15}, ddpm::isize{16}, ddpm::isize{77});
    const batch<S> start = random_batch<S>(size, 1, 1), target = random_batch<S>(size, 1, 2);
    const S rate = S(0.3);
    for_each_target([&] {
        batch<S> average = start;
        kernels::detail::move_towards(size, rate, target.data(), average.data());
        for (ddpm::isize i = 0; i < size; ++i) {
            const S difference = start(i, 0) - target(i, 0), change = rate * difference;
            REQUIRE(average(i, 0) == start(i, 0) - change);
        }
    });
}

}  // namespace ddpm::test
