// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_weights.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::detail {

/// An estimate of x_0 or ε as an interpolation node.
struct estimate {
    isize evaluation;
    double lambda;  ///< λ at the evaluation
};

/// The estimates so far, the newest first, at most one for each λ. An estimate at infinite λ is dropped when the next
/// is added.
class estimate_history {
public:
    void add(isize evaluation, const noise_level<double>& level) {
        const double lambda = half_log_snr(level);
        if (!std::isfinite(lambda)) {
            estimates_.clear();
        }
        if (estimates_.empty() || (std::isfinite(estimates_[0].lambda) && estimates_[0].lambda != lambda)) {
            estimates_.push_back({});
            for (std::size_t i = estimates_.size() - 1; i > 0; --i) {
                estimates_[i] = estimates_[i - 1];
            }
        }
        estimates_[0] = {evaluation, lambda};
    }

    /// The newest `count` estimates, or all if there are fewer.
    [[nodiscard]] std::span<const estimate> newest(isize count) const {
        return {estimates_.data(), std::min(static_cast<std::size_t>(count), estimates_.size())};
    }

private:
    std::vector<estimate> estimates_;
};

/// The value used for ∫₀¹ e^{z(1−θ)} θ dθ = φ_2(z) in an interpolation through two estimates. The published methods of
/// order 2 differ only in this.
enum class slope_moment {
    exact,         ///< φ_2: "heun" of DPM-Solver, DEIS
    half_of_mean,  ///< φ_1/2: "midpoint" of DPM-Solver, B(h) = e^h − 1 of UniPC
    half,          ///< 1/2: B(h) = h of UniPC, SA-Solver
};

/// How the moments of an exponential integral are modified.
struct moment_rule {
    slope_moment slope = slope_moment::exact;  ///< the first moment, for two estimates
    double curvature = 1;                      ///< factor of the second moment, for three estimates
};

/// A step of the reverse stochastic differential equation with stochasticity τ (τ = 0: the ordinary one), from one
/// level to another with h = λ_t − λ_s: with the integrand x_0
///     x_t = (σ_t/σ_s) e^{−τ²h} x_s + (1+τ²) α_t ∫ e^{(1+τ²)(λ−λ_t)} x̂_0(λ) dλ + σ_t √(1 − e^{−2τ²h}) z,
/// with the integrand ε
///     x_t = (α_t/α_s) x_s − (1+τ²) σ_t ∫ e^{λ_t−λ} ε̂(λ) dλ + τ σ_t √(e^{2h} − 1) z.
/// If a level has no signal or no noise, h is infinite, and the step is the limit of order 1: α_t x̂_0 if σ_t = 0.
/// @source Lu et al. 2022, arXiv 2211.01095, equations 8 and 16; Xue et al. 2023, arXiv 2309.05019, propositions 4.2
/// and 4.5
class exponential_step {
public:
    exponential_step(const noise_level<double>& from, const noise_level<double>& to, quantity of, double tau = 0)
        : of_(from.signal == 0 || to.sigma == 0 ? quantity::x0
              : from.sigma == 0                 ? quantity::eps
                                                : of),
          from_(half_log_snr(from)),
          h_(noise_ratio(from) == noise_ratio(to) ? 0 : half_log_snr(to) - from_) {
        const double tau2 = tau * tau;
        if (h_ == 0) {
            keep_ = from.signal > 0 ? to.signal / from.signal : to.sigma / from.sigma;
        } else if (of_ == quantity::x0) {
            z_ = -(1 + tau2) * h_;
            keep_ = to.sigma / from.sigma * (tau == 0 ? 1 : std::exp(-tau2 * h_));
            total_ = to.signal - from.signal * keep_;
            noise_ = tau == 0 ? 0 : to.sigma * std::sqrt(-std::expm1(-2 * tau2 * h_));
        } else {
            z_ = h_;
            keep_ = to.signal / from.signal;
            total_ = (1 + tau2) * (to.sigma - from.sigma * keep_);
            noise_ = tau == 0 ? 0 : tau * to.sigma * std::sqrt(std::expm1(2 * h_));
        }
    }

    /// Whether the step can interpolate through several estimates: the levels differ, and both have signal and noise.
    [[nodiscard]] bool interpolates() const noexcept { return std::isfinite(h_) && h_ != 0; }

    /// The factor of the normals.
    [[nodiscard]] double noise() const noexcept { return noise_; }

    /// The terms of the step without its noise, from an interpolation through the given estimates, or from the first
    /// one if interpolates() is false.
    [[nodiscard]] std::vector<term> terms(quantity state, std::span<const estimate> through,
                                          const moment_rule& rule = {}) const {
        std::vector<term> sum;
        if (keep_ != 0) {
            sum.push_back({state, keep_});
        }
        if (h_ == 0) {
            return sum;
        }
        const std::vector<double> weights = interpolates() ? interpolation(through, rule) : std::vector{total_};
        for (std::size_t j = 0; j < weights.size(); ++j) {
            sum.push_back({of_, weights[j], through[j].evaluation});
        }
        return sum;
    }

private:
    [[nodiscard]] std::vector<double> interpolation(std::span<const estimate> through, const moment_rule& rule) const {
        std::vector<double> nodes;
        for (const estimate& e : through) {
            nodes.push_back((e.lambda - from_) / h_);
        }
        auto moments = exponential_moments(z_, static_cast<isize>(nodes.size()));
        const double mean = moments[0];
        if (nodes.size() == 2 && rule.slope != slope_moment::exact) {
            moments[1] = rule.slope == slope_moment::half ? 0.5 : mean / 2;
        } else if (nodes.size() == 3) {
            moments[2] *= rule.curvature;
        }
        auto weights = lagrange_weights(nodes, moments);
        // The first weight follows from the others, so that their sum is total_ without rounding errors.
        weights[0] = total_;
        for (std::size_t j = 1; j < weights.size(); ++j) {
            weights[j] *= total_ / mean;
            weights[0] -= weights[j];
        }
        return weights;
    }

    quantity of_;
    double from_;  // λ_s
    double h_;
    double z_ = 0;
    double keep_ = 0;
    double total_ = 0;  // the sum of the estimates' weights
    double noise_ = 0;
};

}  // namespace ddpm::detail
