// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/train/timestep_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace ddpm::detail {

/// Timesteps with a probability each.
class timestep_table {
public:
    /// Gives t the probability share_of(t) over the sum of all shares, mixed with a uniform part; where all are 0, the
    /// uniform one alone. Allocates nothing that was reserved.
    template <class ShareOf>
    void assign(isize steps, const ShareOf& share_of, double uniform_probability) {
        probability_.resize(static_cast<std::size_t>(steps));
        reached_.resize(probability_.size());
        double sum = 0;
        for (isize t = 0; t < steps; ++t) {
            sum += probability_[static_cast<std::size_t>(t)] = share_of(t);
        }
        const double even = 1 / static_cast<double>(steps);
        double reached = 0;
        for (std::size_t t = 0; t < probability_.size(); ++t) {
            double& p = probability_[t];
            p = sum > 0 ? (1 - uniform_probability) * p / sum + uniform_probability * even : even;
            reached_[t] = reached += p;
        }
    }

    void reserve(isize steps) {
        probability_.reserve(static_cast<std::size_t>(steps));
        reached_.reserve(static_cast<std::size_t>(steps));
    }

    /// Back to no timesteps at all.
    void clear() noexcept { probability_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return probability_.empty(); }
    [[nodiscard]] double probability(isize t) const noexcept { return probability_[static_cast<std::size_t>(t)]; }

    /// 1/(T p_t).
    [[nodiscard]] double unbiased_weight(isize t) const noexcept {
        return 1 / (static_cast<double>(probability_.size()) * probability(t));
    }

    /// The t that a uniform u of [0, 1) stands for.
    [[nodiscard]] isize at(double u) const noexcept {
        // Equal sums lie behind timesteps of probability 0: the first that exceeds u has some. Rounding may leave none.
        const auto found = std::upper_bound(reached_.begin(), reached_.end(), u * reached_.back());
        const auto place =
            found != reached_.end() ? found : std::lower_bound(reached_.begin(), reached_.end(), reached_.back());
        return place - reached_.begin();
    }

private:
    std::vector<double> probability_, reached_;
};

/// The mass of the standard normal between two points, also far out.
[[nodiscard]] inline double normal_mass(double low, double high) {
    const auto above = [](double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); };
    return low > 0 ? above(low) - above(high) : above(-high) - above(-low);
}

/// The mass that a normal has between each two edges that follow each other, from −∞ over edges to ∞.
template <class Options>
[[nodiscard]] timestep_table normal_table(const Options& options, const std::vector<double>& edges) {
    const auto at = [&](double edge) { return (edge - options.mean) / options.deviation; };
    timestep_table table;
    table.assign(
        static_cast<isize>(edges.size()) + 1,
        [&](isize t) {
            const auto i = static_cast<std::size_t>(t);
            return normal_mass(i == 0 ? -HUGE_VAL : at(edges[i - 1]), i == edges.size() ? HUGE_VAL : at(edges[i]));
        },
        options.uniform_probability);
    return table;
}

/// @throws value_error if the table is to be unbiased and a t has no probability
inline void require_unbiased_weights(const timestep_table& table, isize steps) {
    for (isize t = 0; t < steps; ++t) {
        if (!std::isfinite(table.unbiased_weight(t))) {
            throw value_error("timestep_sampling", text("probability of t = ", t),
                              "one with a finite inverse, to be unbiased: give a uniform_probability", table.probability(t));
        }
    }
}

template <NoiseSchedule Schedule>
[[nodiscard]] timestep_table make_timestep_table(const log_normal_timesteps& options, const Schedule& schedule) {
    const auto log_ratio = [&](isize t) {
        const double alpha_bar = static_cast<double>(schedule.alpha_bar(t));
        return 0.5 * (std::log1p(-alpha_bar) - std::log(alpha_bar));
    };
    std::vector<double> edges;
    for (isize t = 0; t + 1 < schedule.steps(); ++t) {
        edges.push_back(0.5 * (log_ratio(t) + log_ratio(t + 1)));
    }
    return normal_table(options, edges);
}

template <NoiseSchedule Schedule>
[[nodiscard]] timestep_table make_timestep_table(const logit_normal_timesteps& options, const Schedule& schedule) {
    std::vector<double> edges;
    for (isize t = 1; t < schedule.steps(); ++t) {
        edges.push_back(std::log(static_cast<double>(t) / static_cast<double>(schedule.steps() - t)));
    }
    return normal_table(options, edges);
}

}  // namespace ddpm::detail
