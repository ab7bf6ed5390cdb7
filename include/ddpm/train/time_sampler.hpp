// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/detail/normal_quantile.hpp>
#include <ddpm/train/detail/timestep_table.hpp>
#include <ddpm/train/timestep_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>

namespace ddpm {

/// A time of a continuous schedule, and how much the sample that gets it counts.
struct drawn_time {
    double t;
    double weight = 1;
};

/// Draws the times of a run in continuous time, as timestep_sampler does timesteps; it learns nothing. Each follows
/// from its address (seed, step, sample).
/// @determinism the same bits whatever the parts of a batch; the normal ones as far as the C library's functions are
/// the same
template <ContinuousSchedule Schedule>
class time_sampler {
public:
    /// Draws from `times`. The schedule is copied.
    /// @throws value_error for options outside their domain; unless the schedule has levels at both ends of the times,
    /// and σ/α rises between them; if the last is infinite, but for log-normal times that are biased and without a
    /// uniform part; for importance sampling, which needs timesteps; for log-normal times if the schedule does not know
    /// the time of a ratio, or the normal has no mass within the range
    time_sampler(const timestep_sampling& sampling, const Schedule& schedule, const time_range& times,
                 std::uint64_t seed)
        : sampling_((detail::require_valid(sampling), sampling)),
          schedule_(schedule),
          times_(times),
          noise_(seed, noise_stream::timestep) {
        const double low = log_ratio(times.first), high = std::isinf(times.last) ? HUGE_VAL : log_ratio(times.last);
        if (!(times.first < times.last) || !(low < high)) {
            throw value_error("time_sampler", "times", "a range over which sigma/alpha rises",
                              detail::text(times.first, " to ", times.last));
        }
        std::visit([&](const auto& options) { prepare(options, low, high); }, sampling_);
    }

    /// The time of a sample of a step's batch.
    /// @units step and sample are 0-based
    [[nodiscard]] drawn_time operator()(isize step, isize sample, isize batch) const {
        return std::visit([&](const auto& options) { return draw(options, step, sample, batch); }, sampling_);
    }

    /// Calls visit(t) for the first and the last time that may be drawn.
    template <class Visit>
    void visit_times(const Visit& visit) const {
        std::visit(
            [&](const auto& options) {
                for (const double s : {0x1p-53, 1 - 0x1p-53}) {
                    if constexpr (requires { options.deviation; }) {
                        if (!(options.uniform_probability > 0)) {
                            visit(normal_time(options, s));
                            continue;
                        }
                    }
                    visit(place(s));
                }
            },
            sampling_);
    }

    /// Whether samples have weights other than 1.
    [[nodiscard]] bool weighs() const noexcept { return unbiased_; }

    // What the trainer asks of samplers that learn.
    [[nodiscard]] static constexpr bool learns() noexcept { return false; }
    static void record(std::span<const double>, std::span<const double>) noexcept {}
    static void refresh() noexcept {}
    static void forget() noexcept {}
    template <class Self, class Visitor>
    static void visit_state(Self&, Visitor&&) noexcept {}

private:
    /// ln(σ/α): infinite at the ends.
    [[nodiscard]] double log_ratio(double u) const { return -half_log_snr(noise_level_at(schedule_, u)); }

    template <class Options>
    void prepare(const Options& options, double low, double high) {
        bool needs_end = true;
        if constexpr (std::same_as<Options, importance_timesteps>) {
            throw value_error("time_sampler", "sampling in continuous time", "any other",
                              "importance, which learns of each timestep");
        } else if constexpr (requires { options.deviation; }) {
            unbiased_ = options.unbiased;
            if constexpr (std::same_as<Options, log_normal_timesteps>) {
                needs_end = options.unbiased || options.uniform_probability > 0;
                low_ = (low - options.mean) / options.deviation;
                high_ = (high - options.mean) / options.deviation;
                if (!InvertibleSchedule<Schedule>) {
                    throw value_error("time_sampler", "schedule for log-normal times",
                                      "one that knows the time of sigma/alpha", "one without time_of");
                }
                if (!(mass() > std::numeric_limits<double>::min())) {
                    throw value_error("time_sampler", "mass of the normal within the times", "> 0", mass());
                }
            }
        }
        if (needs_end && std::isinf(times_.last)) {
            throw value_error("time_sampler", "last time", "a finite one: give trainer_options::times", times_.last);
        }
    }

