// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/langevin_norms.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/kernel_data.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace ddpm::test {
namespace {

template <class S>
double squares_in_fours(const batch<S>& x) {
    std::array<double, 16> sums{};
    for (isize e = 0; e < x.size(); e += 64) {
        std::array<S, 16> four{};
        for (isize i = e; i < std::min<isize>(e + 64, x.size()); ++i) {
            four[static_cast<std::size_t>(i % 16)] += rounded(x(i, 0), x(i, 0));
        }
        for (std::size_t lane = 0; lane < 16; ++lane) {
            sums[lane] += static_cast<double>(four[lane]);
        }
    }
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

TEMPLATE_TEST_CASE("the norms of a Langevin step are their squares, bit for bit on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    const isize size = GENERATE(isize{0}, isize{1}, isize{15}, isize{16}, isize{17}, isize{64}, isize{65}, isize{1003});
    const isize first = 128;
    const kernels::normal_address at{.seed = 5, .stream = 2, .step = 3, .sample = 4};
    const batch<S> xt = random_batch<S>(size, 1, 1);
    batch<S> p = random_batch<S>(size, 1, 2), z(first + size, 1);
    kernels::philox_normal<S>(at, z);
    const batch<S> drawn = z.bottomRows(size);
    const kernels::detail::score_coefficients<S> c{S(0.3), S(-0.7)};
    batch<S> score(size, 1);
    for (isize i = 0; i < size; ++i) {
        score(i, 0) = rounded(c.xt, xt(i, 0)) + rounded(c.value, p(i, 0));
    }
    const double noise = squares_in_fours(drawn), length = squares_in_fours(score);
    for_each_target([&] {
        const kernels::detail::langevin_norms given =
            kernels::detail::measure_langevin<S>(size, c, xt.data(), p.data(), drawn.data());
        CHECK(given.noise == noise);
        CHECK(given.score == length);
        batch<S> got = batch<S>::Constant(size + 1, 1, S(7));
        const auto draw = [&] {
            return kernels::detail::draw_and_measure_langevin<S>(at, first, size, c, xt.data(), p.data(), got.data());
        };
        const kernels::detail::langevin_norms norms = draw();
        CHECK(norms.noise == noise);
        CHECK(norms.score == length);
        CHECK((got.topRows(size) == drawn).all());
        CHECK(got(size, 0) == S(7));
        if (size > 0) {
            const S kept = p(size - 1, 0);
            p(size - 1, 0) = std::numeric_limits<S>::quiet_NaN();
            CHECK(std::isnan(draw().score));
            CHECK(draw().noise == noise);
            p(size - 1, 0) = kept;
        }
    });
}

}  // namespace ddpm::test
