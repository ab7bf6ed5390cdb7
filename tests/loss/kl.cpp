// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/kl.hpp>

#include <ddpm/loss/mse.hpp>
#include <ddpm/process/posterior.hpp>

#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("kl of Gaussians has the published values", "[loss]") {
    CHECK(kl_gaussians(0.0, 0.0, 0.0, 0.0) == 0);
    CHECK(std::abs(kl_gaussians(0.1, -1.0, 0.2, -2.0) - 0.396086194724) < 1e-12);
    CHECK(std::abs(kl_gaussians(1.0, 0.5, -1.0, 1.0) - 0.789024212199) < 1e-12);
}

TEMPLATE_TEST_CASE("kl is not negative, and zero only at equality", "[loss]", float, double) {
    using S = TestType;
    for (int m = -4; m <= 4; ++m) {
        for (int v1 = -8; v1 <= 8; ++v1) {
            for (int v2 = -8; v2 <= 8; ++v2) {
                const S mean = static_cast<S>(m) / 4, lv1 = static_cast<S>(v1) / 2, lv2 = static_cast<S>(v2) / 2;
                const S kl = kl_gaussians(mean, lv1, S{0}, lv2);
                const bool equal = m == 0 && v1 == v2;
                CHECK((equal ? kl == 0 : kl > 0));
            }
        }
    }
}

TEMPLATE_TEST_CASE("kl of batches sums over elements, with variances shared or not", "[loss]", float, double) {
    using S = TestType;
    const batch<S> m1 = pattern<S>(4, 3, 1), m2 = pattern<S>(4, 3, 2);
    const per_sample_values<S> lv1 = pattern<S>(1, 3, 3), lv2 = pattern<S>(1, 3, 4);
    const auto shared = kl_diagonal_gaussians(m1, lv1, m2, lv2);
    const auto full = kl_diagonal_gaussians(m1, lv1.replicate(4, 1), m2, lv2.replicate(4, 1));
    for (isize n = 0; n < 3; ++n) {
        double expected = 0;
        for (isize i = 0; i < 4; ++i) {
            expected += static_cast<double>(kl_gaussians(m1(i, n), lv1(n), m2(i, n), lv2(n)));
        }
        CHECK(std::abs(static_cast<double>(shared(n)) - expected) < ulps<S>(4) * expected);
        CHECK(shared(n) == full(n));
    }
    CHECK((kl_diagonal_gaussians(m1, lv1, m1, lv1) == 0).all());

    const batch<S> full1 = pattern<S>(4, 3, 5), full2 = pattern<S>(4, 3, 6);
    const auto mixed = kl_diagonal_gaussians(m1, full1, m2, full2);
    for (isize n = 0; n < 3; ++n) {
        double expected = 0;
        for (isize i = 0; i < 4; ++i) {
            expected += static_cast<double>(kl_gaussians(m1(i, n), full1(i, n), m2(i, n), full2(i, n)));
        }
        CHECK(std::abs(static_cast<double>(mixed(n)) - expected) < ulps<S>(4) * expected);
    }
}

TEST_CASE("kl of batches: shapes that do not fit are errors", "[loss]") {
    const batch<float> m = pattern<float>(4, 3, 1);
    const per_sample_values<float> lv = pattern<float>(1, 3, 3);
    CHECK_THROWS_AS(kl_diagonal_gaussians(m, lv, m.leftCols(2), lv), shape_error);
    CHECK_THROWS_AS(kl_diagonal_gaussians(m, lv.leftCols(2), m, lv), shape_error);
    CHECK_THROWS_AS(kl_diagonal_gaussians(m, lv, m, m.topRows(2)), shape_error);
}

