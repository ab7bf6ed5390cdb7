// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/gaussian_chain.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <concepts>

namespace ddpm::test {

TEST_CASE("chained single steps are the closed form", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        double scale = 1;
        double variance = 0;
        for (isize t = 0; t < schedule.steps(); ++t) {
            const auto step = transition_between(t == 0 ? 1.0 : schedule.alpha_bar(t - 1), schedule.alpha_bar(t));
            scale *= step.scale;
            variance = step.scale * step.scale * variance + step.variance;
            const auto closed = noise_level_of(schedule.alpha_bar(t));
            INFO(name << ", t = " << t);
            REQUIRE(std::abs(scale - closed.signal) < 1e-12);
            REQUIRE(std::abs(variance - closed.sigma * closed.sigma) < 1e-12);
        }
    }
}

TEST_CASE("two transitions make one", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const isize t = schedule.steps() - 1;
        for (isize r = 0; r < t; r += 1 + t / 7) {
            const double middle = schedule.alpha_bar(r);
            const auto first = transition_between(1.0, middle);
            const auto second = transition_between(middle, schedule.alpha_bar(t));
            const auto both = transition_between(1.0, schedule.alpha_bar(t));
            INFO(name << ", r = " << r);
            CHECK(std::abs(first.scale * second.scale - both.scale) < 1e-14);
            CHECK(std::abs(second.scale * second.scale * first.variance + second.variance - both.variance) < 1e-14);
        }
    }
}

// q(x_s|x_t, x_0) ∝ q(x_t|x_s) q(x_s|x_0): precisions add, and the mean is the precision-weighted sum.
TEST_CASE("the posterior is the Bayes product", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const auto timesteps = some_timesteps(schedule.steps());
        for (const isize t : timesteps) {
            for (const isize s : timesteps) {
                if (s >= t) {
                    continue;
                }
                INFO(name << ", s = " << s << ", t = " << t);
                const auto prior = noise_level_of(schedule.alpha_bar(s));
                const auto step = transition_between(schedule.alpha_bar(s), schedule.alpha_bar(t));
                const double precision = step.scale * step.scale / step.variance + 1 / (prior.sigma * prior.sigma);
                const auto posterior = posterior_between(schedule.alpha_bar(s), schedule.alpha_bar(t));
                CHECK(std::abs(posterior.variance * precision - 1) < 1e-9);
                CHECK(std::abs(posterior.xt - step.scale / step.variance / precision) < 1e-9);
                CHECK(std::abs(posterior.x0 - prior.signal / (prior.sigma * prior.sigma) / precision) < 1e-9);
            }
        }
    }
}

namespace {

/// Whether a number is within `count` roundings of Real of the exact one.
template <std::floating_point Real>
bool chain_near(Real got, long double exact, long double count) {
    return within(got, exact, roundings<Real>(count) * std::abs(exact));
}

}  // namespace

TEMPLATE_TEST_CASE("coefficients between two alpha_bars keep their bounds of roundings", "[schedule]", float, double) {
    using real = TestType;
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const real s = i % 3 == 0 ? real{1} : static_cast<real>(1 - random.of_any_size(1e-4, 1));
        const real t = s * static_cast<real>(1 - random.of_any_size(1e-5, 1));
        const long double alpha = static_cast<long double>(t) / s, beta = 1 - alpha;
        const long double noise_s = 1 - static_cast<long double>(s), noise_t = 1 - static_cast<long double>(t);
        INFO("from " << s << " to " << t);
        const auto step = transition_between(s, t);
        CHECK(chain_near(step.scale, std::sqrt(alpha), 2));
        CHECK(within(step.variance, beta, roundings<real>(1)));
        const auto posterior = posterior_between(s, t);
        const long double root = std::sqrt(static_cast<long double>(s));
        CHECK(chain_near(posterior.x0, root * beta / noise_t, 6 + 2 / beta));
        CHECK(chain_near(posterior.xt, std::sqrt(alpha) * noise_s / noise_t, 6));
        CHECK(chain_near(posterior.variance, noise_s / noise_t * beta, 6 + 2 / beta));
        const real given_beta = static_cast<real>(beta), given_alpha = static_cast<real>(alpha);
        const auto table = posterior_between(s, t, given_alpha, given_beta);
        CHECK(chain_near(table.x0, root * given_beta / noise_t, 6));
        CHECK(chain_near(table.xt, std::sqrt(static_cast<long double>(given_alpha)) * noise_s / noise_t, 6));
        CHECK(chain_near(table.variance, noise_s / noise_t * given_beta, 6));
        const real variance = static_cast<real>(random.of_any_size(1e-18, 1e3));
        CHECK(chain_near(clipped_log(variance), std::log(static_cast<long double>(variance)), 2));
    }
    CHECK(chain_near(clipped_log(real{0}), std::log(1e-20L), 2));
}

TEMPLATE_TEST_CASE("coefficients between two levels keep their bounds of roundings", "[schedule]", float, double) {
    using real = TestType;
    random_numbers random;
    const auto number = [&](double low, double high) { return static_cast<real>(random.of_any_size(low, high)); };
    for (int i = 0; i < 3000; ++i) {
        const noise_level<real> s{number(0.1, 1), number(1e-3, 1)};
        const noise_level<real> t{s.signal * number(0.1, 1), s.sigma * number(1, 1 + 1e-3 * (i % 2) + 10 * (i % 3))};
        const long double scale = static_cast<long double>(t.signal) / s.signal, part = scale * s.sigma;
        const long double variance = (t.sigma - part) * (t.sigma + part);
        const long double noise_s = static_cast<long double>(s.sigma) * s.sigma,
                          noise_t = static_cast<long double>(t.sigma) * t.sigma;
        if (!(variance > 0)) {
            continue;
        }
        const auto step = transition_between(s, t);
        CHECK(chain_near(step.scale, scale, 1));
        CHECK(within(step.variance, variance, roundings<real>(8) * noise_t));
        const auto posterior = posterior_between(s, t);
        CHECK(chain_near(posterior.x0, s.signal * variance / noise_t, 6 + 8 * noise_t / variance));
        CHECK(chain_near(posterior.xt, scale * noise_s / noise_t, 6));
        CHECK(chain_near(posterior.variance, noise_s / noise_t * variance, 6 + 8 * noise_t / variance));
    }
}

}  // namespace ddpm::test
