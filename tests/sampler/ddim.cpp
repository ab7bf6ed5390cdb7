// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/ddim.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/gaussian_oracle.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

/// The factor of a quantity in the one assignment of a stage.
double factor_of(const sampling_plan& plan, quantity of, std::size_t stage = 0) {
    double factor = 0;
    for (const term& part : plan.stages().at(stage).then.at(0).terms) {
        factor += part.of == of ? part.factor : 0;
    }
    return factor;
}

}  // namespace

static_assert(Sampler<ddim>);

// Published: diffusers' DDIM variance tests, linear schedule. σ² there is that of η = 1.
TEST_CASE("the noise of a step has the published variance", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const auto variance = [&](isize t, isize s) {
        const double sigma =
            factor_of(ddim{.eta = 1}.plan(make_grid(schedule, std::vector<isize>{t, s})), quantity::noise);
        return sigma * sigma;
    };
    CHECK(std::abs(variance(420, 400) - 0.14771) < 1e-5);
    CHECK(std::abs(variance(980, 960) - 0.32460) < 1e-5);
    CHECK(std::abs(variance(487, 486) - 0.00979) < 1e-5);
    CHECK(std::abs(variance(999, 998) - 0.02) < 1e-4);
    CHECK(ddim{.eta = 1}.plan(make_grid(schedule, std::vector<isize>{0})).draws().empty());
    CHECK(ddim{.eta = 0}.plan(make_grid(schedule, std::vector<isize>{980, 960})).draws().empty());
}

TEMPLATE_TEST_CASE("eta = 1 over all steps, unclipped, is the ancestral sampler with the small variance", "[sampler]",
                   float, double) {
    using S = TestType;
    for (const auto& [name, schedule] : all_schedules()) {
        const sample_options options{.count = 4, .shape = 6, .seed = 5};
        const gaussian_oracle<noise_schedule<>> oracle{schedule, 0.3, 0.5};
        const batch<S> a = sample<S>(ancestral{.variance = reverse_variance::fixed_small}, schedule, oracle, options);
        const batch<S> b = sample<S>(ddim{.eta = 1}, schedule, oracle, options);
        INFO(name);
        // Both take 1 − ᾱ_s − σ² or 1 − ᾱ_t/ᾱ_s of numbers near 1, which leaves about twelve digits.
        CHECK(static_cast<double>((a - b).abs().maxCoeff()) < std::max(ulps<S>(100), 1e-10));
    }
}

TEST_CASE("a point is found in one step, and stays what it is without noise", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const auto point = [&](batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
        const auto [alpha, sigma] = noise_level_at(schedule, static_cast<isize>(t[0]));
        out.prediction.array() = (xt.array() - alpha * 0.25) / sigma;  // all data is 0.25
    };
    for (const isize steps : {1, 2, 50}) {
        const auto x = sample<double>(ddim{}, schedule, point, {.steps = steps, .count = 3, .shape = 2});
        CHECK((x - 0.25).abs().maxCoeff() < 1e-9);
    }
}

TEST_CASE("the last step may end at alpha_bar of t = 0", "[sampler]") {
    const noise_schedule schedule{linear_beta{.start = 0.01}, 10};
    const auto plan = ddim{}.plan(make_grid(schedule, std::vector<isize>{5, 0}, grid_end::least_noise));
    CHECK(factor_of(plan, quantity::x0, 1) == std::sqrt(schedule.alpha_bar(0)));
    CHECK(factor_of(plan, quantity::eps, 1) == std::sqrt(1 - schedule.alpha_bar(0)));
    const auto to_clean = ddim{}.plan(make_grid(schedule, std::vector<isize>{5, 0}));
    CHECK(factor_of(to_clean, quantity::x0, 1) == 1);
    CHECK(factor_of(to_clean, quantity::eps, 1) == 0);
}

TEST_CASE("ddim: what is outside its domain is an error", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const std::vector<isize> timesteps{5, 2};
    for (const double eta : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(ddim{.eta = eta}.plan(make_grid(schedule, timesteps)), value_error);
    }
    const time_grid rising = make_grid(schedule, timesteps).reversed();
    CHECK_THROWS_AS(ddim{.eta = 1}.plan(rising), value_error);
    CHECK_NOTHROW(ddim{}.plan(rising));
}

TEST_CASE("on any straight path ddim is Euler's method", "[sampler]") {
    // In σ/α: y = x/α, dy = ε d(σ/α). On the flow: x + (σ' − σ)(ε − x_0).
    const noise_level<double> from{0.6, 0.8}, to{0.8, 0.6};
    const double x0 = 0.3, eps = -1.1;
    const double x = from.signal * x0 + from.sigma * eps;
    const auto stepped = [&](const noise_level<double>& a, const noise_level<double>& b) {
        const auto plan = ddim{}.plan(time_grid({{1, a}, {0, b}}));
        return factor_of(plan, quantity::x0) * x0 + factor_of(plan, quantity::eps) * eps;
    };
    const double euler = to.signal * (x / from.signal + (noise_ratio(to) - noise_ratio(from)) * eps);
    CHECK(std::abs(stepped(from, to) - euler) < 1e-15);
    const noise_level<double> early{0.3, 0.7}, late{0.5, 0.5};
    const double on_flow = early.signal * x0 + early.sigma * eps;
    CHECK(std::abs(stepped(early, late) - (on_flow + (0.5 - 0.7) * (eps - x0))) < 1e-15);
}

}  // namespace ddpm::test
