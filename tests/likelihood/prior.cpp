// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/prior.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/process/forward.hpp>

#include "support/catch.hpp"
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

}  // namespace ddpm::test
