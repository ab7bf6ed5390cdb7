// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <type_traits>
#include <vector>

namespace ddpm {

/// Makes the variance β_t of the step to timestep t: beta(t, T) for t = 0 … T − 1.
template <class B>
concept BetaSchedule = requires(const B& beta, index t, index steps) {
    { beta(t, steps) } -> std::convertible_to<double>;
};

/// β rises linearly from `start` at t = 0 to `end` at t = T − 1, whatever T is.
/// @source Ho et al. 2020, arXiv 2006.11239, section 4
struct linear_beta {
    double start = 1e-4;
    double end = 0.02;

    /// With Real = float the arithmetic of torch.linspace on machines with FMA: from both ends towards the middle, each
    /// value rounded once.
    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(index t, index steps) const {
        const Real first = static_cast<Real>(start);
        const Real last = static_cast<Real>(end);
        if (steps == 1) {
            return first;
        }
        const Real increment = (last - first) / static_cast<Real>(steps - 1);
        const bool from_first = t < steps / 2;
        const Real end_point = from_first ? first : last;
        const Real count = static_cast<Real>(from_first ? t : steps - 1 - t);
        const Real step = from_first ? increment : -increment;
        if constexpr (std::is_same_v<Real, float>) {
            return std::fma(count, step, end_point);
        } else {
            return end_point + count * step;
        }
    }
};

/// β follows from ᾱ(u) = cos²((u + offset) / (1 + offset) · π/2) at u = t/T: β_t = min(1 − ᾱ((t+1)/T) / ᾱ(t/T), cap).
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17
struct cosine_beta {
    double offset = 0.008;
    double cap = 0.999;

    [[nodiscard]] double operator()(index t, index steps) const {
        const auto alpha_bar = [&](index i) {
            const double u = static_cast<double>(i) / static_cast<double>(steps);
            const double c = std::cos((u + offset) / (1 + offset) * std::numbers::pi / 2);
            return c * c;
        };
        return std::min(1 - alpha_bar(t + 1) / alpha_bar(t), cap);
    }
};

/// The user's own β_0 … β_{T−1}.
struct beta_table {
    std::vector<double> values;

    /// @throws value_error if the schedule has another number of steps than the table
    [[nodiscard]] double operator()(index t, index steps) const {
        if (steps != static_cast<index>(values.size())) {
            throw value_error("beta_table", "number of steps", values.size(), steps);
        }
        return values[static_cast<std::size_t>(t)];
    }
};

}  // namespace ddpm
