// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/beta.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm {

/// Rescales β_0 … β_{T−1} in place so that ᾱ_{T−1} is 0 and ᾱ_0 is unchanged: √ᾱ is shifted and scaled. β_{T−1} becomes
/// exactly 1, and so does a single β.
/// @throws value_error unless ᾱ falls at every timestep
/// @accuracy √ᾱ of the new β: at most 8 T roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of √ᾱ_0/(√ᾱ_0 − √ᾱ_{T−1})
/// @source Lin et al. 2023, arXiv 2305.08891, algorithm 1
template <std::floating_point Real>
void rescale_to_zero_terminal_snr(std::span<Real> betas) {
    if (betas.size() <= 1) {
        for (Real& beta : betas) {
            beta = 1;
        }
        return;
    }
    std::vector<Real> roots;
    roots.reserve(betas.size());
    double product = 1;
    for (const Real beta : betas) {
        product *= static_cast<double>(1 - beta);
        roots.push_back(std::sqrt(static_cast<Real>(product)));
    }
    for (std::size_t t = 1; t < roots.size(); ++t) {
        if (!(roots[t] < roots[t - 1])) {
            throw value_error("zero_terminal_snr", detail::text("alpha_bar at t = ", t), "less than before", "no less");
        }
    }
    const Real first = roots.front(), last = roots.back();
    Real before = 1;
    for (std::size_t t = 0; t < betas.size(); ++t) {
        const Real root = (roots[t] - last) * (first / (first - last));
        const Real alpha_bar = root * root;
        betas[t] = 1 - alpha_bar / before;
        before = alpha_bar;
    }
}

/// The β of a schedule of `steps` timesteps, rescaled so that x_t is pure noise at the last one. A network must predict
/// v or x_0 there, since ε does not determine x_0. With Real = float it is rounded as in torch.
/// @throws value_error unless T ≥ 1 and ᾱ falls at every timestep
/// @accuracy as rescale_to_zero_terminal_snr
/// @source Lin et al. 2023, arXiv 2305.08891, algorithm 1
template <std::floating_point Real = double, BetaSchedule Beta>
[[nodiscard]] beta_table zero_terminal_snr(const Beta& beta, isize steps) {
    if (steps < 1) {
        throw value_error("zero_terminal_snr", "number of steps", ">= 1", steps);
    }
    std::vector<Real> betas;
    betas.reserve(static_cast<std::size_t>(steps));
    for (isize t = 0; t < steps; ++t) {
        betas.push_back(detail::beta_in<Real>(beta, t, steps));
    }
    rescale_to_zero_terminal_snr(std::span<Real>(betas));
    return {std::vector<double>(betas.begin(), betas.end())};
}

}  // namespace ddpm
