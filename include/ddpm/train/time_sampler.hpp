// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/detail/timestep_sampler.hpp>
#include <ddpm/train/time_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <variant>

namespace ddpm {

namespace detail {

/// Draws the times of a continuous schedule, as timestep_sampler draws timesteps.
template <ContinuousSchedule Schedule>
class continuous_time_sampler {
public:
    continuous_time_sampler(const time_sampling& sampling, const Schedule& schedule, std::uint64_t seed,
                            const time_range& times)
        : sampling_((require_valid(sampling), sampling)),
          normal_(normal_of(sampling)),
          schedule_(schedule),
          times_(times),
          noise_(seed, noise_stream::timestep) {
        const double low = log_ratio(times.first), high = std::isinf(times.last) ? HUGE_VAL : log_ratio(times.last);
        detail::require(times.first < times.last && low < high, "time_sampler", "times",
                        {"a range over which sigma/alpha rises"}, {times.first, " to ", times.last});
        detail::require(!std::holds_alternative<importance_times>(sampling), "time_sampler",
                        "sampling in continuous time", {"any other"}, {"importance, which learns of each timestep"});
        bool needs_end = true;
        if (normal_ && normal_->of_log_ratio) {
            needs_end = normal_->unbiased || normal_->uniform_probability > 0;
            low_ = normal_->standardized(low);
            high_ = normal_->standardized(high);
            detail::require(InvertibleSchedule<Schedule>, "time_sampler", "schedule for log-normal times",
                            {"one that knows the time of sigma/alpha"}, {"one without time_of"});
            detail::require(mass() > std::numeric_limits<double>::min(), "time_sampler",
                            "mass of the normal within the times", {"> 0"}, {mass()});
        }
        detail::require(!needs_end || !std::isinf(times_.last), "time_sampler", "last time",
                        {"a finite one: give trainer_options::times"}, {times_.last});
    }

    /// Draws the time of a sample of a step.
    /// @units step and sample are 0-based
    [[nodiscard]] drawn_time<double> operator()(isize step, isize sample, isize batch) const {
        if (normal_) {
            const double p = normal_->uniform_probability, s = unit(sample, step);
            const bool uniform = static_cast<double>(noise_.bits(sample, step, 0)) * 0x1p-32 < p;
            const double t = uniform ? place(s) : normal_time(s);
            return {t, normal_->unbiased ? 1 / ((1 - p) * density(t) + p) : 1};
        }
        if (std::holds_alternative<antithetic_times>(sampling_)) {
            const double s = unit(sample / 2 * 2, step);
            return {place(sample % 2 == 0 ? s : 1 - s)};
        }
        if (const auto* stratified = std::get_if<stratified_times>(&sampling_)) {
            return {
                place(stratified_place(stratified->one_offset, sample, batch, [&](isize n) { return unit(n, step); }))};
        }
        return {place(unit(sample, step))};
    }

    /// Calls visit(t) for the smallest and the largest time that can be drawn.
    void visit_times(function_ref<void(double)> visit) const {
        for (const double s : {0x1p-53, 1 - 0x1p-53}) {
            visit(normal_ && !(normal_->uniform_probability > 0) ? normal_time(s) : place(s));
        }
    }

    [[nodiscard]] bool weighs() const noexcept { return normal_ && normal_->unbiased; }

    // A continuous sampler has no importance sampling: the following do nothing.
    [[nodiscard]] static constexpr bool learns() noexcept { return false; }
    static void record(std::span<const double>, std::span<const double>) noexcept {}
    static void refresh() noexcept {}
    static void forget() noexcept {}
    template <class Self, class Visitor>
    static void visit_state(Self&, Visitor&&) noexcept {}

private:
    /// ln(σ/α), infinite where σ or α is 0.
    [[nodiscard]] double log_ratio(double u) const { return -half_log_snr(noise_level_at(schedule_, u)); }

