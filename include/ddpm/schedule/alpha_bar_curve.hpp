// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>

namespace ddpm {

/// ᾱ as a falling function of u = (t + 1)/T in [0, 1]. A constant factor has no effect.
template <class C>
concept AlphaBarCurve = requires(const C& curve, const double u) {
    { curve(u) } -> std::convertible_to<double>;
    { curve(double(u)) } -> std::convertible_to<double>;
};

/// β from a curve of ᾱ: β_t = min(1 − ᾱ((t + 1)/T) / ᾱ(t/T), cap), t 0-based. The curve may be any callable.
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, section 3.2
template <AlphaBarCurve Curve>
struct alpha_bar_beta {
    Curve curve{};
    double cap = 0.999;  ///< the largest β

    /// β_t of a schedule of T = `steps` timesteps.
    /// @units t is 0-based
    /// @accuracy one rounding (2⁻⁵³) of 1, and the errors of both ᾱ over ᾱ(t/T)
    [[nodiscard]] double operator()(isize t, isize steps) const {
        const double count = static_cast<double>(steps);
        const double before = curve(static_cast<double>(t) / count);
        const double after = curve(static_cast<double>(t + 1) / count);
        return std::min(1 - after / before, cap);
    }
};

template <class Curve>
alpha_bar_beta(Curve) -> alpha_bar_beta<Curve>;
template <class Curve>
alpha_bar_beta(Curve, double) -> alpha_bar_beta<Curve>;

/// ᾱ(u) = cos²((u + offset) / (1 + offset) · π/2).
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17
struct cosine_alpha_bar {
    double offset = 0.008;

    /// ᾱ(u) for u in [0, 1].
    /// @accuracy at most 8 roundings of 1
    [[nodiscard]] double operator()(double u) const {
        const double c = std::cos((u + offset) / (1 + offset) * std::numbers::pi / 2);
        return c * c;
    }
};

/// ᾱ(u) = (L(end) − L(start + u (end − start))) / (L(end) − L(start)) with the logistic function
/// L(x) = 1/(1 + exp(−x/temperature)). It falls from 1 to 0.
/// @source Jabri et al. 2022, arXiv 2212.11972; start and end of lucidrains' denoising-diffusion-pytorch
struct sigmoid_alpha_bar {
    double start = -3;
    double end = 3;
    double temperature = 1;

    /// ᾱ(u) for u in [0, 1].
    /// @accuracy at most 4 m + 13 roundings of 1/(L(end) − L(start)), m the larger of |start/temperature| and |end/temperature|
    [[nodiscard]] double operator()(double u) const {
        const auto logistic = [this](double x) { return 1 / (1 + std::exp(-x / temperature)); };
        const double last = logistic(end);
        return (last - logistic(start + u * (end - start))) / (last - logistic(start));
    }
};

/// ᾱ(u) = √(s / (1 + s)) with ln s = ½ sgn(½ − u) · −ln(1 − 2|½ − u| + 1e-6): most timesteps have a medium noise level.
/// @source Hang et al. 2024, arXiv 2407.03297; formula and constants of diffusers
struct laplace_alpha_bar {
    /// ᾱ(u) for u in [0, 1].
    /// @accuracy at most 200 roundings of 1
    [[nodiscard]] double operator()(double u) const {
        const double half = std::copysign(0.5, 0.5 - u);
        const double snr = std::exp(-half * std::log(1 - 2 * std::abs(0.5 - u) + 1e-6));
        return std::sqrt(snr / (1 + snr));
    }
};

/// ᾱ(u) = exp(−rate · u), which gives the same β at every timestep.
/// @source "exp" of diffusers' Heun and KDPM2 schedulers
struct exponential_alpha_bar {
    double rate = 12;

    /// ᾱ(u) for u in [0, 1].
    /// @accuracy at most 2 + rate roundings of it
    [[nodiscard]] double operator()(double u) const { return std::exp(-rate * u); }
};

}  // namespace ddpm
