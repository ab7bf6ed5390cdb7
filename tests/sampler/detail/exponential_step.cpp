// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/exponential_step.hpp>

#include "sampler/detail/factor_of.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

constexpr noise_level<double> noisy{0.3, 0.9}, cleaner{0.8, 0.5}, data{1, 0}, noise{0, 1};
const detail::estimate newest{7, half_log_snr(noisy)};

bool near(double a, double b) { return std::abs(a - b) < 1e-14 * (1 + std::abs(b)); }

}  // namespace

TEST_CASE("a step of order 1 has the published coefficients", "[sampler]") {
    const double h = half_log_snr(cleaner) - half_log_snr(noisy);
    for (const double tau : {0.0, 0.4, 1.0, 1.5}) {
        const double tau2 = tau * tau;
        const detail::exponential_step x0(noisy, cleaner, quantity::x0, tau);
        const auto data_form = x0.terms(quantity::x, {&newest, 1});
        CHECK(near(factor_of(data_form, quantity::x), cleaner.sigma / noisy.sigma * std::exp(-tau2 * h)));
        CHECK(near(factor_of(data_form, quantity::x0, 7), cleaner.signal * (1 - std::exp(-(1 + tau2) * h))));
        CHECK(near(x0.noise(), cleaner.sigma * std::sqrt(1 - std::exp(-2 * tau2 * h))));

        const detail::exponential_step eps(noisy, cleaner, quantity::eps, tau);
        const auto noise_form = eps.terms(quantity::base, {&newest, 1});
        CHECK(near(factor_of(noise_form, quantity::base), cleaner.signal / noisy.signal));
        CHECK(near(factor_of(noise_form, quantity::eps, 7), -(1 + tau2) * cleaner.sigma * (std::exp(h) - 1)));
        CHECK(near(eps.noise(), tau * cleaner.sigma * std::sqrt(std::exp(2 * h) - 1)));
    }
}

TEST_CASE("rules change the slope through two estimates and the curvature through three", "[sampler]") {
    const double h = half_log_snr(cleaner) - half_log_snr(noisy);
    const std::vector<detail::estimate> through{newest, {6, newest.lambda - 0.3}, {5, newest.lambda - 0.8}};
    const detail::exponential_step step(noisy, cleaner, quantity::x0);
    const auto second = [&](detail::slope_moment slope) {
        return factor_of(step.terms(quantity::x, std::span(through).first(2), {slope}), quantity::x0, 6);
    };
    const double mean = 1 - std::exp(-h);
    CHECK(near(second(detail::slope_moment::half_of_mean), -cleaner.signal * mean * h / (2 * 0.3)));
    CHECK(near(second(detail::slope_moment::half), -cleaner.signal * h * h / (2 * 0.3)));
    CHECK(near(second(detail::slope_moment::exact), -cleaner.signal * (h - mean) / 0.3));
    // Divided differences: half of the second one's weight is taken away.
    const auto whole = step.terms(quantity::x, through), half = step.terms(quantity::x, through, {.curvature = 0.5});
    const double second_difference = 0.5 / (0.5 * 0.8);  // of the oldest: 1/((λ_5 − λ_6)(λ_5 − λ_7))
    const double moment = cleaner.signal * (h * h - 2 * (h - mean));
    CHECK(near(factor_of(whole, quantity::x0, 5) - factor_of(half, quantity::x0, 5), moment * second_difference));
}

TEST_CASE("steps at infinite lambda are limits of order 1", "[sampler]") {
    const double far = std::numeric_limits<double>::infinity();
    const std::vector<detail::estimate> two{newest, {6, newest.lambda - 1}};
    for (const quantity of : {quantity::x0, quantity::eps}) {
        for (const double tau : {0.0, 1.0}) {
            const detail::exponential_step to_data(noisy, data, of, tau);
            CHECK(!to_data.interpolates());
            CHECK(to_data.noise() == 0);
            const auto end = to_data.terms(quantity::x, two);
            REQUIRE(end.size() == 1);
            CHECK((end[0].of == quantity::x0 && end[0].factor == 1 && end[0].number == 7));

            const detail::estimate first{0, -far};
            const detail::exponential_step from_noise(noise, cleaner, of, tau);
            const auto begin = from_noise.terms(quantity::x, {&first, 1});
            CHECK(factor_of(begin, quantity::x0) == cleaner.signal);
            CHECK(factor_of(begin, quantity::x) == (tau == 0 ? cleaner.sigma : 0));
            CHECK(from_noise.noise() == (tau == 0 ? 0 : cleaner.sigma));
        }
        const detail::estimate last{0, far};
        const detail::exponential_step from_data(data, noisy, of), to_noise(noisy, noise, of);
        const auto up = from_data.terms(quantity::x, {&last, 1}), top = to_noise.terms(quantity::x, {&newest, 1});
        CHECK((factor_of(up, quantity::x) == noisy.signal && factor_of(up, quantity::eps) == noisy.sigma));
        CHECK(near(factor_of(top, quantity::x) * noisy.sigma + factor_of(top, quantity::eps, 7), 1));
    }
}

TEST_CASE("a step between equal levels is the identity", "[sampler]") {
    for (const auto& level : {noisy, data, noise}) {
        const detail::exponential_step step(level, level, quantity::eps, 1);
        const auto terms = step.terms(quantity::x, {&newest, 1});
        REQUIRE(terms.size() == 1);
        CHECK((terms[0].of == quantity::x && terms[0].factor == 1));
        CHECK(step.noise() == 0);
        CHECK(!step.interpolates());
    }
}

TEST_CASE("a history keeps one estimate for each finite lambda", "[sampler]") {
    detail::estimate_history history;
    const auto evaluations = [&](isize count) {
        std::vector<isize> numbers;
        for (const auto& e : history.newest(count)) {
            numbers.push_back(e.evaluation);
        }
        return numbers;
    };
    history.add(0, noise);
    CHECK(evaluations(3) == std::vector<isize>{0});
    history.add(1, noisy);
    CHECK(evaluations(3) == std::vector<isize>{1});
    history.add(2, noisy);
    CHECK(evaluations(3) == std::vector<isize>{2});
    history.add(3, cleaner);
    CHECK(evaluations(3) == std::vector<isize>{3, 2});
    CHECK(evaluations(1) == std::vector<isize>{3});
    history.add(4, data);
    CHECK(evaluations(3) == std::vector<isize>{4});
}

}  // namespace ddpm::test
