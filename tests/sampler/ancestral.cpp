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

static_assert(Sampler<ancestral>);
static_assert(!Sampler<int>);

TEMPLATE_TEST_CASE("a step is the posterior's mean plus noise of the chosen variance", "[sampler]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(4, 3, 1), z = pattern<S>(4, 3, 3);
    const batch<S> xt = pattern<S>(4, 3, 4);
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<index> timesteps = some_timesteps(schedule.steps());
        std::reverse(timesteps.begin(), timesteps.end());
        const index last = static_cast<index>(timesteps.size()) - 1;
        for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
            const sampling_plan chain = ancestral{.variance = kind}.plan(schedule, timesteps);
            const sampling_plan levels = ancestral{.variance = kind}.plan(make_grid(schedule, timesteps));
            REQUIRE(chain.steps() == last + 1);
            for (index k = 0; k <= last; ++k) {
                const index t = timesteps[static_cast<std::size_t>(k)];
                const index s = k == last ? clean : timesteps[static_cast<std::size_t>(k + 1)];
                const double deviation = k == last ? 0 : std::sqrt(reverse_variance_at(schedule, kind, t, s));
                const batch<S> expected = q_posterior(schedule, x0, xt, t, s).mean + static_cast<S>(deviation) * z;
                INFO(name << ", step " << k);
                for (const sampling_plan* const plan : {&chain, &levels}) {
                    const stage& now = plan->stages()[static_cast<std::size_t>(k)];
                    CHECK(now.t == static_cast<double>(t));
                    batch<S> x = batch<S>::Zero(4, 3);
                    for (const term& part : now.then.at(0).terms) {
                        const batch<S>& value = part.of == quantity::x0 ? x0 : part.of == quantity::x ? xt : z;
                        x += static_cast<S>(part.factor) * value;
                    }
                    // Levels know β only as a difference of numbers near 1.
                    const double tolerance = plan == &chain ? ulps<S>(8) : std::max(ulps<S>(8), 1e-10);
                    CHECK(static_cast<double>((x - expected).abs().maxCoeff()) < tolerance);
                }
            }
            CHECK(chain.draws().size() == static_cast<std::size_t>(last));
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
