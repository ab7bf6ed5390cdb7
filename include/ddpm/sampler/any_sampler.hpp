// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

namespace detail {

/// The ᾱ_t of any NoiseSchedule, as a table.
template <std::floating_point Real>
struct alpha_bar_table {
    std::vector<Real> values;

    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(values.size()); }
    [[nodiscard]] Real alpha_bar(isize t) const { return values[static_cast<std::size_t>(t)]; }
};

/// A sampler's plan over the timesteps of one type of schedule.
template <class Schedule>
using schedule_plan = sampling_plan(const void* sampler, const Schedule& schedule, std::span<const isize> timesteps);

/// The plans of a sampler of unknown type: over a grid, and over the timesteps of each type of schedule, null for
/// samplers that have none of their own. They are functions and not virtual functions, since a compiler would then
/// compile the plans of all samplers in a program that uses one.
struct planner {
    sampling_plan (*over_grid)(const void* sampler, const time_grid& grid);
    std::tuple<schedule_plan<noise_schedule<exact_tables>>*, schedule_plan<noise_schedule<float32_tables>>*,
               schedule_plan<alpha_bar_table<double>>*, schedule_plan<alpha_bar_table<float>>*>
        over_timesteps;
};

template <Sampler A>
void delete_sampler(const void* sampler) {
    delete static_cast<const A*>(sampler);
}

template <Sampler A>
sampling_plan plan_over_grid(const void* sampler, const time_grid& grid) {
    return static_cast<const A*>(sampler)->plan(grid);
}

template <Sampler A, class Schedule>
sampling_plan plan_over_schedule(const void* sampler, const Schedule& schedule, std::span<const isize> timesteps) {
    return make_plan(*static_cast<const A*>(sampler), schedule, timesteps);
}

template <class A, class Schedule>
concept PlansTimestepsOf = requires(const A& sampler, const Schedule& schedule, std::span<const isize> timesteps) {
    sampler.plan(schedule, timesteps);
};

template <Sampler A, class... Schedule>
constexpr planner make_planner(const std::tuple<schedule_plan<Schedule>*...>&) {
    if constexpr ((PlansTimestepsOf<A, Schedule> || ...)) {
        return {plan_over_grid<A>, {plan_over_schedule<A, Schedule>...}};
    } else {
        return {plan_over_grid<A>, {}};
    }
}

template <Sampler A>
inline constexpr planner planner_of = make_planner<A>(decltype(planner::over_timesteps){});

}  // namespace detail

/// Any sampler, for choice at run time. Its plans over grids and over timesteps of a schedule are bit-equal to those of
/// the sampler that it holds. From a schedule that is not a noise_schedule the sampler receives only ᾱ.
/// @accuracy as the sampler
class any_sampler {
public:
    /// Holds a copy of the sampler.
    template <class A>
        requires(Sampler<A> && !std::same_as<A, any_sampler>)
    any_sampler(A sampler)
        : sampler_(static_cast<const void*>(new A(std::move(sampler))), detail::delete_sampler<A>),
          planner_(&detail::planner_of<A>) {}

    /// @throws as the sampler does
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const { return planner_->over_grid(sampler_.get(), grid); }

    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1, and as the sampler does
    template <NoiseSchedule Schedule>
    [[nodiscard]] sampling_plan plan(const Schedule& schedule, std::span<const isize> timesteps) const {
        if constexpr (std::same_as<Schedule, noise_schedule<exact_tables>> ||
                      std::same_as<Schedule, noise_schedule<float32_tables>>) {
            return plan_as(schedule, timesteps);
        } else {
            using real = std::conditional_t<std::same_as<real_of<Schedule>, float>, float, double>;
            detail::alpha_bar_table<real> table;
            for (isize t = 0; t < static_cast<isize>(schedule.steps()); ++t) {
                table.values.push_back(static_cast<real>(schedule.alpha_bar(t)));
            }
            return plan_as(table, timesteps);
        }
    }

private:
    template <class Schedule>
    [[nodiscard]] sampling_plan plan_as(const Schedule& schedule, std::span<const isize> timesteps) const {
        const auto over_schedule = std::get<detail::schedule_plan<Schedule>*>(planner_->over_timesteps);
        return over_schedule == nullptr ? plan(make_grid(schedule, timesteps))
                                        : over_schedule(sampler_.get(), schedule, timesteps);
    }

    std::shared_ptr<const void> sampler_;
    const detail::planner* planner_;
};

}  // namespace ddpm
