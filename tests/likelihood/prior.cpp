// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/prior.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/process/forward.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <numbers>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the prior's divergence has the published values", "[likelihood]", float, double) {
    using S = TestType;
    const noise_schedule schedule{linear_beta{}, 1000};
    batch<S> x0(48, 3);
    for (isize n = 0; n < 3; ++n) {
        x0.col(n) = static_cast<S>(n - 1);
    }
    const auto kl = prior_kl(schedule, x0);
    const double bits[] = {2.91129454203e-05, 5.87478388676e-10, 2.91129454203e-05};
    for (isize n = 0; n < 3; ++n) {
        const double expected = bits[n];
        CHECK(std::abs(kl(n) / (48 * std::numbers::ln2) - expected) < 1e-9 * expected + 1e-15);  // theirs cancels
    }
}

TEST_CASE("the prior's divergence is that of the marginal from the standard normal", "[likelihood]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const batch<double> x0 = pattern<double>(5, 4, 1);
        for (const isize t : some_timesteps(schedule.steps())) {
            const auto q = q_mean_variance(schedule, x0, t);
            const batch<double> zero = batch<double>::Zero(5, 4);
            const per_sample_values<double> none = per_sample_values<double>::Zero(4);
            const auto expected = kl_diagonal_gaussians(q.mean, q.log_variance, zero, none);
            std::vector<double> kl(4);
            prior_kl(schedule, x0, t, kl);
            INFO(name << ", t = " << t);
            for (isize n = 0; n < 4; ++n) {
                CHECK(std::abs(kl[static_cast<std::size_t>(n)] - expected(n)) < 1e-12 * (1 + expected(n)));
            }
        }
    }
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK((prior_kl(noise, pattern<float>(5, 4, 1)) == 0).all());
}

TEST_CASE("the prior's divergence refuses what does not fit", "[likelihood]") {
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    std::vector<double> values(2), one(1);
    CHECK_THROWS_AS(prior_kl(schedule, x, 9, one), shape_error);
    CHECK_THROWS_AS(prior_kl(schedule, x, 10, values), value_error);
    CHECK_THROWS_AS(prior_kl(schedule, x, -1, values), value_error);
    prior_kl(schedule, x, 9, values);
    CHECK(prior_kl(schedule, x)(1) == values[1]);
}

TEMPLATE_TEST_CASE("the prior's divergence keeps its bound of roundings", "[likelihood]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> x0 = random.values<S>(70, 4) / 100;
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            std::vector<double> kl(4);
            prior_kl(schedule, x0, t, kl);
            const long double alpha_bar = schedule.alpha_bar(t), log_noise = std::log1p(-alpha_bar);
            INFO(name << ", t = " << t);
            for (isize n = 0; n < 4; ++n) {
                const long double of_data = alpha_bar * x0.col(n).template cast<long double>().square().sum() / 2;
                CHECK(within(kl[static_cast<std::size_t>(n)], of_data - 35 * (alpha_bar + log_noise),
                             roundings<double>(74) * of_data + roundings<double>(6) * 35 * std::abs(log_noise)));
            }
        }
    }
}

}  // namespace ddpm::test
