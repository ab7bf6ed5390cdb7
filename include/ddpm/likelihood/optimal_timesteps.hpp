// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/likelihood/step_cost.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ddpm {

/// A sub-sequence of timesteps and its total cost.
struct timestep_sequence {
    std::vector<isize> timesteps;  ///< 0-based, the noisiest first
    double cost;                   ///< the sum over all steps, including the last one to x_0
};

/// The cheapest sub-sequences of 1, 2, … timesteps out of 0 … T − 1. Each starts at T − 1, so that all have the same
/// initial noise and the same L_T.
class optimal_sequences {
public:
    /// Finds them for all counts up to `most`, by dynamic programming from x_0 upwards. A step from t to s costs
    /// cost(t, s), with s = `clean` for the last step to x_0; +∞ forbids it. On ties the lowest s is taken.
    /// @param cost called once for each pair, concurrently
    /// @param progress called for each t; it may stop the search
    /// @throws value_error unless 1 ≤ most ≤ T, or if a cost is NaN or −∞
    /// @accuracy a cost: at most `count` roundings (2⁻⁵³) of the sum of the |cost| of its steps. Another sub-sequence is
    /// cheaper at most by such roundings of both
    /// @determinism the same for every thread count
    /// @complexity O(most · T²) time, in parallel; O(most · T) memory
    /// @source Watson et al. 2021, arXiv 2106.03802
    template <class Cost>
        requires std::is_invocable_r_v<double, const Cost&, isize, isize>
    optimal_sequences(isize steps, isize most, const Cost& cost, const measurement_callback& progress = {})
        : steps_(steps), most_(most) {
        if (steps < 1) {
            throw value_error("optimal_sequences", "number of timesteps", ">= 1", steps);
        }
        require_count("optimal_sequences", most, steps);
        constexpr double forbidden = std::numeric_limits<double>::infinity();
        // least_(t, k): the lowest cost of k + 1 steps from t to x_0, which needs k timesteps below t.
        least_.assign(static_cast<std::size_t>(detail::element_count("optimal_sequences", {steps, most})), forbidden);
        next_.assign(least_.size(), clean);
        std::vector<double> costs(static_cast<std::size_t>(steps));
        detail::measurement work(progress, static_cast<double>(steps) * static_cast<double>(steps + 1) / 2);
        for (isize t = 0; t < steps; ++t) {
            least_[at(t, 0)] = checked(cost, t, clean);
            parallel_for(t, 512, [&](isize first, isize last) {
                for (isize s = first; s < last; ++s) {
                    costs[static_cast<std::size_t>(s)] = checked(cost, t, s);
                }
            });
            const isize grain = std::max<isize>(1, 16384 / (t + 1));
            parallel_for(std::min(most - 1, t), grain, [&](isize first, isize last) {
                for (isize k = first + 1; k <= last; ++k) {
                    double least = forbidden;
                    isize next = clean;
                    for (isize s = k - 1; s < t; ++s) {
                        const double sum = costs[static_cast<std::size_t>(s)] + least_[at(s, k - 1)];
                        if (sum < least) {
                            least = sum;
                            next = s;
                        }
                    }
                    least_[at(t, k)] = least;
                    next_[at(t, k)] = next;
                }
            });
            if (!work.add(static_cast<double>(t + 1)) && t + 1 < steps) {
                finished_ = false;
                return;
            }
        }
    }

    /// Whether the search was completed.
    [[nodiscard]] bool finished() const noexcept { return finished_; }

    /// T, the number of timesteps.
    [[nodiscard]] isize steps() const noexcept { return steps_; }

    /// The largest count.
    [[nodiscard]] isize most() const noexcept { return most_; }

    /// The cost of the cheapest sub-sequence of `count` timesteps; ∞ if all are forbidden, NaN after a stopped search.
    /// @throws value_error unless 1 ≤ count ≤ most
    [[nodiscard]] double cost(isize count) const {
        require_count("optimal_sequences", count, most_);
        return finished_ ? least_[at(steps_ - 1, count - 1)] : std::numeric_limits<double>::quiet_NaN();
    }

    /// The cheapest sub-sequence of `count` timesteps; empty with cost NaN if the search was stopped.
    /// @throws value_error unless 1 ≤ count ≤ most, or if all are forbidden
    [[nodiscard]] timestep_sequence operator[](isize count) const {
        if (const double least = cost(count); !finished_) {
            return {{}, least};
        }
        if (!(cost(count) < std::numeric_limits<double>::infinity())) {
            throw value_error("optimal_sequences", detail::text("sub-sequence of ", count, " timesteps"),
                              "one whose steps are allowed", "none");
        }
        timestep_sequence sequence{{steps_ - 1}, cost(count)};
        for (isize k = count - 1; k > 0; --k) {
            sequence.timesteps.push_back(next_[at(sequence.timesteps.back(), k)]);
        }
        return sequence;
    }

private:
    // k · T + t, so that sums over s read memory in order.
    [[nodiscard]] std::size_t at(isize t, isize k) const { return static_cast<std::size_t>(k * steps_ + t); }

    static void require_count(std::string_view where, isize count, isize largest) {
        if (count < 1 || count > largest) {
            throw value_error(where, "number of timesteps in a sub-sequence", detail::text("1 <= count <= ", largest),
                              count);
        }
    }

    template <class Cost>
    static double checked(const Cost& cost, isize t, isize s) {
        const double value = cost(t, s);
        if (!(value > -std::numeric_limits<double>::infinity())) {
            throw value_error("optimal_sequences", detail::text("cost of the step from ", t, " to ", s),
                              "a number above -infinity", value);
        }
        return value;
    }

    isize steps_;
    isize most_;
    bool finished_ = true;
    std::vector<double> least_;
    std::vector<isize> next_;
};

/// The cheapest sub-sequence of `count` timesteps out of T = `steps`, as `optimal_sequences` finds it.
/// @units timesteps are 0-based
/// @throws value_error unless 1 ≤ count ≤ T, if a cost is NaN or −∞, or if all sub-sequences are forbidden
/// @accuracy as optimal_sequences
template <class Cost>
    requires std::is_invocable_r_v<double, const Cost&, isize, isize>
[[nodiscard]] timestep_sequence optimal_timesteps(isize steps, isize count, const Cost& cost,
                                                  const measurement_callback& progress = {}) {
    return optimal_sequences(steps, count, cost, progress)[count];
}

/// The sub-sequence of `count` timesteps with the lowest variational bound, given the mean squared error of x̂_0 at
/// each t. Its cost is exactly the bound without L_T: a term depends only on the prediction at x_t, whose distribution
/// is the same in every sub-sequence.
/// @param x0_error E|x_0 − x̂_0(x_t)|² / D for t = 0 … T − 1
/// @units t is 0-based; nats per dimension
/// @throws shape_error unless there is one error for each t; value_error unless 1 ≤ count ≤ T, and as `step_cost`
/// @accuracy of a step as step_cost, of the sum as optimal_sequences
/// @source Watson et al. 2021, arXiv 2106.03802
template <NoiseSchedule Schedule>
[[nodiscard]] timestep_sequence optimal_timesteps(const Schedule& schedule, std::span<const double> x0_error,
                                                  isize count, const step_cost_options& options = {},
                                                  const measurement_callback& progress = {}) {
    const step_cost cost(schedule, x0_error, options);
    return optimal_timesteps(schedule.steps(), count, cost, progress);
}

}  // namespace ddpm