TEST_CASE("the equal-variance KL is the weighted squared distance of eps, x0 and v, and the KL of the Gaussians",
          "[loss]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const noised_example<double> example(schedule, some_timesteps(schedule.steps()));
        const isize columns = example.x0.cols();
        for (const prediction kind : all_predictions) {
            const batch<double> predicted = pattern<double>(5, columns, 7);
            batch<double> d(5, columns);
            const batch<double> x0_hat = convert(schedule, kind, prediction::x0, example.xt, example.t, predicted);
            const auto truth = q_posterior(schedule, example.x0, example.xt, example.t);
            const auto model = q_posterior(schedule, x0_hat, example.xt, example.t);
            const auto kl = kl_diagonal_gaussians(truth.mean, truth.log_variance, model.mean, model.log_variance);
            INFO(name << ", " << name_of(kind));

            const double loss = kl_loss{}(schedule, kind, example.noised(), predicted, d);
            CHECK(std::abs(loss - kl.sum() / static_cast<double>(5 * columns)) < 1e-7 * loss);

            const batch<double> eps_hat =
                convert(schedule, kind, prediction::epsilon, example.xt, example.t, predicted);
            double weighted = 0;
            for (isize n = 0; n < columns; ++n) {
                weighted += kl_weight(schedule, prediction::epsilon, example.t[static_cast<std::size_t>(n)]) *
                            (eps_hat.col(n) - example.eps.col(n)).square().sum();
            }
            CHECK(std::abs(loss - weighted / static_cast<double>(5 * columns)) < 1e-7 * loss);
        }
    }
}

// β² / (2 σ² α (1 − ᾱ)), equation 12 of Ho et al.
TEST_CASE("the weight of eps is the paper's", "[loss]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            const auto& entry = schedule[t];
            const double variance = std::exp(entry.posterior_log_variance);
            const double expected = entry.beta * entry.beta / (2 * variance * entry.alpha * (1 - entry.alpha_bar));
            INFO(name << ", t = " << t);
            CHECK(std::abs(kl_weight(schedule, prediction::epsilon, t) - expected) < 1e-9 * expected);
        }
    }
}

TEST_CASE("the gradient of kl_loss agrees with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const prediction kind : all_predictions) {
        check_gradient(schedule, kl_loss{}, kind);
    }
}

TEST_CASE("kl_loss serves the smallest schedule and refuses what does not fit", "[loss]") {
    check_loss_errors(kl_loss{});
    CHECK_THROWS_AS(kl_weight(schedule_archetype{}, prediction::v, 10), value_error);
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    for (const prediction kind : all_predictions) {
        const bool is_noise = kind == prediction::epsilon || kind == prediction::score;
        const batch<double> x = pattern<double>(2, 1, 1), predicted = pattern<double>(2, 1, 2);
        batch<double> gradient(2, 1);
        const std::vector<isize> t{1};
        const auto loss = [&] { return kl_loss{}(noise, kind, noised_batch<double>{x, x, x, t}, predicted, gradient); };
        if (is_noise) {
            CHECK_THROWS_AS(kl_weight(noise, kind, 1), value_error);
            CHECK_THROWS_AS(loss(), value_error);
            CHECK_THROWS_AS(kl_loss{}.require_time(noise, kind, 1), value_error);
        } else {
            CHECK(std::isfinite(kl_weight(noise, kind, 1)));
            CHECK_NOTHROW(kl_loss{}.require_time(noise, kind, 1));
            CHECK(std::isfinite(loss()));
        }
    }
}

TEMPLATE_TEST_CASE("the divergence of two Gaussians keeps its bound of roundings", "[loss]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const auto number = [&](double size) { return static_cast<S>(random.uniform(-size, size)); };
        const S m1 = number(3), m2 = number(3), lv2 = number(8), lv1 = i % 2 == 0 ? number(8) : lv2 + number(1e-3);
        const long double d = static_cast<long double>(lv1) - lv2, difference = static_cast<long double>(m1) - m2;
        const long double square = difference * difference * std::exp(-static_cast<long double>(lv2));
        const long double excess = std::expm1(d);
        CHECK(within(kl_gaussians(m1, lv1, m2, lv2), (excess - d + square) / 2,
                     roundings<S>(10) * ((1 + std::abs(d)) * (std::abs(d) + std::abs(excess)) + square)));
    }
}

TEST_CASE("the weight of the divergence keeps its bound of roundings", "[loss]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const prediction kind : all_predictions) {
                const long double x0 = conversion(kind, prediction::x0, noise_level_at(schedule, t)).value;
                const long double mean = x0 * posterior_at(schedule, t - 1, t).x0;
                const long double log_variance =
                    reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, t - 1);
                const long double exact = mean * mean * std::exp(-log_variance) / 2;
                CHECK(within(kl_weight(schedule, kind, t), exact, roundings<double>(8) * exact));
            }
        }
    }
}

}  // namespace ddpm::test
