// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/stage.hpp>

#include <ddpm/kernels/philox_normal.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"

#include <array>
#include <limits>

namespace ddpm::test {

namespace {

using kernels::detail::stage_source;

constexpr kernels::normal_address stage_address{.seed = 3, .stream = 1, .step = 12, .sample = 40};

/// base ← a · base + b · old + c · x̂_0, then x ← d · x + e · base + f · ε̂ + g · z_1 + h · z_0 · spread, with both
/// estimates kept; without noise the last two are missing. And last, other ← −base, which nothing reads.
template <class S>
struct two_sums {
    two_sums(isize rows, isize columns, bool noise_)
        : noise(noise_),
          x(rows * columns, 1, true),
          p(rows * columns, 2, true),
          base(rows * columns, 3),
          old(rows * columns, 4, true),
          spread(rows * columns, 5),
          x0(rows * columns, 6),
          eps(x0),
          other(x0),
          z0(x0),
          z1(x0) {
        kernels::normal_address later = stage_address;
        ++later.step;
        kernels::philox_normal(stage_address, batch_view<S>(z0.data(), rows, columns));
        kernels::philox_normal(later, batch_view<S>(z1.data(), rows, columns));
    }

    /// By the kernel, from row `row` of the samples on.
    void run(isize rows, isize columns, isize row, isize size, isize first, bool stream) {
        const kernels::detail::stage_term<S> base_terms[] = {
            {stage_source::column, a, base.data()}, {stage_source::column, b, old.data()}, {stage_source::x0, c}};
        const kernels::detail::stage_term<S> x_terms[] = {{stage_source::column, d, x.data()},
                                                          {stage_source::column, e, base.data()},
                                                          {stage_source::eps, f},
                                                          {stage_source::normals, g, nullptr, 1},
                                                          {stage_source::normals, h, nullptr, 0, spread.data()}};
        const kernels::detail::stage_term<S> other_terms[] = {{stage_source::column, S(-1), base.data()}};
        const kernels::detail::stage_sum<S> sums[] = {{base.data(), base_terms, 3, true},
                                                      {x.data(), x_terms, noise ? 5 : 3, true},
                                                      {other.data(), other_terms, 1, false}};
        REQUIRE(first + columns * size <= rows * columns);
        kernels::detail::run_stage<S>({.estimate = estimate,
                                       .xt = x.data(),
                                       .p = p.data(),
                                       .kept_x0 = x0.data(),
                                       .kept_eps = eps.data(),
                                       .sums = sums,
                                       .count = 3,
                                       .stream = stream},
                                      stage_address, columns, row, size, first);
    }

    /// By the formula, element by element.
    void expect(isize first, isize last) {
        for (isize i = first; i < last; ++i) {
            const S clipped = rounded(estimate.x0_xt, x[i]) + rounded(estimate.x0_value, p[i]);
            x0[i] = clipped > S(1) ? S(1) : clipped < S(-1) ? S(-1) : clipped;
            eps[i] = rounded(estimate.eps_xt, x[i]) + rounded(estimate.eps_value, p[i]);
            base[i] = rounded(a, base[i]) + rounded(b, old[i]) + rounded(c, x0[i]);
            const S plain = rounded(d, x[i]) + rounded(e, base[i]) + rounded(f, eps[i]);
            x[i] = noise ? plain + rounded(g, z1[i]) + rounded(h, rounded(z0[i], spread[i])) : plain;
            other[i] = -base[i];
        }
    }

    [[nodiscard]] bool operator==(const two_sums& expected) const {
        bool equal = true;
        for (const auto array : {&two_sums::x, &two_sums::base, &two_sums::x0, &two_sums::eps, &two_sums::other}) {
            equal = equal && (this->*array).guarded();
            for (isize i = 0; i < x.size(); ++i) {
                equal = equal && same((this->*array)[i], (expected.*array)[i]);
            }
        }
        return equal;
    }

    kernels::denoise_coefficients<S> estimate{
        .x0_xt = S(1.25), .x0_value = S(-0.7), .limit = S(1), .eps_xt = S(0.3), .eps_value = S(0.9)};
    S a = S(0.3), b = S(-1.7), c = S(1) / S(3), d = S(0.8), e = S(0.1), f = S(-0.4), g = S(0.5), h = S(0.25);
    bool noise;
    unaligned_array<S> x, p, base, old, spread, x0, eps, other, z0, z1;
};

}  // namespace

TEMPLATE_TEST_CASE("a stage has the bits of the scalar formulas on every target, with and without noise", "[kernels]",
                   float, double) {
    using S = TestType;
    for_each_target([] {
        for (const bool noise : {false, true}) {
            for (const isize rows : kernel_sizes) {
                for (const isize columns : {1, 3}) {
                    two_sums<S> by_kernel(rows, columns, noise), by_formula(by_kernel);
                    by_kernel.run(rows, columns, 0, rows, 0, false);
                    by_formula.expect(0, rows * columns);
                    INFO(rows << " x " << columns << (noise ? " with noise" : ""));
                    CHECK(by_kernel == by_formula);
                }
            }
        }
    });
}

TEMPLATE_TEST_CASE("a stage of a part of a sample leaves the rest", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        for (const bool noise : {false, true}) {
            two_sums<S> by_kernel(300, 2, noise), by_formula(by_kernel);
            by_kernel.run(300, 1, 128, 77, 128, false);
            by_formula.expect(128, 128 + 77);
            CHECK(by_kernel == by_formula);
        }
    });
}

TEMPLATE_TEST_CASE("a stage writes the same past the caches", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        for (const isize size : {4, 64, 100, 1000}) {
            batch<S> x = batch<S>::Random(size, 1), p = batch<S>::Random(size, 1), kept(size, 2), copy(size, 2);
            for (const bool stream : {false, true}) {
                const kernels::detail::stage_term<S> term{stage_source::eps, S(0.5)};
                const kernels::detail::stage_sum<S> sum{copy.col(stream ? 1 : 0).data(), &term, 1, false};
                kernels::detail::run_stage<S>({.estimate = {.x0_xt = S(2), .x0_value = S(-1), .eps_value = S(1)},
                                               .xt = x.data(),
                                               .p = p.data(),
                                               .kept_x0 = kept.col(stream ? 1 : 0).data(),
                                               .sums = &sum,
                                               .count = 1,
                                               .stream = stream},
                                              {}, 1, 0, size, 0);
            }
            CHECK((kept.col(0) == kept.col(1)).all());
            CHECK((copy.col(0) == copy.col(1)).all());
            CHECK((copy.col(0) == S(0.5) * p.col(0)).all());
            CHECK((kept.col(0) == S(2) * x.col(0) - p.col(0)).all());
        }
    });
}

TEST_CASE("a sum of no terms is zero, and without a prediction nothing is estimated", "[kernels]") {
    for_each_target([] {
        unaligned_array<float> target(100, 1), kept(100, 2);
        const unaligned_array<float> before = kept;
        const kernels::detail::stage_sum<float> sum{target.data(), nullptr, 0, true};
        kernels::detail::run_stage<float>({.kept_x0 = kept.data(), .sums = &sum, .count = 1}, {}, 1, 0, 100, 0);
        bool right = target.guarded() && kept.guarded();
        for (isize i = 0; i < 100; ++i) {
            right = right && target[i] == 0 && kept[i] == before[i];
        }
        CHECK(right);
    });
}

}  // namespace ddpm::test
