// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/timesteps.hpp>
#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// Options of `sample`.
struct sample_options {
    isize steps = 0;                                        ///< 0: all of the schedule's
    isize count = 1;                                        ///< N
    sample_shape shape{};                                   ///< not needed if the predictor has a shape()
    std::uint64_t seed = 0;                                 ///< of the noise
    timestep_spacing spacing = timestep_spacing::trailing;  ///< of the timesteps
    std::vector<isize> timesteps{};                ///< falling, 0-based; unless empty, replaces steps and spacing
    grid_end end = grid_end::zero_noise;           ///< the end point of the last step
    std::optional<double> clip_x0{};               ///< clamps the estimate of x_0 to [−c, c]
    bool clip_epsilon = false;                     ///< recomputes ε from the clamped x_0
    std::optional<dynamic_threshold> threshold{};  ///< clamps the estimate of x_0 by a quantile
    isize first_sample = 0;                        ///< column n uses the noise of sample first_sample + n
};

/// Denoises given samples from the plan's first point to its end.
/// @shape x D × N
/// @returns D × N; if the callback stopped the run, the last estimate of x_0
/// @throws value_error for options outside their domain; if the plan uses an evaluation, a draw or a variance that it
/// does not contain, or the variance head of a predictor that writes none; if samples or steps are outside the noise
/// source's range of addresses; where x_0 or ε does not follow from the prediction
/// @throws what the predictor, the noise or the callback throw
/// @accuracy rounding as sampling_run; the error of the method as the sampler says
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> denoise_from(const sampling_plan& plan, P&& predictor, batch<S> x, Noise&& noise,
                                    const denoise_options& options = {}, const step_callback<S>& on_step = {},
                                    isize first_sample = 0) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    sampling_run<S, std::remove_reference_t<P>, std::remove_reference_t<Noise>> run(
        plan, predictor, noise, std::move(x), options, first_sample);
    while (!run.done()) {
        run.step(on_step);
    }
    return std::move(run).take();
}

/// The standard deviation of x at the start of a run, for data of standard deviation 1: √(α² + σ²), which is 1 if the
/// variance is preserved.
/// @accuracy 2 ε, or 1 where α² + σ² is within 1e-6 of it
[[nodiscard]] inline double initial_deviation(const noise_level<double>& level) {
    const double square = level.signal * level.signal + level.sigma * level.sigma;
    return std::abs(square - 1) < 1e-6 ? 1 : std::sqrt(square);
}

/// The scalar type of samples: the requested one, or the predictor's if that is void.
template <class Requested, class P>
using sample_scalar = std::conditional_t<std::is_void_v<Requested>, predictor_scalar<P>, Requested>;

namespace detail {

/// The shape of a sample, from the options or the predictor.
template <class P>
[[nodiscard]] sample_shape shape_to_sample(const P& predictor, const sample_options& options) {
    const sample_shape shape = options.shape.size() != 0 ? options.shape : shape_of(predictor).value_or(sample_shape{});
    if (shape.size() <= 0) {
        throw shape_error("sample", "shape of a sample", "options.shape, or a predictor that knows it", shape.size());
    }
    if (const auto known = shape_of(predictor); known && known->size() != shape.size()) {
        throw shape_error("sample", "size of a sample", known->size(), shape.size());
    }
    if (options.count < 0) {
        throw value_error("sample", "number of samples", ">= 0", options.count);
    }
    return shape;
}

}  // namespace detail

/// @throws value_error if an option is set that chooses timesteps of a schedule
inline void require_no_timesteps(const sample_options& options) {
    const sample_options unset;
    if (options.steps != unset.steps || options.spacing != unset.spacing || !options.timesteps.empty() ||
        options.end != unset.end) {
        throw value_error("sample", "steps, spacing, timesteps and end", "unset: the plan or the grid has the steps",
                          "set");
    }
}

