// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <cmath>
#include <numbers>
#include <string_view>

namespace ddpm {

/// The coefficients of x̂_0 = skip · x + out · F(in · x, time).
struct edm_coefficients {
    double skip, out, in, time;
};

/// EDM preconditioning of a network F, with x = x_0 + σ ε:
///     x̂_0 = c_skip x + c_out F(c_in x, c_noise),
///     c_skip = σ_d²/((σ − σ_min)² + σ_d²),  c_out = (σ − σ_min) σ_d/√(σ² + σ_d²),
///     c_in = 1/√(σ² + σ_d²),  c_noise = time_scale · ¼ ln σ.
/// EDM has σ_min = 0; a consistency model has σ_min > 0, and x̂_0 = x at σ = σ_min.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1; Song et al. 2023, arXiv 2303.01469, appendix C
struct edm_preconditioning {
    double sigma_data = 0.5;
    double sigma_min = 0;
    double time_scale = 1;         ///< 1000 for the consistency models of diffusers
    bool negative_out = false;     ///< −F replaces F: "v_prediction" of diffusers' EDM schedulers
    bool arctangent_time = false;  ///< c_noise = time_scale · 2/π atan σ, as for Stable Audio in diffusers

    /// @throws value_error unless σ > 0
    /// @accuracy each at most 8 roundings (2⁻⁵³) of it
    [[nodiscard]] edm_coefficients at(double sigma) const {
        if (!(sigma > 0)) {
            throw value_error("edm_preconditioned", "sigma", "> 0", sigma);
        }
        const double c_noise = arctangent_time ? std::atan(sigma) * 2 / std::numbers::pi : std::log(sigma) / 4;
        const double length = std::hypot(sigma, sigma_data), above = sigma - sigma_min;
        const double c_out = above * sigma_data / length;
        return {sigma_data * sigma_data / (above * above + sigma_data * sigma_data), negative_out ? -c_out : c_out,
                1 / length, time_scale * c_noise};
    }
};

/// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0
inline void require_valid(std::string_view where, const edm_preconditioning& options) {
    if (!(options.sigma_data > 0)) {
        throw value_error(where, "sigma_data", "> 0", options.sigma_data);
    }
    if (!(options.sigma_min >= 0)) {
        throw value_error(where, "sigma_min", ">= 0", options.sigma_min);
    }
}

}  // namespace ddpm
