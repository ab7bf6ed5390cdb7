// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/any_sampler.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"

#include <vector>

namespace ddpm::test {

static_assert(Sampler<any_sampler>);

TEST_CASE("samplers are chosen at run time", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<float> predictor;
    const sample_options options{.steps = 5, .count = 3, .shape = 4, .end = grid_end::least_noise};
    const std::vector<any_sampler> samplers{ancestral{}, ddim{}, ddim{.eta = 1}};
    const batch<float> expected[] = {sample(ancestral{}, schedule, predictor, options),
                                     sample(ddim{}, schedule, predictor, options),
                                     sample(ddim{.eta = 1}, schedule, predictor, options)};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK((sample(samplers[i], schedule, predictor, options) == expected[i]).all());
    }
    CHECK_FALSE((expected[0] == expected[1]).all());
    CHECK_THROWS_AS(sample(any_sampler(ddim{.eta = 2}), schedule, predictor, options), value_error);
}

}  // namespace ddpm::test
