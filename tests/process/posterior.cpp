// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/posterior.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <utility>
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

namespace {

/// The posterior as Bayes' rule has it: precisions add up, from q(x_s|x_0) and from q(x_t|x_s) as a function of x_s.
void check_bayes(const noise_level<double>& s, const transition<double>& step, double x0, double xt, double mean,
                 double variance, double tolerance) {
    const double prior = 1 / (s.sigma * s.sigma), likelihood = step.scale * step.scale / step.variance;
    const double expected = (prior * s.signal * x0 + step.scale / step.variance * xt) / (prior + likelihood);
    CHECK(std::abs(mean - expected) < tolerance * (1 + std::abs(expected)));
    CHECK(std::abs(variance * (prior + likelihood) - 1) < tolerance);
}

template <class Schedule>
void check_bayes(const Schedule& schedule, double s, double t) {
    const batch<double> x0 = pattern<double>(4, 3, 1), xt = pattern<double>(4, 3, 2);
    const auto [mean, variance, log_variance] = q_posterior(schedule, x0, xt, t, s);
    INFO(s << " from " << t);
    for (isize n = 0; n < 3; ++n) {
        CHECK(std::abs(log_variance(n) - std::log(variance(n))) < 1e-12);
        for (isize i = 0; i < 4; ++i) {
            check_bayes(schedule.level(s), transition_at(schedule, s, t), x0(i, n), xt(i, n), mean(i, n), variance(n),
                        1e-12);
        }
    }
}

}  // namespace

TEST_CASE("the posterior is what Bayes' rule makes of the forward process", "[process]") {
    for (const auto& [s, t] : {std::pair{0.001, 0.002}, {0.1, 0.9}, {0.5, 0.501}, {0.9, 1.0}}) {
        check_bayes(variance_preserving{}, s, t);
        check_bayes(rectified_flow{}, s, t);
        check_bayes(log_snr_schedule{cosine_log_snr{}}, s, t);
        check_bayes(variance_exploding{}, s, t);
    }
    check_bayes(variance_exploding{}, 0.002, 80);
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {t / 2 - 1, t - 1}) {
                if (s == clean) {
                    continue;
                }
                const auto [mean, variance, log_variance] = q_posterior(schedule, batch<double>::Constant(1, 1, 0.7),
                                                                        batch<double>::Constant(1, 1, -1.2), t, s);
                INFO(name << ", " << s << " from " << t);
                check_bayes(noise_level_at(schedule, s), transition_at(schedule, s, t), 0.7, -1.2, mean(0, 0),
                            variance(0), 1e-11);
            }
        }
    }
}

TEST_CASE("a continuous schedule with the levels of a discrete one has its posterior", "[process]") {
    const batch<double> x0 = pattern<double>(4, 3, 1), xt = pattern<double>(4, 3, 2);
    for (const auto& [name, schedule] : all_schedules()) {
        const sampled_levels levels{&schedule};
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {clean, t / 2 - 1, t - 1}) {
                const auto expected = q_posterior(schedule, x0, xt, t, s);
                const auto got = q_posterior(levels, x0, xt, static_cast<double>(t), static_cast<double>(s));
                INFO(name << ", " << s << " from " << t);
                // Both know β as a difference of numbers of the size of 1.
                const double tolerance = 1e-15 / transition_at(schedule, s, t).variance;
                CHECK((got.mean - expected.mean).abs().maxCoeff() < 16 * tolerance);
                CHECK(std::abs(got.variance(0) - expected.variance(0)) <= 8 * tolerance * expected.variance(0));
            }
        }
    }
}

TEST_CASE("a posterior in continuous time reaches x0 itself, and starts at noise alone", "[process]") {
    const batch<float> x0 = pattern<float>(4, 3, 1), xt = pattern<float>(4, 3, 2);
    const auto data = q_posterior(rectified_flow{}, x0, xt, 0.5, 0);
    CHECK((data.mean == x0).all());
    CHECK((data.variance == 0.0F).all());
    CHECK(std::abs(data.log_variance(0) - std::log(1e-20F)) < 1e-5F);
    const auto noise = q_posterior(rectified_flow{}, x0, xt, 1, 0.25);
    CHECK((noise.mean == 0.75F * x0).all());
    CHECK((noise.variance == 0.0625F).all());
    const std::vector<double> t{0.2, 0.5, 1}, s{0, 0.4, 0.5};
    const auto each = q_posterior(rectified_flow{}, x0, xt, t, s);
    CHECK((each.mean.col(1) == q_posterior(rectified_flow{}, x0.col(1), xt.col(1), 0.5, 0.4).mean.col(0)).all());
    CHECK_THROWS_AS(q_posterior(rectified_flow{}, x0, xt, 0.5, 0.5), value_error);
    CHECK_THROWS_AS(q_posterior(rectified_flow{}, x0, xt, 1.5, 0.5), value_error);
    CHECK_THROWS_AS(q_posterior(rectified_flow{}, x0, xt, 0.5, std::vector<double>{0, 0.1}), shape_error);
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
    CHECK_THROWS_WITH(q_posterior(schedule, x, x, 3, 3), Catch::Matchers::StartsWith("q_posterior"));
    const std::vector<isize> t{3, 5};
    for (const std::vector<isize>& s : {std::vector<isize>{3, 4}, std::vector<isize>{2, 5}}) {
        CHECK_THROWS_AS(q_posterior(schedule, x, x, t, s), value_error);
        CHECK_THROWS_WITH(q_posterior(schedule, x, x, t, s), Catch::Matchers::StartsWith("q_posterior"));
    }
}

TEMPLATE_TEST_CASE("the posterior's mean keeps its bound of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> x0 = random.values<S>(50, 1), xt = random.values<S>(50, 1);
    const auto check = [&](const auto& schedule, auto t, auto s) {
        const auto [mean, variance, log_variance] = q_posterior(schedule, x0, xt, t, s);
        const auto c = posterior_at(schedule, s, t);
        CHECK(variance(0) == static_cast<S>(reverse_variance_at(schedule, reverse_variance::fixed_small, t, s)));
        CHECK(log_variance(0) ==
              static_cast<S>(reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, s)));
        for (isize i = 0; i < 50; ++i) {
            const long double a = static_cast<long double>(c.x0) * x0(i), b = static_cast<long double>(c.xt) * xt(i);
            CHECK(within(mean(i), a + b, roundings<S>(3) * (std::abs(a) + std::abs(b))));
        }
    };
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const isize t : {0, 1, 50, 99}) {
        check(schedule, t, t - 1);
        check(schedule, t, clean);
        check(noise_schedule<float32_tables>{cosine_beta{}, 100}, t, t - 1);
    }
    for (const double t : {0.01, 0.3, 1.0}) {
        check(variance_preserving{}, t, t / 2);
        check(rectified_flow{}, t, t / 2);
    }
}

}  // namespace ddpm::test