/// The samples at the start of a run: the noise's first normals times `deviation`, such as initial_deviation.
/// @shape returns D × N with D = shape.size() and N = count
/// @throws shape_error if neither the options nor the predictor have a shape, or their sizes differ; value_error if count
/// is negative, or as the noise source
/// @accuracy one rounding more than the normals
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> initial_samples(const P& predictor, const sample_options& options, Noise&& noise,
                                       double deviation) {
    batch<S> x(detail::shape_to_sample(predictor, options).size(), options.count);
    noise.normal(batch_view<S>(x), 0, options.first_sample);
    if (deviation != 1) {
        x *= static_cast<S>(deviation);
    }
    return x;
}

namespace detail {

/// sample() by a plan, whichever way it was made.
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> sample_plan(const sampling_plan& plan, P&& predictor, const sample_options& options,
                                   Noise&& noise, const step_callback<S>& on_step) {
    static_cast<void>(signatures<S, P, Noise>{});
    batch<S> x = initial_samples<S>(predictor, options, noise, initial_deviation(plan.grid()[0].level));
    return denoise_from<S>(plan, predictor, std::move(x), noise,
                           {options.clip_x0, options.clip_epsilon, options.threshold}, on_step, options.first_sample);
}

}  // namespace detail

/// The timesteps of the options.
/// @throws value_error as make_timesteps
template <NoiseSchedule Schedule>
[[nodiscard]] std::vector<isize> timesteps_of(const Schedule& schedule, const sample_options& options) {
    const isize steps = options.steps == 0 ? static_cast<isize>(schedule.steps()) : options.steps;
    return options.timesteps.empty() ? make_timesteps(schedule.steps(), steps, options.spacing) : options.timesteps;
}

/// Draws samples: x_T from noise, then the plan's steps. The scalar type is the predictor's `scalar`, or float if it
/// has none; `sample<double>(…)` sets another. The options steps, spacing, timesteps and end are those of schedules: here
/// the plan says where the steps are.
/// @shape returns D × N with D = shape.size() and N = count
/// @throws value_error for options outside their domain, or that only schedules have; shape_error if neither the options
/// nor the predictor have a shape, or their sizes differ
/// @determinism the same seed gives the same bits for every thread count; a sample does not depend on the others
/// @accuracy as denoise_from
/// @source Ho et al. 2020, arXiv 2006.11239, algorithm 2
template <class Requested = void, class P, class Noise, Scalar S = sample_scalar<Requested, P>>
    requires NoiseSource<Noise, S>
[[nodiscard]] batch<S> sample(const sampling_plan& plan, P&& predictor, const sample_options& options, Noise&& noise,
                              const std::type_identity_t<step_callback<S>>& on_step = {}) {
    require_no_timesteps(options);
    return detail::sample_plan<S>(plan, predictor, options, noise, on_step);
}

/// As above, by a sampler over the options' timesteps of a discrete schedule.
template <class Requested = void, Sampler A, NoiseSchedule Schedule, class P, class Noise,
          Scalar S = sample_scalar<Requested, P>>
    requires NoiseSource<Noise, S>
[[nodiscard]] batch<S> sample(const A& sampler, const Schedule& schedule, P&& predictor, const sample_options& options,
                              Noise&& noise, const std::type_identity_t<step_callback<S>>& on_step = {}) {
    return detail::sample_plan<S>(make_plan(sampler, schedule, timesteps_of(schedule, options), options.end), predictor,
                                  options, noise, on_step);
}

/// As above, by a sampler over any grid, which has the steps: the options must not choose them.
template <class Requested = void, Sampler A, class P, class Noise, Scalar S = sample_scalar<Requested, P>>
    requires NoiseSource<Noise, S>
[[nodiscard]] batch<S> sample(const A& sampler, const time_grid& grid, P&& predictor, const sample_options& options,
                              Noise&& noise, const std::type_identity_t<step_callback<S>>& on_step = {}) {
    return sample<S>(sampler.plan(grid), predictor, options, noise, on_step);
}

