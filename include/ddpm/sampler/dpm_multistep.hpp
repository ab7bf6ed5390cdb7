// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_multistep.hpp>
#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace ddpm {

/// The quantity that a DPM-Solver integrates. Names as in diffusers, with pp for ++.
enum class dpm_algorithm {
    dpmsolver,         ///< ε, of the ordinary differential equation (Lu et al. 2022, arXiv 2206.00927)
    dpmsolver_pp,      ///< x_0, of the ordinary differential equation (Lu et al. 2022, arXiv 2211.01095)
    sde_dpmsolver,     ///< ε, of the stochastic differential equation
    sde_dpmsolver_pp,  ///< x_0, of the stochastic differential equation
};

/// The integral of the linear interpolation through two estimates.
enum class dpm_solver_type {
    midpoint,  ///< half of the exponential's integral times the slope
    heun,      ///< exact
};

namespace detail {

[[nodiscard]] constexpr bool is_stochastic(dpm_algorithm algorithm) noexcept {
    return algorithm == dpm_algorithm::sde_dpmsolver || algorithm == dpm_algorithm::sde_dpmsolver_pp;
}

[[nodiscard]] constexpr quantity integrand_of(dpm_algorithm algorithm) noexcept {
    return algorithm == dpm_algorithm::dpmsolver || algorithm == dpm_algorithm::sde_dpmsolver ? quantity::eps
                                                                                              : quantity::x0;
}

[[nodiscard]] constexpr slope_moment slope_of(dpm_solver_type type) noexcept {
    return type == dpm_solver_type::midpoint ? slope_moment::half_of_mean : slope_moment::exact;
}

/// The stochasticity τ of an algorithm whose τ² is η.
/// @throws value_error unless η ≥ 0, and σ/α never rises if the algorithm is stochastic
[[nodiscard]] inline double stochasticity(std::string_view where, dpm_algorithm algorithm, double eta,
                                          const time_grid& grid) {
    if (!(eta >= 0 && std::isfinite(eta))) {
        throw value_error(where, "eta", "finite and >= 0", eta);
    }
    if (!is_stochastic(algorithm)) {
        return 0;
    }
    require_falling_noise(where, grid);
    return std::sqrt(eta);
}

}  // namespace detail

/// DPM-Solver and DPM-Solver++, multistep: each step integrates an interpolation of the last `order` estimates. With τ²
/// = η for the stochastic algorithms, else 0, h' = (1 + τ²) h, φ_1(u) = (e^u − 1)/u and φ_{k+1}(u) = (φ_k(u) − 1/k!)/u,
/// a step is
///     dpmsolver_pp, sde_dpmsolver_pp, with y = x̂_0 and u = −h':
///         x_s = (σ_s/σ_t) e^{−τ²h} x_t + α_s h' I(u) + s_noise σ_s √(1 − e^{−2τ²h}) z,
///     dpmsolver, sde_dpmsolver, with y = ε̂ and u = h:
///         x_s = (α_s/α_t) x_t − (1 + τ²) σ_s h I(u) + s_noise τ σ_s √(e^{2h} − 1) z,
/// where I is, by the order, from the newest estimates y_0, y_1, y_2 made at λ_t = λ_0, λ_1, λ_2,
///     1: I = φ_1 y_0,
///     2: I = φ_1 y_0 + m D with D = h (y_0 − y_1)/(λ_0 − λ_1); midpoint: m = φ_1/2, heun: m = φ_2,
///     3: I = φ_1 y_0 + φ_2 D_1 + c φ_3 D_2, with r_i = (λ_i − λ_{i+1})/h, d_i = (y_i − y_{i+1})/r_i,
///        D_2 = (d_0 − d_1)/(r_0 + r_1), D_1 = d_0 + r_0 D_2; c = 1, or 2 with corrected_third.
/// So order 1 of dpmsolver_pp is x_s = (σ_s/σ_t) x_t + α_s (1 − e^{−h}) x̂_0. The defaults are diffusers'. DPM++ 2M SDE
/// and 3M SDE of k-diffusion are sde_dpmsolver_pp of order 2 and 3 without lower_order_final, 3M of type heun.
/// @source Lu et al. 2022, arXiv 2206.00927 and 2211.01095, algorithm 2 and appendix B
/// @accuracy order p = `order`, for 3 only with corrected_third, else 2, for a history of accurate evaluations; over a
/// whole run at most 2, by the error of its first step, which has one evaluation. Σ|x| at the end of diffusers' test
/// loops within a relative 1e-5, in float
struct dpm_multistep {
    isize order = 2;  ///< 1 to 3; 1 is DDIM, for the stochastic algorithms with η = 1
    dpm_algorithm algorithm = dpm_algorithm::dpmsolver_pp;
    dpm_solver_type solver_type = dpm_solver_type::midpoint;  ///< of steps of order 2
    /// Order 3 with the full second difference. As published its factor is 1/2, which gives order 2 only.
    bool corrected_third = false;
    bool lower_order_final = true;  ///< in runs of fewer than 15 steps the last has order 1, the one before at most 2
    bool euler_at_final = false;    ///< the last step has order 1, whatever the number of steps
    double eta = 1;                 ///< η of the stochastic algorithms; 0: the ordinary differential equation
    double s_noise = 1;             ///< factor of the noise of the stochastic algorithms

    /// The plan over a grid. A step to σ = 0 has order 1. The stochastic algorithms make a draw for every step.
    /// @throws value_error unless order is 1 to 3, η ≥ 0 and 0 ≤ s_noise ≤ 10⁶, and for a stochastic algorithm
    /// if the noise rises
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("dpm_multistep", "order", order, 1, 3);
        detail::require_noise_factor("dpm_multistep", s_noise);
        const double tau = detail::stochasticity("dpm_multistep", algorithm, eta, grid);
        const detail::moment_rule rule{detail::slope_of(solver_type), corrected_third ? 1.0 : 0.5};
        const auto s_noise_if_stochastic = detail::is_stochastic(algorithm) ? std::optional(s_noise) : std::nullopt;
        detail::multistep_planner out(grid, detail::integrand_of(algorithm), rule);
        for (isize k = 0; k < grid.steps(); ++k) {
            out.step({.predictor_order = order_of(grid, k), .tau = tau, .s_noise = s_noise_if_stochastic});
        }
        return std::move(out).plan();
    }

private:
    [[nodiscard]] isize order_of(const time_grid& grid, isize k) const {
        if (euler_at_final && k + 1 == grid.steps()) {
            return 1;
        }
        return lower_order_final ? detail::order_before_end_of_few(order, grid, k) : order;
    }
};

}  // namespace ddpm
