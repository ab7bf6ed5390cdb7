// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/any_sampler.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <utility>
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

namespace {

/// Whether two plans are the same, to the bit.
bool same(const sampling_plan& a, const sampling_plan& b) {
    const auto same_terms = [](const std::vector<assignment>& one, const std::vector<assignment>& other) {
        return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                          [](const assignment& x, const assignment& y) {
                              return x.target == y.target &&
                                     std::equal(x.terms.begin(), x.terms.end(), y.terms.begin(), y.terms.end(),
                                                [](const term& t, const term& u) {
                                                    return t.of == u.of && t.factor == u.factor && t.number == u.number;
                                                });
                          });
    };
    return same_terms(a.before(), b.before()) && a.draws().size() == b.draws().size() &&
           std::equal(a.stages().begin(), a.stages().end(), b.stages().begin(), b.stages().end(),
                      [&](const stage& x, const stage& y) {
                          const auto sizes = [](const stage& s) {
                              return s.variance ? std::pair(s.variance->log_small, s.variance->log_large)
                                                : std::pair(0.0, 0.0);
                          };
                          return x.step == y.step && x.t == y.t && x.level.signal == y.level.signal &&
                                 x.level.sigma == y.level.sigma && same_terms(x.then, y.then) && sizes(x) == sizes(y);
                      });
}

/// A schedule of the user's own.
template <std::floating_point Real>
struct own_schedule {
    [[nodiscard]] isize steps() const { return 40; }
    [[nodiscard]] Real alpha_bar(isize t) const { return 1 - static_cast<Real>(t + 1) / Real(41); }
};

/// A sampler that plans over the library's schedules only, by their β.
struct planner_of_beta {
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const { return ddim{}.plan(grid); }
    template <TablePolicy Tables>
    [[nodiscard]] sampling_plan plan(const noise_schedule<Tables>& schedule, std::span<const isize> timesteps) const {
        sampling_plan out(make_grid(schedule, timesteps));
        out.evaluate(0, out.grid()[0]);
        out.set(quantity::x, {term::x(static_cast<double>(schedule.beta(timesteps[0])))});
        return out;
    }
};

template <Sampler A>
void check_erased(const A& sampler) {
    const std::vector<isize> timesteps{39, 25, 10, 3};
    const any_sampler erased(sampler), twice{any_sampler(erased)};
    const auto check_over = [&](const auto& schedule) {
        CHECK(same(make_plan(twice, schedule, timesteps), make_plan(sampler, schedule, timesteps)));
        CHECK(same(make_plan(twice, schedule, timesteps, grid_end::least_noise),
                   make_plan(sampler, schedule, timesteps, grid_end::least_noise)));
    };
    check_over(noise_schedule<exact_tables>{linear_beta{}, 40});
    check_over(noise_schedule<float32_tables>{linear_beta{}, 40});
    check_over(own_schedule<double>{});
    check_over(own_schedule<float>{});
}

}  // namespace

TEST_CASE("any_sampler plans over the timesteps of any schedule what its sampler plans", "[sampler]") {
    check_erased(ancestral{});
    check_erased(ancestral{.variance = reverse_variance::learned_range});
    check_erased(ddim{.eta = 1});
    check_erased(planner_of_beta{});
    const noise_schedule<float32_tables> schedule{linear_beta{}, 1000};
    const predictor_archetype<float> predictor;
    const sample_options options{.steps = 50, .count = 2, .shape = 16};
    const batch<float> expected = sample(ancestral{}, schedule, predictor, options);
    CHECK((sample(any_sampler(ancestral{}), schedule, predictor, options) == expected).all());
    CHECK((sample(sampler_by_name("ancestral"), schedule, predictor, options) == expected).all());
    const time_grid grid = make_grid(schedule, timesteps_of(schedule, options));
    CHECK_FALSE((sample(ancestral{}, grid, predictor, {.count = 2, .shape = 16}) == expected).all());
}

}  // namespace ddpm::test
