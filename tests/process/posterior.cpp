// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/posterior.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the posterior has the table's coefficients", "[process]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(4, 6, 1);
    const batch<S> xt = pattern<S>(4, 6, 2);
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<isize> t = some_timesteps(schedule.steps());
        t.resize(6, 0);
        const auto [mean, variance, log_variance] = q_posterior(schedule, x0, xt, t);
        for (isize n = 0; n < 6; ++n) {
            const auto& entry = schedule[t[static_cast<std::size_t>(n)]];
            INFO(name << ", sample " << n);
            CHECK(std::abs(static_cast<double>(variance(n)) - entry.posterior.variance) < ulps<S>(4));
            CHECK(std::abs(static_cast<double>(log_variance(n)) - entry.posterior_log_variance) <
                  ulps<S>(32) + 1e-9 * std::abs(entry.posterior_log_variance));
            for (isize i = 0; i < 4; ++i) {
                const double expected = entry.posterior.x0 * static_cast<double>(x0(i, n)) +
                                        entry.posterior.xt * static_cast<double>(xt(i, n));
                CHECK(std::abs(static_cast<double>(mean(i, n)) - expected) < ulps<S>(4) + 1e-10);
            }
        }
    }
}

TEST_CASE("the posterior of a sub-sequence includes that of neighbours", "[process]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<double> x0 = pattern<double>(4, 3, 1);
    const batch<double> xt = pattern<double>(4, 3, 2);
    const std::vector<isize> t{0, 1, 60};
    const std::vector<isize> s{clean, 0, 59};
    const auto neighbours = q_posterior(schedule, x0, xt, t);
    const auto general = q_posterior(schedule, x0, xt, t, s);
    CHECK((neighbours.mean == general.mean).all());
    CHECK((neighbours.variance == general.variance).all());
    CHECK((neighbours.log_variance == general.log_variance).all());
    const auto jump = q_posterior(schedule, x0, xt, 60, 20);
    CHECK(jump.variance(0) > neighbours.variance(2));
    CHECK((q_posterior(schedule, x0, xt, 60, clean).mean == x0).all());
}

TEST_CASE("the smallest schedule has a posterior", "[process]") {
    const batch<float> x = pattern<float>(2, 2, 1);
    CHECK(q_posterior(schedule_archetype{}, x, x, 4).mean.allFinite());
    CHECK(q_posterior(schedule_archetype{}, x, x, 9, 4).mean.allFinite());
}

TEST_CASE("posterior: into memory that is there", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x0 = pattern<float>(3, 2, 1), xt = pattern<float>(3, 2, 2);
    gaussian_moments<float> out{batch<float>::Zero(3, 2), per_sample_values<float>::Zero(2),
                                per_sample_values<float>::Zero(2)};
    const float* const memory = out.mean.data();
    q_posterior(schedule, x0, xt, 4, out);
    const auto expected = q_posterior(schedule, x0, xt, 4);
    CHECK(out.mean.data() == memory);
    CHECK((out.mean == expected.mean).all());
    CHECK((out.variance == expected.variance).all());
    CHECK((out.log_variance == expected.log_variance).all());
    q_posterior(schedule, x0, xt, 4, 1, out);
    CHECK((out.mean == q_posterior(schedule, x0, xt, 4, 1).mean).all());
    CHECK_THROWS_AS(q_posterior(schedule, x0, xt, 4, 4, out), value_error);
    CHECK((out.mean == q_posterior(schedule, x0, xt, 4, 1).mean).all());
}

TEST_CASE("posterior: shapes and times that do not fit are errors", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1);
    const std::vector<isize> three{1, 2, 3};
    CHECK_THROWS_AS(q_posterior(schedule, x, pattern<float>(2, 2, 1), 1), shape_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, three), shape_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, 5, three), shape_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, 10), value_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, -1), value_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, 3, 3), value_error);
    CHECK_THROWS_AS(q_posterior(schedule, x, x, 3, -2), value_error);
}

}  // namespace ddpm::test