    /// The time at which the cumulative distribution of the normal is s.
    [[nodiscard]] double normal_time(double s) const {
        if (!normal_->of_log_ratio) {
            return place(1 / (1 + std::exp(-(normal_->mean + normal_->deviation * normal_quantile(s)))));
        }
        // Above the mean the upper tail is used, where the probabilities are small and exact.
        const double z = low_ > 0 ? -normal_quantile(normal_mass(high_, HUGE_VAL) + (1 - s) * mass())
                                  : normal_quantile(normal_mass(-HUGE_VAL, low_) + s * mass());
        double t = times_.first;
        if constexpr (InvertibleSchedule<Schedule>) {
            t = schedule_.time_of(std::exp(normal_->mean + normal_->deviation * std::clamp(z, low_, high_)));
        }
        return std::clamp(t, times_.first, times_.last);
    }

    /// The density of the normal times at t, relative to the uniform density.
    [[nodiscard]] double density(double t) const {
        const double d = normal_->deviation;
        if (normal_->of_log_ratio) {
            const double per_time = -log_snr_slope_at(schedule_, t) / (2 * d) * (times_.last - times_.first);
            return normal_density(normal_->standardized(log_ratio(t))) * per_time / mass();
        }
        const double s = inner((t - times_.first) / (times_.last - times_.first));
        return normal_density(normal_->standardized(std::log(s / (1 - s)))) / (d * s * (1 - s));
    }

    /// The probability of the range under the log-normal.
    [[nodiscard]] double mass() const { return normal_mass(low_, high_); }

    [[nodiscard]] double place(double s) const {
        return std::clamp(times_.first + (times_.last - times_.first) * inner(s), times_.first, times_.last);
    }

    /// Keeps s away from the ends 0 and 1, where σ or α may be 0.
    [[nodiscard]] static double inner(double s) { return std::clamp(s, 0x1p-53, 1 - 0x1p-53); }

    /// A uniform number in (0, 1).
    [[nodiscard]] double unit(isize sample, isize step) const {
        return (static_cast<double>(time_bits(noise_, sample, step) >> 12) + 0.5) * 0x1p-52;
    }

    time_sampling sampling_;
    std::optional<normal_times> normal_;
    Schedule schedule_;
    time_range times_;
    philox_noise noise_;
    double low_ = 0, high_ = 0;  // the range in standard deviations of the log-normal
};

}  // namespace detail

/// Draws the times of training batches, for continuous and (below) discrete schedules. Each time depends on its address
/// (seed, step, sample) and, with importance sampling, on the losses recorded before. Members: see the base classes.
/// @accuracy from the random words: uniform, antithetic and stratified times of a continuous schedule at most 8 roundings
/// (2⁻⁵³) of |first| + |last|, with one_offset around the ends of the range; normal quantiles within 2e-14 (1 + |quantile|);
/// unbiased weights, for deviations near 1 and except next to an end of the range, relative 1e-4
/// @determinism the same bits for every division into micro-batches; the normal ones if the C library is the same
template <NoiseProcess Schedule, Scalar S = float>
class time_sampler : public detail::continuous_time_sampler<Schedule> {
public:
    /// Draws from the range `times`, by default all times of the schedule. The schedule is copied.
    /// @throws value_error for options outside their domain; unless σ/α is defined at both ends of the range and rises
    /// between them; if the last time is infinite, except for biased log-normal times without a uniform part; for
    /// importance sampling; for log-normal times if the schedule is not an InvertibleSchedule, or the range has
    /// probability 0
    time_sampler(const time_sampling& sampling, const Schedule& schedule, std::uint64_t seed,
                 const std::optional<time_range>& times = {})
        : detail::continuous_time_sampler<Schedule>(sampling, schedule, seed, times.value_or(times_of(schedule))) {}
};

template <NoiseSchedule Schedule, Scalar S>
class time_sampler<Schedule, S> : public detail::timestep_sampler<S> {
public:
    /// @throws value_error for options outside their domain, if a weight is not finite, or if a range of times is given
    time_sampler(const time_sampling& sampling, const Schedule& schedule, std::uint64_t seed,
                 const std::optional<time_range>& times = {})
        : detail::timestep_sampler<S>(
              sampling, schedule.steps(), [&](isize t) { return static_cast<double>(schedule.alpha_bar(t)); }, seed) {
        if (times) {
            throw value_error("time_sampler", "times", "none: the schedule has timesteps",
                              detail::text(times->first, " to ", times->last));
        }
    }
};

}  // namespace ddpm
