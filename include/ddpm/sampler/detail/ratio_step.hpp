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

/// A part of a step's slope: that of ε̂ at an evaluation. The shares of a step add up to 1.
struct slope_share {
    isize evaluation;
    double share;
};

/// Whether a step between two levels can use more slopes than that at its start: both have signal and noise.
[[nodiscard]] inline bool has_inner_points(const noise_level<double>& from, const noise_level<double>& to) noexcept {
    return from.signal > 0 && from.sigma > 0 && to.signal > 0 && to.sigma > 0 && noise_ratio(from) != noise_ratio(to);
}

/// x at `to`, by a step in ρ = σ/α of y = x/α along dy/dρ = Σ share · ε̂, from x at `from`, where evaluation `start`
/// was made: y + (ρ' − ρ) Σ share · ε̂. Along the slope at the start alone, and where a level has no signal, which
/// makes ρ infinite, it is α' x̂_0 + σ' ε̂, Euler's step, or that of DDIM.
/// @source Karras et al. 2022, arXiv 2206.00364, equation 4 with s(t) = α, σ(t) = ρ
[[nodiscard]] inline std::vector<term> ratio_step(const noise_level<double>& from, const noise_level<double>& to,
                                                  isize start, const std::vector<slope_share>& slope) {
    double at_start = to.sigma;
    std::vector<term> sum{term::x0(start, to.signal)};
    if (from.signal > 0 && to.signal > 0) {
        const double width = to.signal * (noise_ratio(to) - noise_ratio(from));
        double share_of_start = 0;
        for (const slope_share& part : slope) {
            if (part.evaluation == start) {
                share_of_start += part.share;
            } else if (part.share != 0) {
                sum.push_back(term::eps(part.evaluation, width * part.share));
            }
        }
        at_start -= width * (1 - share_of_start);
    }
    if (at_start != 0) {
        sum.push_back(term::eps(start, at_start));
    }
    return sum;
}

/// The same along the slope at the start alone.
[[nodiscard]] inline std::vector<term> euler_step(const noise_level<double>& to, isize start) {
    return ratio_step({1, 0}, to, start, {{start, 1}});
}

/// The slopes of the newest evaluations, as far as the order of an Adams–Bashforth method asks for them. Where they lie
/// is a number: its node.
class adams_history {
public:
    explicit adams_history(isize order) : order_(order) {}

    /// Adds the newest evaluation. One at the same node as the one before takes its place; one at infinity is as none.
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

    /// The shares of a step from the newest node to another: exact integrals of the polynomial through the slopes.
    [[nodiscard]] std::vector<slope_share> shares(double to) const {
        std::vector<double> nodes, moments;
        for (const double node : nodes_) {
            nodes.push_back((node - nodes_[0]) / (to - nodes_[0]));
            moments.push_back(1 / static_cast<double>(nodes.size()));
        }
        const std::vector<double> weights = lagrange_weights(nodes, moments);
        std::vector<slope_share> parts;
        for (std::size_t j = 0; j < weights.size(); ++j) {
            parts.push_back({evaluations_[j], weights[j]});
        }
        return parts;
    }

private:
    isize order_;
    std::vector<double> nodes_;  // newest first
    std::vector<isize> evaluations_;
};

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
