// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/grid/continuous_grid.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace ddpm {

/// Shifts σ of a rectified flow towards more noise: shift · σ / (1 + (shift − 1) σ), which multiplies σ/(1 − σ) by
/// `shift`. The result is at most 1 in spite of rounding.
/// @throws value_error unless 0 ≤ σ ≤ 1 and shift > 0
/// @source Esser et al. 2024, arXiv 2403.03206, equation 23
/// @accuracy within 1e-15 for shifts from 1/3 to 3; exact for σ = 0 and 1
[[nodiscard]] inline double shifted_flow_sigma(double sigma, double shift) {
    detail::require_between("shifted_flow_sigma", "sigma", sigma, 0, 1);
    if (!(shift > 0)) {
        throw value_error("shifted_flow_sigma", "shift", "> 0", shift);
    }
    const double noise = shift * sigma;
    return noise / (noise + (1 - sigma));  // one part of a sum divided by the sum: at most 1 after rounding
}

/// μ as a linear function of the sequence length, through two given points. The shift is exp(μ) for diffusers'
/// "exponential" dynamic shifting, μ itself for its "linear".
/// @source calculate_shift of diffusers' Flux pipeline
struct flow_shift_rule {
    double base_length = 256;
    double max_length = 4096;
    double base_mu = 0.5;
    double max_mu = 1.15;

    /// @throws value_error unless base_length < max_length
    /// @accuracy within 1e-14 for the default rule and lengths up to 6000
    [[nodiscard]] double operator()(double length) const {
        if (!(base_length < max_length)) {
            throw value_error("flow_shift_rule", "max_length", detail::text("> ", base_length), max_length);
        }
        return base_mu + (length - base_length) * (max_mu - base_mu) / (max_length - base_length);
    }
};

/// The options of flow_sigmas.
struct flow_sigma_options {
    double first = 1;                  ///< before shifting; at most 1, which is noise alone
    double last = 1e-3;                ///< 1/T for a model of T timesteps
    double shift = 1;                  ///< that of shifted_flow_sigma; 1: not shifted
    std::optional<double> terminal{};  ///< the last σ after stretching; all σ < 1 are rescaled with it
};

/// `count` falling values of σ without the final 0: linearly spaced from first to last, then shifted, then stretched.
/// If count is 1 it is `first`, shifted. If the last σ is 1, it is not stretched.
/// @throws value_error unless count ≥ 1, 10⁻³⁰ ≤ last ≤ first ≤ 1, shift > 0 and 0 ≤ terminal < 1
/// @source set_timesteps of diffusers' flow-matching schedulers; stretching: HaCohen et al. 2024, arXiv 2501.00103
/// @accuracy the last within 1e-15 of `terminal`; all relative 3e-7 of diffusers, which computes in float
[[nodiscard]] inline std::vector<double> flow_sigmas(isize count, const flow_sigma_options& options = {}) {
    if (count < 1) {
        throw value_error("flow_sigmas", "number of sigmas", ">= 1", count);
    }
    if (!(options.last >= detail::least_sigma && options.last <= options.first && options.first <= 1)) {
        throw value_error("flow_sigmas", "range of sigma", "1e-30 <= last <= first <= 1",
                          detail::text(options.last, " ... ", options.first));
    }
    if (options.terminal && !(*options.terminal >= 0 && *options.terminal < 1)) {
        throw value_error("flow_sigmas", "terminal", "0 <= terminal < 1", *options.terminal);
    }
    std::vector<double> sigmas;
    sigmas.reserve(static_cast<std::size_t>(count));
    for (isize k = 0; k < count; ++k) {
        const double r = count == 1 ? 0 : static_cast<double>(k) / static_cast<double>(count - 1);
        sigmas.push_back(shifted_flow_sigma(options.first + r * (options.last - options.first), options.shift));
    }
    if (options.terminal && sigmas.back() < 1) {
        const double last = 1 - sigmas.back();
        for (double& sigma : sigmas) {
            sigma = 1 - (1 - sigma) / last * (1 - *options.terminal);  // the quotient is at most 1
        }
    }
    return sigmas;
}

/// The grid with the given falling σ of a rectified flow, followed by x_0. The network is given the flow's times: its
/// time_scale · σ, with the time_scale that it was trained with (1000 for the models of diffusers).
/// @throws value_error unless the σ fall within [0, 1] and there is at least one
/// @accuracy σ exact; 1 − σ and time_scale · σ are rounded
[[nodiscard]] inline time_grid flow_grid(std::span<const double> sigmas, const rectified_flow& flow = {}) {
    std::vector<double> times(sigmas.begin(), sigmas.end());
    times.push_back(0);
    return make_grid(flow, times);
}

}  // namespace ddpm
