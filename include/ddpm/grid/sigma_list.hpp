// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/detail/incomplete_beta.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

namespace ddpm {

/// The smallest and the largest σ of a list; the defaults are those of EDM.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
struct sigma_range {
    double lowest = 0.002;
    double highest = 80;
};

namespace detail {

/// The limits of σ in a list: far beyond what float samples can represent, but 1/σ is still a float and σ² a double.
inline constexpr double least_sigma = 1e-30, largest_sigma = 1e30;

/// @throws value_error unless count ≥ 1 and 10⁻³⁰ ≤ lowest ≤ highest ≤ 10³⁰
inline void require_sigmas(std::string_view where, isize count, const sigma_range& range) {
    if (count < 1) {
        throw value_error(where, "number of sigmas", ">= 1", count);
    }
    if (!(range.lowest >= least_sigma && range.lowest <= range.highest && range.highest <= largest_sigma)) {
        throw value_error(where, "range of sigma", "1e-30 <= lowest <= highest <= 1e30",
                          text(range.lowest, " ... ", range.highest));
    }
}

/// The list with σ = between(r) at equal steps of r in (0, 1) and the exact ends of the range at r = 0 and 1. A value
/// that rounding puts outside the range or above the previous σ is clamped.
template <class Between>
[[nodiscard]] std::vector<double> sigma_list(std::string_view where, isize count, const sigma_range& range,
                                             const Between& between) {
    require_sigmas(where, count, range);
    std::vector<double> sigmas{range.highest};
    for (isize i = 1; i + 1 < count; ++i) {
        const double sigma = between(static_cast<double>(i) / static_cast<double>(count - 1));
        if (!std::isfinite(sigma)) {
            throw value_error(where, ddpm::detail::text("sigma at position ", i), "finite (a larger rho)", sigma);
        }
        sigmas.push_back(std::clamp(sigma, range.lowest, sigmas.back()));
    }
    if (count > 1) {
        sigmas.push_back(range.lowest);
    }
    return sigmas;
}

}  // namespace detail

/// `count` values of σ that fall from highest to lowest, evenly spaced in σ^(1/rho); if count is 1, the highest. The
/// final 0 is not included.
/// @throws value_error unless count ≥ 1, 10⁻³⁰ ≤ lowest ≤ highest ≤ 10³⁰, rho > 0 and σ^(1/rho) is finite
/// @source Karras et al. 2022, arXiv 2206.00364, equation 5
/// @accuracy the ends exact; for rho = 3 and σ from 0.03 to 15 the steps of σ^(1/rho) are equal within 1e-13
[[nodiscard]] inline std::vector<double> karras_sigmas(isize count, const sigma_range& range = {}, double rho = 7) {
    if (!(rho > 0)) {
        throw value_error("karras_sigmas", "rho", "> 0", rho);
    }
    return detail::sigma_list("karras_sigmas", count, range, [&](double r) {
        const double high = std::pow(range.highest, 1 / rho), low = std::pow(range.lowest, 1 / rho);
        return std::pow(high + r * (low - high), rho);
    });
}

/// `count` falling values of σ with ln σ = ln lowest + (1 − r)^rho · ln(highest/lowest), r evenly spaced from 0 to 1.
/// @throws value_error unless count ≥ 1, 10⁻³⁰ ≤ lowest ≤ highest ≤ 10³⁰ and rho > 0
/// @source polyexponential of k-diffusion
/// @accuracy the ends exact; near σ = 1 within 1e-14
[[nodiscard]] inline std::vector<double> polyexponential_sigmas(isize count, const sigma_range& range = {},
                                                                double rho = 1) {
    if (!(rho > 0)) {
        throw value_error("polyexponential_sigmas", "rho", "> 0", rho);
    }
    return detail::sigma_list("polyexponential_sigmas", count, range, [&](double r) {
        const double low = std::log(range.lowest);
        return std::exp(std::pow(1 - r, rho) * (std::log(range.highest) - low) + low);
    });
}

/// `count` falling values of σ, evenly spaced in ln σ. If σ is the ratio σ/α, they are evenly spaced in λ = −ln σ, the
/// uniform λ of DPM-Solver.
/// @throws value_error unless count ≥ 1 and 10⁻³⁰ ≤ lowest ≤ highest ≤ 10³⁰
/// @source Lu et al. 2022, arXiv 2206.00927, section 3.4; Song et al. 2020, arXiv 2011.13456, appendix C
/// @accuracy the ends exact; for σ from 0.03 to 15 the quotients of neighbours are equal within 1e-13
[[nodiscard]] inline std::vector<double> exponential_sigmas(isize count, const sigma_range& range = {}) {
    return polyexponential_sigmas(count, range, 1);
}

/// `count` falling values of σ at evenly spaced quantiles of a beta distribution over the range: with alpha and beta
/// below 1 they are dense at both ends.
/// @throws value_error unless count ≥ 1, 10⁻³⁰ ≤ lowest ≤ highest ≤ 10³⁰, and alpha and beta are positive and finite
/// @source Lee et al. 2024, arXiv 2407.12173; alpha and beta of diffusers
/// @accuracy the ends exact; with the default alpha and beta relative 1e-13
[[nodiscard]] inline std::vector<double> beta_sigmas(isize count, const sigma_range& range = {}, double alpha = 0.6,
                                                     double beta = 0.6) {
    constexpr double most = std::numeric_limits<double>::max();
    if (!(alpha > 0 && beta > 0 && alpha <= most && beta <= most)) {
        throw value_error("beta_sigmas", "alpha and beta", "positive and finite", detail::text(alpha, ", ", beta));
    }
    return detail::sigma_list("beta_sigmas", count, range, [&](double r) {
        return range.lowest + detail::beta_quantile(alpha, beta, 1 - r) * (range.highest - range.lowest);
    });
}

}  // namespace ddpm
