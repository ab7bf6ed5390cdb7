// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_weights.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// The weight of the slope ε̂ of an evaluation in a step. The weights of a step add up to 1.
struct slope_weight {
    isize evaluation;
    double weight;
};

/// Whether a step between two levels can use the slope at other points than its start: both levels have signal and
/// noise.
[[nodiscard]] inline bool has_inner_points(const noise_level<double>& from, const noise_level<double>& to) noexcept {
    return from.signal > 0 && from.sigma > 0 && to.signal > 0 && to.sigma > 0 && noise_ratio(from) != noise_ratio(to);
}

/// A step in ρ = σ/α from x at `from`, where evaluation `start` was made, to `to`: with y = x/α it is y + (ρ' − ρ) Σ w
/// ε̂ with the given weights w. With the weight 1 on the start, and if a level has no signal (ρ = ∞), it is Euler's
/// step, which is DDIM's: α' x̂_0 + σ' ε̂.
/// @source Karras et al. 2022, arXiv 2206.00364, equation 4 with s(t) = α, σ(t) = ρ
[[nodiscard]] inline std::vector<term> ratio_step(const noise_level<double>& from, const noise_level<double>& to,
                                                  isize start, const std::vector<slope_weight>& weights) {
    double at_start = to.sigma;
    std::vector<term> sum{term::x0(start, to.signal)};
    if (from.signal > 0 && to.signal > 0) {
        const double width = to.signal * (noise_ratio(to) - noise_ratio(from));
        double start_weight = 0;
        for (const auto& [evaluation, weight] : weights) {
            if (evaluation == start) {
                start_weight += weight;
            } else if (weight != 0) {
                sum.push_back(term::eps(evaluation, width * weight));
            }
        }
        at_start -= width * (1 - start_weight);
    }
    if (at_start != 0) {
        sum.push_back(term::eps(start, at_start));
    }
    return sum;
}

/// Euler's step, α' x̂_0 + σ' ε̂.
[[nodiscard]] inline std::vector<term> euler_step(const noise_level<double>& to, isize start) {
    std::vector<term> sum{term::x0(start, to.signal)};
    if (to.sigma != 0) {
        sum.push_back(term::eps(start, to.sigma));
    }
    return sum;
}

/// The newest evaluations of an Adams–Bashforth method, at most as many as its order, each with its node (σ/α or the
/// number of the step).
class adams_history {
public:
    explicit adams_history(isize order) : order_(order) {}

    /// Adds an evaluation. It replaces the last one if that has the same node; it is ignored if the node is infinite.
    void add(isize evaluation, double node) {
        if (!nodes_.empty() && nodes_[0] == node) {
            evaluations_[0] = evaluation;
        } else if (std::isfinite(node)) {
            if (static_cast<isize>(nodes_.size()) < order_) {
                nodes_.push_back(0);
                evaluations_.push_back(0);
            }
            for (std::size_t i = nodes_.size() - 1; i > 0; --i) {
                nodes_[i] = nodes_[i - 1];
                evaluations_[i] = evaluations_[i - 1];
            }
            nodes_[0] = node;
            evaluations_[0] = evaluation;
        }
    }

    /// The weights of a step from the newest node to `to`: the exact integral of the polynomial through the slopes.
    [[nodiscard]] std::vector<slope_weight> weights(double to) const {
        std::vector<double> nodes, moments;
        nodes.reserve(nodes_.size());
        moments.reserve(nodes_.size());
        for (const double node : nodes_) {
            nodes.push_back((node - nodes_[0]) / (to - nodes_[0]));
            moments.push_back(1 / static_cast<double>(nodes.size()));
        }
        const std::vector<double> integrals = lagrange_weights(nodes, moments);
        std::vector<slope_weight> found;
        found.reserve(integrals.size());
        for (std::size_t j = 0; j < integrals.size(); ++j) {
            found.push_back({evaluations_[j], integrals[j]});
        }
        return found;
    }

private:
    isize order_;
    std::vector<double> nodes_;  // newest first
    std::vector<isize> evaluations_;
};

/// An ancestral step from ρ to ρ' as a solver step to ρ_down and noise of standard deviation ρ_up in y = x/α.
struct ancestral_split {
    double down;
    double up;
};

/// up = min(ρ', η √(ρ'² (ρ² − ρ'²)/ρ²)), down = √(ρ'² − up²); the limit for infinite ρ. η = 1 gives the posterior's
/// standard deviation.
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
