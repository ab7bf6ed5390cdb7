// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>
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

/// The ᾱ_t of any NoiseSchedule, as a table.
template <std::floating_point Real>
struct alpha_bar_table {
    std::vector<Real> values;

    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(values.size()); }
    [[nodiscard]] Real alpha_bar(isize t) const { return values[static_cast<std::size_t>(t)]; }
};

/// A sampler's plans over the timesteps of one type of schedule.
template <class Schedule>
using schedule_plan = sampling_plan(const void* sampler, const Schedule& schedule, std::span<const isize> timesteps);

/// The plans of a sampler whose type is not known: over a grid, and, for samplers that have plans of their own over the
/// timesteps of some schedules, over those of every schedule that there is; else null. Functions and not virtual functions,
/// since compilers work on all of these wherever one may be called.
struct planner {
    sampling_plan (*over_grid)(const void* sampler, const time_grid& grid);
    schedule_plan<noise_schedule<exact_tables>>* over_exact;
    schedule_plan<noise_schedule<float32_tables>>* over_float32;
    schedule_plan<alpha_bar_table<double>>* over_double_table;
    schedule_plan<alpha_bar_table<float>>* over_float_table;

    template <class Schedule>
    [[nodiscard]] schedule_plan<Schedule>* over() const {
        if constexpr (std::same_as<Schedule, noise_schedule<exact_tables>>) {
            return over_exact;
        } else if constexpr (std::same_as<Schedule, noise_schedule<float32_tables>>) {
            return over_float32;
        } else if constexpr (std::same_as<Schedule, alpha_bar_table<double>>) {
            return over_double_table;
        } else {
            return over_float_table;
        }
    }
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

template <Sampler A>
constexpr planner make_planner() {
    using exact = noise_schedule<exact_tables>;
    using float32 = noise_schedule<float32_tables>;
    using double_table = alpha_bar_table<double>;
    using float_table = alpha_bar_table<float>;
    if constexpr (PlansTimestepsOf<A, exact> || PlansTimestepsOf<A, float32> || PlansTimestepsOf<A, double_table> ||
                  PlansTimestepsOf<A, float_table>) {
        return {plan_over_grid<A>, plan_over_schedule<A, exact>, plan_over_schedule<A, float32>,
                plan_over_schedule<A, double_table>, plan_over_schedule<A, float_table>};
    } else {
        return {plan_over_grid<A>, nullptr, nullptr, nullptr, nullptr};
    }
}

template <Sampler A>
inline constexpr planner planner_of = make_planner<A>();

}  // namespace detail

/// Any sampler, for choice at run time. Its plans over grids and over timesteps of a schedule are bit-equal to those of
/// the sampler that it holds. From a schedule that is not a noise_schedule the sampler receives only ᾱ.
class any_sampler {
public:
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
        const auto over_schedule = planner_->over<Schedule>();
        return over_schedule == nullptr ? plan(make_grid(schedule, timesteps))
                                        : over_schedule(sampler_.get(), schedule, timesteps);
    }

    std::shared_ptr<const void> sampler_;
    const detail::planner* planner_;
};

}  // namespace ddpm
