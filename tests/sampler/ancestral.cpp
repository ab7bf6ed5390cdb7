// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/ancestral.hpp>

#include <ddpm/process/posterior.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ddpm::test {

static_assert(Sampler<ancestral, noise_schedule<>>);
static_assert(Sampler<ancestral, noise_schedule<float32_tables>>);
static_assert(Sampler<ancestral, schedule_archetype>);
static_assert(!Sampler<int, noise_schedule<>>);

TEMPLATE_TEST_CASE("a step is the posterior's mean plus noise of the chosen variance", "[sampler]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(4, 3, 1), eps = pattern<S>(4, 3, 2), z = pattern<S>(4, 3, 3);
    const batch<S> xt = pattern<S>(4, 3, 4);
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<index> timesteps = some_timesteps(schedule.steps());
        std::reverse(timesteps.begin(), timesteps.end());
        const index last = static_cast<index>(timesteps.size()) - 1;
        for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
            const one_step_plan plan = ancestral{.variance = kind}.plan(schedule, timesteps);
            REQUIRE(plan.steps() == last + 1);
            for (index k = 0; k <= last; ++k) {
                const index t = timesteps[static_cast<std::size_t>(k)];
                const index s = k == last ? clean : timesteps[static_cast<std::size_t>(k + 1)];
                batch<S> x = xt;
                batch<S> x0_copy = x0, eps_copy = eps;
                plan.advance<S>(k, x, {x0_copy, eps_copy}, z);
                const double deviation = k == last ? 0 : std::sqrt(reverse_variance_at(schedule, kind, t, s));
                const batch<S> expected = q_posterior(schedule, x0, xt, t, s).mean + static_cast<S>(deviation) * z;
                INFO(name << ", step " << k);
                CHECK(plan[k].t == t);
                CHECK(static_cast<double>((x - expected).abs().maxCoeff()) < ulps<S>(8));
            }
            CHECK(plan[last].sigma == 0);
        }
    }
}

TEST_CASE("ancestral: a list that is not falling is an error", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 10};
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<index>{1, 2}), value_error);
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<index>{10}), value_error);
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<index>{}), value_error);
}

}  // namespace ddpm::test
