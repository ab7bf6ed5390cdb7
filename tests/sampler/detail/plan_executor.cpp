// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/plan_executor.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

std::optional<detail::fused_step<double>> fused(const std::vector<assignment>& assignments) {
    return detail::fused_step_of<double>(assignments, 3, {.x0_xt = 7});
}

TEST_CASE("one assignment to x in what its evaluation gives is computed in one pass", "[sampler]") {
    // Terms of one quantity are added.
    const auto step = fused({{quantity::x,
                              {term::x(0.5), term::x0(3, 0.25), term::eps(3, -2), term::noise(6, 0.125), term::x(1),
                               term::x0(3, 1), term::eps(3, 4)}}});
    REQUIRE(step);
    CHECK(step->coefficients.estimate.x0_xt == 7);
    CHECK(step->coefficients.xt == 1.5);
    CHECK(step->coefficients.x0 == 1.25);
    CHECK(step->coefficients.eps == 2);
    CHECK(step->coefficients.sigma == 0.125);
    CHECK(step->draw == 6);

    const auto without_noise = fused({{quantity::x, {term::x(0.5)}}});
    REQUIRE(without_noise);
    CHECK(without_noise->coefficients.sigma == 0);
    CHECK_FALSE(without_noise->draw);
}

TEST_CASE("other assignments are not computed in one pass", "[sampler]") {
    const assignment good{quantity::x, {term::x(1)}};
    CHECK_FALSE(fused({}));
    CHECK_FALSE(fused({good, good}));
    CHECK_FALSE(fused({{quantity::base, {term::x(1)}}}));
    for (const term& t : {term::x0(2, 1), term::eps(2, 1), term::x0(4, 1), term::base(1), term::spread_noise(3, 1)}) {
        CHECK_FALSE(fused({{quantity::x, {term::x(1), t}}}));
    }
    CHECK_FALSE(fused({{quantity::x, {term::noise(0, 1), term::noise(1, 1)}}}));
}

TEST_CASE("an element's place in its sample does not matter, also in samples of several blocks", "[sampler]") {
    struct constant_noise {
        void normal(batch_view<double> out, isize, isize) const { out.array() = 0.25; }
    };
    const auto predictor = [](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = xt.array() / 2;
        if (out.variance.size() > 0) {
            out.variance.array() = xt.array().sin();
        }
    };
    const noise_schedule schedule{cosine_beta{}, 20};
    const batch<double> start = pattern<double>(2 * kernels::block_elements + 100, 2, 1);
    for (const auto kind : {reverse_variance::fixed_small, reverse_variance::learned_range}) {
        const sampling_plan plan = make_plan(ancestral{.variance = kind}, schedule, std::vector<isize>{19, 10, 3});
        const auto end = [&](const batch<double>& from) {
            return denoise_from<double>(plan, predictor, batch<double>(from), constant_noise{});
        };
        CHECK((end(start.colwise().reverse()) == end(start).colwise().reverse()).all());
    }
}

}  // namespace
}  // namespace ddpm::test
