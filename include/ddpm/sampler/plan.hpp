// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/process/variance.hpp>
// IWYU pragma: end_exports

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm {

/// The arrays in a plan's assignments, each D × N.
enum class quantity {
    x,             ///< the state; the network is evaluated at it
    base,          ///< a second state, for the value of x at the start of a step, which later assignments still use
    x0,            ///< the estimate of x_0 of an evaluation
    eps,           ///< the estimate of ε of an evaluation
    noise,         ///< the standard normals of a draw
    spread_noise,  ///< the same times the standard deviation from the variance head, see stage::variance
};

/// factor · quantity. Evaluations and draws are numbered from 0 in the order of the plan.
struct term {
    quantity of;
    double factor;
    isize number = 0;  ///< the evaluation or the draw

    /// factor · x.
    [[nodiscard]] static term x(double factor) { return {quantity::x, factor}; }
    /// factor · the second state.
    [[nodiscard]] static term base(double factor) { return {quantity::base, factor}; }
    /// factor · the estimate of x_0 of an evaluation, by its number.
    [[nodiscard]] static term x0(isize evaluation, double factor) { return {quantity::x0, factor, evaluation}; }
    /// factor · the estimate of ε of an evaluation, by its number.
    [[nodiscard]] static term eps(isize evaluation, double factor) { return {quantity::eps, factor, evaluation}; }
    /// factor · the standard normals of a draw, by its number.
    [[nodiscard]] static term noise(isize draw, double factor) { return {quantity::noise, factor, draw}; }
    /// factor · the standard normals of a draw, by its number, times the standard deviation from the variance head.
    [[nodiscard]] static term spread_noise(isize draw, double factor) { return {quantity::spread_noise, factor, draw}; }
};

/// target ← Σ terms. The target is x or base, and may be one of the terms.
struct assignment {
    quantity target;
    std::vector<term> terms;
};

/// An evaluation of the network at x, and the assignments between it and the next evaluation.
struct stage {
    isize step;                 ///< the step of the run, several evaluations may belong to one step
    double t;                   ///< the time passed to the network
    noise_level<double> level;  ///< of x
    std::vector<assignment> then{};
    std::optional<head_variance> variance{};  ///< of spread_noise, computed from the network's variance head
};

/// A draw of noise, with σ/α at the start and the end of its step, which a noise source such as a Brownian tree needs.
struct noise_draw {
    double from;
    double to;
    std::optional<double> kept{};  ///< for a step of the forward process, x ← kept · x + noise; else empty
};

/// The computation of a sampler over a grid, as data: a list of network evaluations and of linear combinations of their
/// results. A sampler builds it with the non-const members; afterwards it is immutable and may be shared between
/// threads.
class sampling_plan {
public:
    /// An empty plan over a grid.
    explicit sampling_plan(const time_grid& grid) : grid_(grid) {}

    /// Adds an evaluation of the network at x.
    /// @returns its number
    isize evaluate(isize step, const grid_point& at) {
        stages_.push_back({step, at.t, at.level});
        return static_cast<isize>(stages_.size()) - 1;
    }

    /// Adds target ← Σ terms after the last evaluation, or before the first. Two successive assignments to one target
    /// are merged into one.
    /// @throws value_error unless the target is x or base
    void set(quantity target, std::vector<term> terms) {
        if (target != quantity::x && target != quantity::base) {
            throw value_error("sampling_plan::set", "target", "x or base", "an estimate or a noise");
        }
        std::vector<assignment>& list = stages_.empty() ? before_ : stages_.back().then;
        if (!list.empty() && list.back().target == target) {
            list.back().terms = substitute(terms, list.back());
        } else {
            list.push_back({target, std::move(terms)});
        }
    }

    /// Sets how the standard deviation of spread_noise follows from the variance head of the last evaluation.
    /// @throws value_error if there is no evaluation
    void spread(const head_variance& variance) {
        if (stages_.empty()) {
            throw value_error("sampling_plan::spread", "number of evaluations", ">= 1", 0);
        }
        stages_.back().variance = variance;
    }

    /// Adds a draw of standard normals.
    /// @returns its number
    isize draw(const noise_level<double>& from, const noise_level<double>& to) {
        draws_.push_back({noise_ratio(from), noise_ratio(to)});
        return static_cast<isize>(draws_.size()) - 1;
    }

    /// Adds a step of the forward process, to more noise: x ← kept · x + deviation · z.
    void renoise(const noise_level<double>& from, const noise_level<double>& to, double kept, double deviation) {
        const isize z = draw(from, to);
        draws_.back().kept = kept;
        set(quantity::x, {term::x(kept), term::noise(z, deviation)});
    }

    [[nodiscard]] const time_grid& grid() const noexcept { return grid_; }

    /// The number of steps.
    [[nodiscard]] isize steps() const noexcept { return stages_.empty() ? 0 : stages_.back().step + 1; }

    /// The evaluations, number i at position i.
    [[nodiscard]] const std::vector<stage>& stages() const noexcept { return stages_; }

    /// The assignments before the first evaluation.
    [[nodiscard]] const std::vector<assignment>& before() const noexcept { return before_; }

    [[nodiscard]] const std::vector<noise_draw>& draws() const noexcept { return draws_; }

private:
    /// The terms with the last assignment's target replaced by its sum.
    [[nodiscard]] static std::vector<term> substitute(const std::vector<term>& terms, const assignment& last) {
        std::vector<term> all;
        for (const term& outer : terms) {
            if (outer.of != last.target) {
                all.push_back(outer);
                continue;
            }
            for (term inner : last.terms) {
                inner.factor *= outer.factor;
                all.push_back(inner);
            }
        }
        return all;
    }

    time_grid grid_;
    std::vector<assignment> before_;
    std::vector<stage> stages_;
    std::vector<noise_draw> draws_;
};

/// A sampler: a value that holds hyper-parameters and makes an immutable plan over a grid.
///
/// Notation in the samplers' docstrings: a step goes from x_t at the noise level (α_t, σ_t) to x_s at the next point of
/// the grid, (α_s, σ_s). ρ = σ/α, λ = ln(α/σ), h = λ_s − λ_t; x̂_0 and ε̂ are the estimates from the network at x_t, z
/// standard normals. If the variance is preserved, α = √ᾱ and σ = √(1 − ᾱ). Unless x̂_0 is clipped, x_t = α_t x̂_0 +
/// σ_t ε̂.
template <class A>
concept Sampler = requires(const A& sampler, const time_grid& grid) {
    { sampler.plan(grid) } -> std::same_as<sampling_plan>;
    { sampler.plan(time_grid(grid)) } -> std::same_as<sampling_plan>;
};

/// The plan of a sampler over a discrete schedule; each step goes to the next timestep in the list. If the sampler has
/// a member plan(schedule, timesteps) and the run ends at x_0, that member makes the plan.
/// @units timesteps are 0-based
/// @throws value_error unless the timesteps fall strictly within 0 … T − 1, and as the sampler does
template <Sampler A, NoiseSchedule Schedule>
[[nodiscard]] sampling_plan make_plan(const A& sampler, const Schedule& schedule, std::span<const isize> timesteps,
                                      grid_end end = grid_end::zero_noise) {
    if constexpr (requires { sampler.plan(schedule, timesteps); }) {
        if (end == grid_end::zero_noise) {
            return sampler.plan(schedule, timesteps);
        }
    }
    return sampler.plan(make_grid(schedule, timesteps, end));
}

namespace detail {

// Checks of the samplers' options and grids.

/// @throws value_error unless σ/α never rises over the grid
inline void require_falling_noise(std::string_view where, const time_grid& grid) {
    const double first = noise_ratio(grid[0].level), last = noise_ratio(grid[grid.steps()].level);
    if (first < last) {
        throw value_error(where, "noise of the grid", "falling from point to point",
                          text("from ", first, " to ", last));
    }
}

/// @throws value_error unless 0 ≤ s_noise ≤ 10⁶, so that floats do not overflow
inline void require_noise_factor(std::string_view where, double s_noise) {
    if (!(s_noise >= 0 && s_noise <= 1e6)) {
        throw value_error(where, "s_noise", "0 <= s_noise <= 1e6", s_noise);
    }
}

/// For a method without a highest order; twice this is still an isize.
inline constexpr isize any_order = std::numeric_limits<isize>::max() / 2;

/// @throws value_error unless lowest ≤ order ≤ highest
inline void require_order(std::string_view where, std::string_view what, isize order, isize lowest,
                          isize highest = any_order) {
    if (order < lowest || order > highest) {
        throw value_error(where, what, highest == any_order ? text(">= ", lowest) : text(lowest, " to ", highest),
                          order);
    }
}

}  // namespace detail

}  // namespace ddpm
