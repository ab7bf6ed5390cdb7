// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <concepts>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// One step of a one-step sampler: x ← x0 · x̂_0 + xt · x_t + eps · ε̂ + sigma · z.
struct update_step {
    index t;                  ///< 0-based timestep the step starts from
    marginal<double> level;   ///< of q(x_t|x_0)
    double x0;
    double xt;
    double eps;
    double sigma;             ///< 0: the step draws no noise
};

/// The coefficients of a step that goes straight from a prediction to the next x, without storing x̂_0 and ε̂.
/// @throws value_error as `denoise` does
template <Scalar S>
[[nodiscard]] kernels::reverse_coefficients<S> reverse_coefficients_of(const update_step& step, prediction kind,
                                                                       const denoise_options& options) {
    return {.estimate = denoise_coefficients_of<S>(kind, step.level, options),
            .x0 = static_cast<S>(step.x0),
            .xt = static_cast<S>(step.xt),
            .eps = static_cast<S>(step.eps),
            .sigma = static_cast<S>(step.sigma)};
}

/// The steps of a sampler over a schedule and a list of timesteps, the noisiest first: immutable, shared between
/// threads.
class one_step_plan {
public:
    explicit one_step_plan(std::vector<update_step> steps) : steps_(std::move(steps)) {}

    [[nodiscard]] index steps() const noexcept { return static_cast<index>(steps_.size()); }
    [[nodiscard]] const update_step& operator[](index k) const { return steps_[static_cast<std::size_t>(k)]; }

    /// Takes step k in place. z is read only if the step's sigma is not 0.
    /// @shape x, the pair and z D × N
    template <Scalar S>
    void advance(index k, batch_view<S> x, const denoised<S>& estimate, batch_view<const S> z) const {
        const update_step& step = (*this)[k];
        const S c_x0 = static_cast<S>(step.x0), c_xt = static_cast<S>(step.xt);
        const S c_eps = static_cast<S>(step.eps), sigma = static_cast<S>(step.sigma);
        kernels::for_each_block(x.rows(), x.columns(), [&](index n, index first, index last) {
            S* const out = x.column(n) + first;
            const S* const x0 = estimate.x0.column(n) + first;
            const S* const eps = estimate.eps.column(n) + first;
            if (sigma != 0) {
                kernels::linear_combination(last - first, {c_x0, c_xt, c_eps, sigma},
                                            {x0, out, eps, z.column(n) + first}, out);
            } else {
                kernels::linear_combination(last - first, {c_x0, c_xt, c_eps}, {x0, out, eps}, out);
            }
        });
    }

private:
    std::vector<update_step> steps_;
};

/// A sampler is a value that holds hyper-parameters and makes an immutable plan for a schedule and falling timesteps.
template <class A, class Schedule>
concept Sampler = requires(const A& sampler, const Schedule& schedule, std::span<const index> timesteps) {
    { sampler.plan(schedule, timesteps) } -> std::convertible_to<one_step_plan>;
};

}  // namespace ddpm
