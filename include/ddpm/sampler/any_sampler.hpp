// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

namespace detail {

/// What a NoiseSchedule says of itself, as a table.
template <std::floating_point Real>
struct alpha_bar_table {
    std::vector<Real> values;

    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(values.size()); }
    [[nodiscard]] Real alpha_bar(isize t) const { return values[static_cast<std::size_t>(t)]; }
};

/// The plans of a sampler whose type is not known: over a grid, and over timesteps of every schedule that there is, the
/// library's own as they are.
class planner {
public:
    virtual ~planner() = default;
    [[nodiscard]] virtual sampling_plan plan(const time_grid& grid) const = 0;
    [[nodiscard]] virtual sampling_plan plan(const noise_schedule<exact_tables>& schedule,
                                             std::span<const isize> timesteps) const {
        return plan(make_grid(schedule, timesteps));
    }
    [[nodiscard]] virtual sampling_plan plan(const noise_schedule<float32_tables>& schedule,
                                             std::span<const isize> timesteps) const {
        return plan(make_grid(schedule, timesteps));
    }
    [[nodiscard]] virtual sampling_plan plan(const alpha_bar_table<double>& schedule,
                                             std::span<const isize> timesteps) const {
        return plan(make_grid(schedule, timesteps));
    }
    [[nodiscard]] virtual sampling_plan plan(const alpha_bar_table<float>& schedule,
                                             std::span<const isize> timesteps) const {
        return plan(make_grid(schedule, timesteps));
    }
};

/// Those of a sampler that plans over grids only.
template <Sampler A>
class grid_planner final : public planner {
public:
    explicit grid_planner(A sampler) : sampler_(std::move(sampler)) {}

    using planner::plan;
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const override { return sampler_.plan(grid); }

private:
    A sampler_;
};

/// Those of a sampler that has plans of its own over timesteps of some schedules.
template <Sampler A>
class schedule_planner final : public planner {
public:
    explicit schedule_planner(A sampler) : sampler_(std::move(sampler)) {}

    [[nodiscard]] sampling_plan plan(const time_grid& grid) const override { return sampler_.plan(grid); }
    [[nodiscard]] sampling_plan plan(const noise_schedule<exact_tables>& schedule,
                                     std::span<const isize> timesteps) const override {
        return make_plan(sampler_, schedule, timesteps);
    }
    [[nodiscard]] sampling_plan plan(const noise_schedule<float32_tables>& schedule,
                                     std::span<const isize> timesteps) const override {
        return make_plan(sampler_, schedule, timesteps);
    }
    [[nodiscard]] sampling_plan plan(const alpha_bar_table<double>& schedule,
                                     std::span<const isize> timesteps) const override {
        return make_plan(sampler_, schedule, timesteps);
    }
    [[nodiscard]] sampling_plan plan(const alpha_bar_table<float>& schedule,
                                     std::span<const isize> timesteps) const override {
        return make_plan(sampler_, schedule, timesteps);
    }

private:
    A sampler_;
};

template <class A, class Schedule>
concept PlansTimestepsOf = requires(const A& sampler, const Schedule& schedule, std::span<const isize> timesteps) {
    sampler.plan(schedule, timesteps);
};

template <class A>
using planner_of = std::conditional_t<
    PlansTimestepsOf<A, noise_schedule<exact_tables>> || PlansTimestepsOf<A, noise_schedule<float32_tables>> ||
        PlansTimestepsOf<A, alpha_bar_table<double>> || PlansTimestepsOf<A, alpha_bar_table<float>>,
    schedule_planner<A>, grid_planner<A>>;

}  // namespace detail

/// Any sampler, for choice at run time. It plans what the sampler that it was made of plans, to the bit, over a grid and over
/// the timesteps of a schedule. Of a schedule that is not a noise_schedule a sampler is told ᾱ only.
class any_sampler {
public:
    template <class A>
        requires(Sampler<A> && !std::same_as<A, any_sampler>)
    any_sampler(A sampler)
        : planner_(static_cast<const detail::planner*>(new detail::planner_of<A>(std::move(sampler)))) {}

    /// @throws as the sampler does
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const { return planner_->plan(grid); }

    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1, and as the sampler does
    template <NoiseSchedule Schedule>
    [[nodiscard]] sampling_plan plan(const Schedule& schedule, std::span<const isize> timesteps) const {
        if constexpr (std::same_as<Schedule, noise_schedule<exact_tables>> ||
                      std::same_as<Schedule, noise_schedule<float32_tables>>) {
            return planner_->plan(schedule, timesteps);
        } else {
            using real = std::conditional_t<std::same_as<real_of<Schedule>, float>, float, double>;
            detail::alpha_bar_table<real> table;
            for (isize t = 0; t < static_cast<isize>(schedule.steps()); ++t) {
                table.values.push_back(static_cast<real>(schedule.alpha_bar(t)));
            }
            return planner_->plan(table, timesteps);
        }
    }

private:
    std::shared_ptr<const detail::planner> planner_;
};

}  // namespace ddpm
