// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/concept.hpp>

#include <concepts>

namespace ddpm::detail {

/// What a run is made of has the signatures that it needs; the first error of the compiler names the one that is wanted.
template <class S, class P, class Noise = philox_noise>
struct signatures {
    static_assert(PredictorLike<P, S>,
                  "ddpm: wanted is a predictor that is called as "
                  "predictor(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out), or that has a "
                  "const member session(samples) which returns one; S is float unless the predictor names its `scalar` or a "
                  "call asks for another, as sample<double>(...) does");
    static_assert(NoiseSource<Noise, S>,
                  "ddpm: wanted is a noise source with a member normal(batch_view<S> out, isize step, isize first_sample), "
                  "or in its place a callback that is called as bool(const sample_step<S>& step)");
};

/// The same of what plans are made of.
template <class A, class ScheduleOrGrid>
struct plan_signatures {
    static_assert(Sampler<A>, "ddpm: wanted is a sampler with a member sampling_plan plan(const time_grid& grid) const");
    static_assert(NoiseSchedule<ScheduleOrGrid> || std::same_as<ScheduleOrGrid, time_grid>,
                  "ddpm: wanted, after the sampler, is a time_grid or a schedule with const members steps() and alpha_bar(t)");
};

}  // namespace ddpm::detail