    [[nodiscard]] drawn_time draw(const antithetic_timesteps&, isize step, isize sample, isize) const {
        const double s = unit(sample / 2 * 2, step);
        return {place(sample % 2 == 0 ? s : 1 - s)};
    }

    [[nodiscard]] drawn_time draw(const stratified_timesteps& o, isize step, isize sample, isize batch) const {
        return {place(detail::stratified_place(o, sample, batch, [&](isize n) { return unit(n, step); }))};
    }

    template <class Options>
    [[nodiscard]] drawn_time draw(const Options& o, isize step, isize sample, isize) const {
        const double s = unit(sample, step);
        if constexpr (requires { o.deviation; }) {
            const bool uniform = static_cast<double>(noise_.bits(sample, step, 0)) * 0x1p-32 < o.uniform_probability;
            const double t = uniform ? place(s) : normal_time(o, s);
            if (!o.unbiased) {
                return {t};
            }
            return {t, 1 / ((1 - o.uniform_probability) * density(o, t) + o.uniform_probability)};
        }
        return {place(s)};
    }

    /// The time below which a normal has the share s of its mass.
    [[nodiscard]] double normal_time(const log_normal_timesteps& o, double s) const {
        // Above the mean from above, where the masses are small.
        const double z = low_ > 0 ? -detail::normal_quantile(detail::normal_mass(high_, HUGE_VAL) + (1 - s) * mass())
                                  : detail::normal_quantile(detail::normal_mass(-HUGE_VAL, low_) + s * mass());
        double t = times_.first;
        if constexpr (InvertibleSchedule<Schedule>) {
            t = schedule_.time_of(std::exp(o.mean + o.deviation * std::clamp(z, low_, high_)));
        }
        return std::clamp(t, times_.first, times_.last);
    }
    [[nodiscard]] double normal_time(const logit_normal_timesteps& o, double s) const {
        return place(1 / (1 + std::exp(-(o.mean + o.deviation * detail::normal_quantile(s)))));
    }

    /// How much likelier than a uniform one a normal time is near t.
    [[nodiscard]] double density(const log_normal_timesteps& o, double t) const {
        const double per_time = -log_snr_slope_at(schedule_, t) / (2 * o.deviation) * (times_.last - times_.first);
        return detail::normal_density((log_ratio(t) - o.mean) / o.deviation) * per_time / mass();
    }
    [[nodiscard]] double density(const logit_normal_timesteps& o, double t) const {
        const double s = inner((t - times_.first) / (times_.last - times_.first));
        return detail::normal_density((std::log(s / (1 - s)) - o.mean) / o.deviation) / (o.deviation * s * (1 - s));
    }

    /// Of a log-normal within the range.
    [[nodiscard]] double mass() const { return detail::normal_mass(low_, high_); }

    /// A part of the range.
    [[nodiscard]] double place(double s) const {
        return std::clamp(times_.first + (times_.last - times_.first) * inner(s), times_.first, times_.last);
    }

    /// Never an end, where there may be no noise, or no signal.
    [[nodiscard]] static double inner(double s) { return std::clamp(s, 0x1p-53, 1 - 0x1p-53); }

    /// A uniform number of (0, 1); elements 0 and 1 of a sample are taken.
    [[nodiscard]] double unit(isize sample, isize step) const {
        const std::uint64_t bits = std::uint64_t{noise_.bits(sample, step, 2)} << 32 | noise_.bits(sample, step, 3);
        return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
    }

    timestep_sampling sampling_;
    Schedule schedule_;
    time_range times_;
    philox_noise noise_;
    bool unbiased_ = false;
    double low_ = 0, high_ = 0;  // of a log-normal, in deviations
};

}  // namespace ddpm