/// The overloads above with the default noise: the Philox stream `sampler` of options.seed.
template <class Requested = void, class P, Scalar S = sample_scalar<Requested, P>>
[[nodiscard]] batch<S> sample(const sampling_plan& plan, P&& predictor, const sample_options& options = {},
                              const std::type_identity_t<step_callback<S>>& on_step = {}) {
    return sample<S>(plan, predictor, options, philox_noise(options.seed, noise_stream::sampler), on_step);
}

template <class Requested = void, Sampler A, class ScheduleOrGrid, class P, Scalar S = sample_scalar<Requested, P>>
    requires(NoiseSchedule<ScheduleOrGrid> || std::same_as<ScheduleOrGrid, time_grid>)
[[nodiscard]] batch<S> sample(const A& sampler, const ScheduleOrGrid& schedule, P&& predictor,
                              const sample_options& options = {},
                              const std::type_identity_t<step_callback<S>>& on_step = {}) {
    return sample<S>(sampler, schedule, predictor, options, philox_noise(options.seed, noise_stream::sampler), on_step);
}

namespace detail {

/// As `signatures`, for the arguments that make a plan.
template <class A, class ScheduleOrGrid>
struct plan_signatures {
    static_assert(Sampler<A>,
                  "ddpm: wanted is a sampler with a member sampling_plan plan(const time_grid& grid) const");
    static_assert(
        NoiseSchedule<ScheduleOrGrid> || std::same_as<ScheduleOrGrid, time_grid>,
        "ddpm: wanted, after the sampler, is a time_grid or a schedule with const members steps() and alpha_bar(t)");
};

/// An argument in the position of the noise source that is neither a noise source nor a callback.
template <class Given, class S>
concept NeitherNoiseNorCallback = !NoiseSource<Given, S> && !std::convertible_to<Given, step_callback<S>>;

}  // namespace detail

/// Refuses a batch of another scalar than S: the compiler's first error says what is wanted.
template <Scalar S, class P, BatchLike X, class... Rest>
    requires(!std::same_as<scalar_of<X>, S>)
batch<S> denoise_from(const sampling_plan&, P&&, const X&, Rest&&...) {
    static_assert(std::same_as<scalar_of<X>, S>,
                  "ddpm: wanted, after the predictor, is a batch of S in denoise_from<S>(...)");
    return {};
}

/// Refuses an argument that is neither a noise source nor a callback: the compiler's first error says what is wanted.
template <class Requested = void, class P, class Given, class... Rest, Scalar S = sample_scalar<Requested, P>>
    requires detail::NeitherNoiseNorCallback<Given, S>
batch<S> sample(const sampling_plan&, P&&, const sample_options&, Given&&, const Rest&...) {
    static_cast<void>(detail::signatures<S, P, Given>{});
    return {};
}

/// Refuses an argument that is neither a noise source nor a callback: the compiler's first error says what is wanted.
template <class Requested = void, Sampler A, class ScheduleOrGrid, class P, class Given, class... Rest,
          Scalar S = sample_scalar<Requested, P>>
    requires(NoiseSchedule<ScheduleOrGrid> || std::same_as<ScheduleOrGrid, time_grid>) &&
            detail::NeitherNoiseNorCallback<Given, S>
batch<S> sample(const A&, const ScheduleOrGrid&, P&&, const sample_options&, Given&&, const Rest&...) {
    static_cast<void>(detail::signatures<S, P, Given>{});
    return {};
}

/// Refuses what is no sampler, or no schedule or grid: the compiler's first error says what is wanted.
template <class Requested = void, class A, class ScheduleOrGrid, class P, class... Rest>
    requires(!(Sampler<A> && (NoiseSchedule<ScheduleOrGrid> || std::same_as<ScheduleOrGrid, time_grid>)) &&
             !std::same_as<A, sampling_plan> && !std::same_as<std::remove_cvref_t<P>, sample_options>)
batch<float> sample(const A&, const ScheduleOrGrid&, P&&, const sample_options& = {}, const Rest&...) {
    static_cast<void>(detail::plan_signatures<A, ScheduleOrGrid>{});
    return {};
}

}  // namespace ddpm
