// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/sampler/detail/solver_order.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace ddpm::detail {

/// A step in ρ = σ/α as one down, by the solver, and one up again, by noise.
struct ancestral_split {
    double down;  ///< the ρ that the solver goes to
    double up;    ///< the deviation of the noise, in y = x/α
};

/// up = min(ρ', η √(ρ'² (ρ² − ρ'²)/ρ²)), down = √(ρ'² − up²). η = 1 gives the deviation of the posterior. From an
/// infinite ρ it is the limit.
/// @source Karras et al. 2022, arXiv 2206.00364, appendix; k-diffusion's get_ancestral_step
[[nodiscard]] inline ancestral_split split_step(double from, double to, double eta) noexcept {
    const double up = std::min(to, eta * to * std::sqrt(std::max(0.0, 1 - (to / from) * (to / from))));
    return {std::sqrt((to - up) * (to + up)), up};
}

/// @throws value_error unless η is finite and not negative, and 0 ≤ s_noise ≤ 10⁶
inline void require_ancestral(std::string_view where, double eta, double s_noise) {
    if (!(eta >= 0 && std::isfinite(eta))) {
        throw value_error(where, "eta", "finite and >= 0", eta);
    }
    require_noise_factor(where, s_noise);
}

}  // namespace ddpm::detail
