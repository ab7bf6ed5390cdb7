// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
// IWYU pragma: end_exports
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm {

/// What a plan computes with: D × N each.
enum class quantity {
    x,             ///< the state, which the network is evaluated at
    base,          ///< a second state, which a plan keeps where x moves away from it
    x0,            ///< the estimate of x_0 of an evaluation
    eps,           ///< the estimate of ε of an evaluation
    noise,         ///< standard normals of a draw
    spread_noise,  ///< the same times the deviation that the stage's variance has from the network's head
};

/// factor · quantity. Evaluations and draws are numbered from 0, in the order in which the plan makes them.
struct term {
    quantity of;
    double factor;
    isize number = 0;  ///< of the evaluation or the draw

    [[nodiscard]] static term x(double factor) { return {quantity::x, factor}; }
    [[nodiscard]] static term base(double factor) { return {quantity::base, factor}; }
    [[nodiscard]] static term x0(isize evaluation, double factor) { return {quantity::x0, factor, evaluation}; }
    [[nodiscard]] static term eps(isize evaluation, double factor) { return {quantity::eps, factor, evaluation}; }
    [[nodiscard]] static term noise(isize draw, double factor) { return {quantity::noise, factor, draw}; }
    [[nodiscard]] static term spread_noise(isize draw, double factor) { return {quantity::spread_noise, factor, draw}; }
};

/// target ← Σ terms, where the target is x or base, and may be one of the terms.
struct assignment {
    quantity target;
    std::vector<term> terms;
};

/// An evaluation of the network at x, and what is computed from it until the next.
struct stage {
    isize step;                 ///< the step that it belongs to
    double t;                   ///< the model's time
    noise_level<double> level;  ///< of x there
    std::vector<assignment> then{};
    std::optional<head_variance> variance{};  ///< of its spread_noise; with it the network's variance head is read
};

/// A draw of noise: where it lies on the way, the σ/α of its step's ends, which a noise source that is a path in time needs,
/// and whether it is the reverse chain's or of the forward process.
struct noise_draw {
    double from;
    double to;
    std::optional<double> kept{};  ///< of the forward process: x ← kept · x + noise
};

/// What a sampler does over a grid, as data: a list of evaluations and of linear combinations of what they gave. Immutable,
/// shared between threads. Made with the functions below, then only read.
class sampling_plan {
public:
    /// Begins the plan of a run over a grid.
    explicit sampling_plan(const time_grid& grid) : grid_(grid) {}

    /// Adds an evaluation of the network at x.
    /// @returns its number
    isize evaluate(isize step, const grid_point& at) {
        stages_.push_back({step, at.t, at.level});
        return static_cast<isize>(stages_.size()) - 1;
    }

    /// Adds target ← Σ terms after the last evaluation, or before the first. Two in a row to the same target become one.
    void set(quantity target, std::vector<term> terms) {
        std::vector<assignment>& list = stages_.empty() ? before_ : stages_.back().then;
        if (!list.empty() && list.back().target == target) {
            list.back().terms = substitute(terms, list.back());
        } else {
            list.push_back({target, std::move(terms)});
        }
    }

    /// Says how the last evaluation's variance head gives the deviation of spread_noise.
    void spread(const head_variance& variance) { stages_.back().variance = variance; }

    /// Adds a draw of standard normals.
    /// @returns its number
    isize draw(const noise_level<double>& from, const noise_level<double>& to) {
        draws_.push_back({noise_ratio(from), noise_ratio(to)});
        return static_cast<isize>(draws_.size()) - 1;
    }

    /// Adds a step of the forward process, back to more noise: x ← kept · x + deviation · z.
    void renoise(const noise_level<double>& from, const noise_level<double>& to, double kept, double deviation) {
        const isize z = draw(from, to);
        draws_.back().kept = kept;
        set(quantity::x, {term::x(kept), term::noise(z, deviation)});
    }

    [[nodiscard]] const time_grid& grid() const noexcept { return grid_; }

    /// The number of steps that its evaluations belong to.
    [[nodiscard]] isize steps() const noexcept { return stages_.empty() ? 0 : stages_.back().step + 1; }

    /// The evaluations, number i at position i.
    [[nodiscard]] const std::vector<stage>& stages() const noexcept { return stages_; }

    /// What is computed before the first evaluation.
    [[nodiscard]] const std::vector<assignment>& before() const noexcept { return before_; }

    [[nodiscard]] const std::vector<noise_draw>& draws() const noexcept { return draws_; }

private:
    /// The terms with what was just assigned in place of its target.
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

/// A sampler is a value that holds hyper-parameters and makes an immutable plan over a grid. The samplers' docstrings
/// write a step as one from x_t at the level (α_t, σ_t) to x_s at that of the next point of the grid, (α_s, σ_s), with
/// ρ = σ/α, λ = ln(α/σ), h = λ_s − λ_t, the estimates x̂_0 and ε̂ that an evaluation at x_t gives, and standard normals
/// z. With preserved variance α = √ᾱ and σ = √(1 − ᾱ). Where x̂_0 is not limited, x_t = α_t x̂_0 + σ_t ε̂.
template <class A>
concept Sampler = requires(const A& sampler, const time_grid& grid) {
    { sampler.plan(grid) } -> std::same_as<sampling_plan>;
    { sampler.plan(time_grid(grid)) } -> std::same_as<sampling_plan>;
};

/// The plan of a sampler over a discrete schedule; each step goes to the next timestep in the list. A sampler that has a plan
/// of its own over timesteps, plan(schedule, timesteps), is asked for that where the run ends at x_0.
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

// What samplers require of their options and grids.

/// @throws value_error unless σ/α never rises over the grid, as a stochastic step and an inversion need
inline void require_falling_noise(std::string_view where, const time_grid& grid) {
    const double first = noise_ratio(grid[0].level), last = noise_ratio(grid[grid.steps()].level);
    if (first < last) {
        throw value_error(where, "noise of the grid", "falling from point to point",
                          text("from ", first, " to ", last));
    }
}

/// @throws value_error unless 0 ≤ s_noise ≤ 10⁶, a factor of noise with which floats do not overflow
inline void require_noise_factor(std::string_view where, double s_noise) {
    if (!(s_noise >= 0 && s_noise <= 1e6)) {
        throw value_error(where, "s_noise", "0 <= s_noise <= 1e6", s_noise);
    }
}

/// No limit to an order; twice it is still an isize.
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
