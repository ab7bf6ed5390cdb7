// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <span>
#include <vector>

namespace ddpm {

/// The variance of the reverse steps in step_cost.
enum class step_variance {
    fixed_small,  ///< β̃, that of the posterior
    fixed_large,  ///< β, that of the forward step
    matched,      ///< the optimal isotropic variance: β̃ plus the mean squared error of the mean
};

/// Options of step_cost.
struct step_cost_options {
    step_variance variance = step_variance::fixed_small;  ///< of the reverse steps
    double decoder_deviation = 0;            ///< standard deviation of the last step's Gaussian about x̂_0; 0: optimal
    std::function<double(isize)> decoder{};  ///< of t, replaces the Gaussian: −E ln p(x_0|x_t) / D in nats
};

/// The terms of the variational bound for any step s < t, from the mean squared error of x̂_0 at each t.
/// @source Ho et al. 2020, arXiv 2006.11239, equations 5 to 8; matched variance: Bao et al. 2022, arXiv 2201.06503
class step_cost {
public:
    /// @param x0_error E|x_0 − x̂_0(x_t)|² / D for t = 0 … T − 1
    /// @throws shape_error unless there is one error for each t; value_error unless each is finite and ≥ 0 (above 0 for
    /// the optimal Gaussian), and decoder_deviation is finite and ≥ 0
    template <NoiseSchedule Schedule>
    step_cost(const Schedule& schedule, std::span<const double> x0_error, const step_cost_options& options = {})
        : options_(options), x0_error_(x0_error.begin(), x0_error.end()) {
        const isize steps = schedule.steps();
        if (static_cast<isize>(x0_error.size()) != steps) {
            throw shape_error("step_cost", "one error for each timestep", steps, x0_error.size());
        }
        if (!(options.decoder_deviation >= 0 && std::isfinite(options.decoder_deviation))) {
            throw value_error("step_cost", "deviation of the decoder", "finite and >= 0", options.decoder_deviation);
        }
        const bool may_be_zero = options.decoder || options.decoder_deviation > 0;
        for (isize t = 0; t < steps; ++t) {
            const double error = x0_error[static_cast<std::size_t>(t)];
            if (!std::isfinite(error) || error < 0 || (error == 0 && !may_be_zero)) {
                throw value_error("step_cost", detail::text("squared error at t = ", t),
                                  may_be_zero ? "finite and >= 0" : "finite and > 0", error);
            }
            alpha_bar_.push_back(static_cast<double>(schedule.alpha_bar(t)));
        }
    }

    /// The mean of KL(q(x_s|x_t, x_0) ‖ p(x_s|x_t)) / D, or for s = `clean` of −ln p(x_0|x_t) / D.
    /// @units t and s are 0-based, s = `clean` is x_0; nats per dimension
    /// @throws value_error unless clean ≤ s < t < T
    /// @accuracy from ᾱ, with β = 1 − ᾱ_t/ᾱ_s: `matched` at most 24 + 6/β roundings (2⁻⁵³) of it; a fixed variance 32 +
    /// 8/β of ½ (ln(1 + x) + (m + x)/(1 + x)), where m is the squared error of the mean, and 1 + x the variance, both
    /// divided by β̃. The Gaussian of the last step: 4 of ½ (1 + |ln 2πv| + error/v) for its variance v
    [[nodiscard]] double operator()(isize t, isize s) const {
        require_earlier("step_cost", *this, s, t);
        const double error = x0_error_[static_cast<std::size_t>(t)];
        if (s == clean) {
            if (options_.decoder) {
                return options_.decoder(t);
            }
            const double deviation = options_.decoder_deviation;
            const double variance = deviation > 0 ? deviation * deviation : error;
            return 0.5 * (std::log(2 * std::numbers::pi * variance) + error / variance);
        }
        const double alpha_bar_s = alpha_bar(s), alpha_bar_t = alpha_bar(t);
        const posterior_coefficients<double> posterior = posterior_between(alpha_bar_s, alpha_bar_t);
        // The squared error of the mean, and the model's variance beyond β̃, both divided by β̃.
        const double of_mean = posterior.x0 * posterior.x0 * error / posterior.variance;
        if (options_.variance == step_variance::matched) {
            return 0.5 * std::log1p(of_mean);
        }
        // β / β̃ − 1 = β ᾱ_s / (1 − ᾱ_s) without cancellation.
        const double beta = transition_between(alpha_bar_s, alpha_bar_t).variance;
        const double excess =
            options_.variance == step_variance::fixed_small ? 0 : beta * alpha_bar_s / (1 - alpha_bar_s);
        return 0.5 * (std::log1p(excess) + (of_mean - excess) / (1 + excess));
    }

    /// T, the number of timesteps, as for a NoiseSchedule.
    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(alpha_bar_.size()); }

    /// ᾱ_t, as for a NoiseSchedule.
    /// @units t is 0-based
    /// @throws value_error unless 0 ≤ t < T
    [[nodiscard]] double alpha_bar(isize t) const {
        require_timestep("step_cost", *this, t);
        return alpha_bar_[static_cast<std::size_t>(t)];
    }

private:
    step_cost_options options_;
    std::vector<double> x0_error_;
    std::vector<double> alpha_bar_;
};

}  // namespace ddpm
