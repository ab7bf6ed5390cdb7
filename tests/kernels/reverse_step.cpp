// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/reverse_step.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

constexpr kernels::normal_address step_address{.seed = 3, .stream = 1, .step = 12, .sample = 40};

template <class S>
struct scalar_step {
    scalar_step(const kernels::reverse_coefficients<S>& c, S xt, S p, S z) {
        const auto& e = c.estimate;
        x0 = std::clamp(rounded(e.x0_xt, xt) + rounded(e.x0_value, p), -e.limit, e.limit);
        eps = rounded(e.eps_xt, xt) + rounded(e.eps_value, e.eps_from_x0 ? x0 : p);
        next = rounded(c.x0, x0) + rounded(c.xt, xt) + rounded(c.eps, eps);
        next = c.sigma == 0 ? next : next + rounded(c.sigma, z);
    }
    S x0, eps, next;
};

template <class S>
std::vector<kernels::reverse_coefficients<S>> coefficient_cases() {
    const kernels::denoise_coefficients<S> plain{
        .x0_xt = S(1.25), .x0_value = S(-0.7), .eps_xt = S(0.3), .eps_value = S(0.9)};
    kernels::denoise_coefficients<S> clipped = plain, anew = plain;
    clipped.limit = S(1);
    anew.limit = S(0.5);
    anew.eps_from_x0 = true;
    std::vector<kernels::reverse_coefficients<S>> all;
    for (const auto& estimate : {plain, clipped, anew}) {
        for (const S sigma : {S(0), S(0.2)}) {
            all.push_back({estimate, S(0.4), S(0.6), S(1) / S(3), sigma});
        }
    }
    return all;
}

}  // namespace

TEMPLATE_TEST_CASE("a reverse step has the bits of the scalar formula on every target, with given, fresh and no noise",
                   "[kernels]", float, double) {
    using S = TestType;
    const auto check = [](isize rows, isize columns, isize stride, const kernels::reverse_coefficients<S>& c) {
        const unaligned_array<S> xt(stride * columns, 1, true), p(stride * columns, 2, true);
        unaligned_array<S> z(stride * columns, 3), x0(z), eps(z), out(z), fresh(z), fresh_x0(z), lone(z), normals(z);
        const unaligned_array<S> before = z;
        const auto view = [&](unaligned_array<S>& a) { return batch_view<S>(a.data(), rows, columns, stride); };
        const auto read = [&](const unaligned_array<S>& a) {
            return batch_view<const S>(a.data(), rows, columns, stride);
        };
        kernels::philox_normal(step_address, view(normals));
        kernels::denoise(c.estimate, read(xt), read(p), view(x0), view(eps));
        bool right = true;
        for (isize i = 0; i < out.size(); ++i) {
            const scalar_step<S> step(c, xt[i], p[i], z[i]);
            const bool inside = i % stride < rows;
            right = right && same(x0[i], inside ? step.x0 : before[i]) && same(eps[i], inside ? step.eps : before[i]);
        }
        CHECK(right);
        x0 = before;
        kernels::reverse_step(c, read(xt), read(p), read(z), view(x0), view(out));
        kernels::reverse_step(c, read(xt), read(p), step_address, view(fresh_x0), view(fresh));
        kernels::reverse_step(c, read(xt), read(p), step_address, batch_view<S>(), view(lone));
        for (const auto* written : {&x0, &eps, &out, &fresh, &fresh_x0, &lone}) {
            right = right && written->guarded();
        }
        for (isize i = 0; i < out.size(); ++i) {
            const scalar_step<S> given(c, xt[i], p[i], z[i]), made(c, xt[i], p[i], normals[i]);
            const bool inside = i % stride < rows;
            right = right && same(x0[i], inside ? given.x0 : before[i]) &&
                    same(out[i], inside ? given.next : before[i]) && same(fresh_x0[i], x0[i]) &&
                    same(fresh[i], inside ? made.next : before[i]) && same(lone[i], fresh[i]);
        }
        INFO(rows << " x " << columns << ", columns " << stride << " apart");
        CHECK(right);
    };
    for_each_target([&] {
        for (const auto& c : coefficient_cases<S>()) {
            for (const isize rows : kernel_sizes) {
                check(rows, 3, rows, c);
            }
            check(17, 3, 20, c);
            check(5, 0, 5, c);
            check(3, 6000, 4, c);
            check(40000, 1, 40000, c);
        }
    });
}

TEMPLATE_TEST_CASE("a reverse step may be written over its inputs, on any number of threads", "[kernels]", float,
                   double) {
    using S = TestType;
    const auto c = coefficient_cases<S>().back();
    for (const auto& [rows, columns] : {std::array<isize, 2>{40000, 3}, {100, 1000}}) {
        const batch<S> xt = batch<S>::Random(rows, columns), p = batch<S>::Random(rows, columns);
        batch<S> next(rows, columns), x0(rows, columns), eps(rows, columns);
        kernels::reverse_step<S>(c, xt, p, step_address, {}, next);
        kernels::denoise<S>(c.estimate, xt, p, x0, eps);
        for (const isize threads : {1, 2, 5}) {
            set_thread_count(threads);
            batch<S> over_xt = xt, over_p = p;
            kernels::reverse_step<S>(c, over_xt, p, step_address, {}, over_xt);
            kernels::reverse_step<S>(c, xt, over_p, step_address, {}, over_p);
            CHECK((over_xt == next).all());
            CHECK((over_p == next).all());
            over_xt = xt;
            over_p = p;
            kernels::denoise<S>(c.estimate, over_xt, over_p, over_xt, over_p);
            CHECK((over_xt == x0).all());
            CHECK((over_p == eps).all());
        }
    }
    set_thread_count(0);
}

