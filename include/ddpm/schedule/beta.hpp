// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/multiply_add.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace ddpm {

/// Computes β_t, the variance of q(x_t|x_{t−1}): beta(t, T) for the 0-based timesteps t = 0 … T − 1.
template <class B>
concept BetaSchedule = requires(const B& beta, const isize t, const isize steps) {
    { beta(t, steps) } -> std::convertible_to<double>;
    { beta(isize(t), isize(steps)) } -> std::convertible_to<double>;
};

namespace detail {

/// β_t computed in the type Real if the schedule's operator() is a template over that type, otherwise converted to it.
template <std::floating_point Real, BetaSchedule Beta>
[[nodiscard]] Real beta_in(const Beta& beta, isize t, isize steps) {
    if constexpr (requires { beta.template operator()<Real>(t, steps); }) {
        return beta.template operator()<Real>(t, steps);
    } else {
        return static_cast<Real>(beta(t, steps));
    }
}

}  // namespace detail

/// Linear schedule: β rises linearly from `start` at t = 0 to `end` at t = T − 1, for every T.
/// @source Ho et al. 2020, arXiv 2006.11239, section 4
struct linear_beta {
    double start = 1e-4;
    double end = 0.02;

    /// With Real = float it is torch.linspace on machines with FMA: from both ends to the middle, each value rounded
    /// once.
    /// @accuracy at most 6 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of the larger of |start| and |end|
    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(isize t, isize steps) const {
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
            return detail::multiply_add(count, step, end_point);
        } else {
            return end_point + count * step;
        }
    }
};

/// Linear schedule scaled with T: β rises from start · 1000/T to end · 1000/T, so that ᾱ_{T−1} is about the same for
/// every T. With the default values T must be at least 20, since otherwise β would exceed 1.
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672 (the linear schedule of their code)
struct openai_linear_beta {
    double start = 1e-4;
    double end = 0.02;

    /// β_t of a schedule of T = `steps` timesteps.
    /// @units t is 0-based
    /// @accuracy at most 8 roundings (2⁻⁵³) of the larger of |start| and |end|, times 1000/T
    [[nodiscard]] double operator()(isize t, isize steps) const {
        const double scale = 1000 / static_cast<double>(steps);
        return linear_beta{scale * start, scale * end}(t, steps);
    }
};

/// Quadratic schedule: √β rises linearly. The default values are those of Stable Diffusion.
/// @source Ho et al. 2020, arXiv 2006.11239 (quad of their code); Rombach et al. 2021, arXiv 2112.10752
struct scaled_linear_beta {
    double start = 0.00085;
    double end = 0.012;

    /// With Real = float it is rounded as in torch.
    /// @accuracy at most 16 roundings of the larger of start and end
    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(isize t, isize steps) const {
        const Real root = linear_beta{std::sqrt(start), std::sqrt(end)}.operator()<Real>(t, steps);
        return root * root;
    }
};

/// β rises linearly over the first ⌊fraction · T⌋ steps, then stays at `end`.
/// @source Ho et al. 2020, arXiv 2006.11239 (warmup10 and warmup50 of their code)
struct warm_up_beta {
    double start = 1e-4;
    double end = 0.02;
    double fraction = 0.1;

    /// @throws value_error unless 0 ≤ fraction ≤ 1
    /// @accuracy as linear_beta
    [[nodiscard]] double operator()(isize t, isize steps) const {
        if (!(fraction >= 0 && fraction <= 1)) {
            throw value_error("warm_up_beta", "fraction", "0 <= fraction <= 1", fraction);
        }
        const isize warm = static_cast<isize>(fraction * static_cast<double>(steps));
        return t < warm ? linear_beta{start, end}(t, warm) : end;
    }
};

/// Constant schedule: the same β at every timestep.
/// @source Ho et al. 2020, arXiv 2006.11239 (const of their code)
struct constant_beta {
    double value = 0.02;

    /// `value`, whatever the timestep and their number.
    /// @accuracy exact
    [[nodiscard]] double operator()(isize, isize) const { return value; }
};

/// β = 1/T, 1/(T − 1), …, 1, so that ᾱ falls linearly to 0.
/// @source Sohl-Dickstein et al. 2015, arXiv 1503.03585, section 2.4.1
struct jsd_beta {
    /// β_t = 1/(T − t) of a schedule of T = `steps` timesteps.
    /// @units t is 0-based
    /// @accuracy at most one rounding of it
    [[nodiscard]] double operator()(isize t, isize steps) const { return 1 / static_cast<double>(steps - t); }
};

/// Sigmoid schedule: β rises from about `start` to about `end` along the logistic function over [−range, range].
/// @source Xu et al. 2022, arXiv 2203.02923 (GeoDiff); the sigmoid schedule of diffusers
struct sigmoid_beta {
    double start = 1e-4;
    double end = 0.02;
    double range = 6;

    /// With Real = float it is rounded as in torch, except for the exponential.
    /// @accuracy at most 8 + 2 · range roundings of |start| + |end|
    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(isize t, isize steps) const {
        const Real x = linear_beta{-range, range}.operator()<Real>(t, steps);
        return 1 / (1 + std::exp(-x)) * static_cast<Real>(end - start) + static_cast<Real>(start);
    }
};

/// Cosine schedule: β from cosine_alpha_bar, at most `cap`.
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17
struct cosine_beta {
    double offset = 0.008;
    double cap = 0.999;

    /// β_t of a schedule of T = `steps` timesteps.
    /// @units t is 0-based
    /// @accuracy at most 18 roundings of 1/ᾱ(t/T): as alpha_bar_beta
    [[nodiscard]] double operator()(isize t, isize steps) const {
        return alpha_bar_beta{cosine_alpha_bar{offset}, cap}(t, steps);
    }
};

/// A table of β_0 … β_{T−1} given by the user.
struct beta_table {
    std::vector<double> values;

    /// @throws value_error if the schedule's number of steps differs from the table's size
    /// @accuracy exact
    [[nodiscard]] double operator()(isize t, isize steps) const {
        if (steps != static_cast<isize>(values.size())) {
            throw value_error("beta_table", "number of steps", values.size(), steps);
        }
        return values[static_cast<std::size_t>(t)];
    }
};

}  // namespace ddpm
