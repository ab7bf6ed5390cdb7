// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cmath>
#include <string_view>

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

}  // namespace ddpm