TEST_CASE("clipping leaves NaN and limits infinity", "[kernels]") {
    const kernels::denoise_coefficients<float> c{.x0_xt = 1, .x0_value = 0, .limit = 0.5F, .eps_xt = 0, .eps_value = 1};
    const float infinity = std::numeric_limits<float>::infinity();
    const batch<float> xt = batch<float>::Constant(21, 1, std::numeric_limits<float>::quiet_NaN());
    const batch<float> p = batch<float>::Zero(21, 1);
    for_each_target([&] {
        batch<float> x0(21, 1), eps(21, 1);
        kernels::denoise<float>(c, xt, p, x0, eps);
        CHECK(x0.isNaN().all());
        kernels::denoise<float>(c, batch<float>::Constant(21, 1, infinity).eval(), p, x0, eps);
        CHECK((x0 == 0.5F).all());
        kernels::denoise<float>(c, batch<float>::Constant(21, 1, -infinity).eval(), p, x0, eps);
        CHECK((x0 == -0.5F).all());
    });
}

TEST_CASE("reverse steps and denoising refuse shapes that do not fit", "[kernels]") {
    batch<float> x = batch<float>::Ones(4, 3), out(4, 3), x0(4, 3), low(3, 3), few(4, 2);
    const auto of = [](batch<float>& b) { return batch_view<float>(b); };
    const auto in = [](batch<float>& b) { return batch_view<const float>(b); };
    const kernels::reverse_coefficients<float> quiet{}, noisy{.sigma = 1};
    const batch_view<const float> none;
    CHECK_NOTHROW(kernels::reverse_step<float>(quiet, in(x), in(x), none, of(x0), of(out)));
    CHECK_NOTHROW(kernels::reverse_step<float>(quiet, in(x), in(x), none, {}, of(out)));
    CHECK_THROWS_AS(kernels::reverse_step<float>(quiet, in(x), in(low), none, {}, of(out)), shape_error);
    CHECK_THROWS_AS(kernels::reverse_step<float>(quiet, in(x), in(x), none, of(few), of(out)), shape_error);
    CHECK_THROWS_AS(kernels::reverse_step<float>(quiet, in(few), in(few), none, {}, of(out)), shape_error);
    CHECK_THROWS_AS(kernels::reverse_step<float>(noisy, in(x), in(x), none, {}, of(out)), shape_error);
    CHECK_THROWS_AS(kernels::reverse_step<float>(noisy, in(x), in(low), step_address, {}, of(out)), shape_error);
    CHECK_THROWS_AS(kernels::reverse_step<float>([&](isize) { return quiet; }, in(x), in(few), of(out)), shape_error);
    CHECK_THROWS_AS(kernels::denoise<float>({}, in(x), in(low), of(x0), of(out)), shape_error);
    CHECK_THROWS_AS(kernels::denoise<float>({}, in(x), in(x), of(low), of(out)), shape_error);
    CHECK_THROWS_AS(kernels::denoise<float>({}, in(x), in(x), of(x0), of(few)), shape_error);
}

TEMPLATE_TEST_CASE("reverse steps and denoising keep their bounds of roundings on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    constexpr isize size = 203;
    random_numbers random;
    const batch<S> xt = random.values<S>(size, 1), p = random.values<S>(size, 1), z = random.values<S>(size, 1);
    const auto check = [&](const kernels::reverse_coefficients<S>& c) {
        const auto& e = c.estimate;
        batch<S> x0(size, 1), eps(size, 1), out(size, 1);
        kernels::denoise<S>(e, xt, p, x0, eps);
        kernels::reverse_step<S>(c, xt, p, z, batch_view<S>(), out);
        bool right = true;
        for (isize i = 0; i < size; ++i) {
            const auto product = [](S a, long double b) { return a * b; };
            const long double own = product(e.x0_xt, xt(i)), other = product(e.x0_value, p(i)), limit = e.limit;
            const long double x0_size = std::abs(own) + std::abs(other);
            const long double exact_x0 = std::clamp(own + other, -limit, limit);
            right = right && within(x0(i), exact_x0, roundings<S>(2) * x0_size);

            const long double noise = product(e.eps_xt, xt(i));
            const long double value = product(e.eps_value, e.eps_from_x0 ? exact_x0 : p(i));
            const long double eps_size =
                std::abs(noise) + std::abs(product(e.eps_value, e.eps_from_x0 ? x0_size : p(i)));
            right = right && within(eps(i), noise + value, roundings<S>(e.eps_from_x0 ? 4 : 2) * eps_size);

            const long double step =
                product(c.x0, exact_x0) + product(c.xt, xt(i)) + product(c.eps, noise + value) + product(c.sigma, z(i));
            const long double step_size = std::abs(product(c.x0, x0_size)) + std::abs(product(c.xt, xt(i))) +
                                          std::abs(product(c.eps, eps_size)) + std::abs(product(c.sigma, z(i)));
            right = right && within(out(i), step, roundings<S>(7) * step_size);
        }
        CHECK(right);
    };
    std::vector<kernels::reverse_coefficients<S>> cases = coefficient_cases<S>();
    for (int i = 0; i < 30; ++i) {
        const batch<S> by = random.values<S>(8, 1);
        const S limit = i % 3 == 0 ? std::numeric_limits<S>::infinity() : std::abs(by(0));
        cases.push_back({{by(0), by(1), limit, by(2), by(3), i % 2 == 0}, by(4), by(5), by(6), by(7)});
    }
    for_each_target([&] {
        for (const auto& c : cases) {
            check(c);
        }
    });
}

}  // namespace ddpm::test
