// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <cmath>
#include <variant>

namespace ddpm {

// How training chooses the timesteps of a batch. Where t is not uniform but the loss is to be the mean over all t, each
// sample counts 1/(T p_t): its expectation is then that of a uniform t. In continuous time the range of times that is
// trained stands for 0 … T, and p for the density.

/// Each t by itself, uniformly.
struct uniform_timesteps {};

/// In pairs, t and T − 1 − t: each is uniform.
/// @source Song et al. 2020, arXiv 2010.02502, the authors' code
struct antithetic_timesteps {};

/// Sample n of a batch of B has its own stratum, the times [n/B, (n + 1)/B) of [0, 1): together they are uniform.
/// Strata span the whole batch, in however many parts it goes through the network. With one offset the times are a comb
/// with even gaps.
/// @source Kingma et al. 2021, arXiv 2107.00630, appendix I.1, for one offset
struct stratified_timesteps {
    bool one_offset = false;  ///< one random number for all samples of a batch
};

/// t in proportion to the root of the mean square of its last losses, a small part of the time uniformly; unbiased.
/// Uniform until every t has all its losses. Not in continuous time.
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, section 3.3 and the authors' code
struct importance_timesteps {
    isize history = 10;                  ///< losses kept of each t
    double uniform_probability = 0.001;  ///< how often t is uniform
};

/// The t whose ln(σ/α) is nearest to a normal one; in continuous time that time itself, of a normal cut to the range, for
/// which the schedule must be an InvertibleSchedule.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
struct log_normal_timesteps {
    double mean = -1.2;
    double deviation = 1.2;
    bool unbiased = false;           ///< else what is frequent counts more, as in the source
    double uniform_probability =
        0;  ///< how often t is uniform; an unbiased estimate needs some where the normal has no mass
};

/// t = ⌊u T⌋ with the logarithm of u/(1 − u) normal; in continuous time the part u of the range.
/// @source Esser et al. 2024, arXiv 2403.03206, section 3.1
struct logit_normal_timesteps {
    double mean = 0;
    double deviation = 1;
    bool unbiased = false;           ///< else what is frequent counts more, as in the source
    double uniform_probability = 0;  ///< how often t is uniform
};

using timestep_sampling = std::variant<uniform_timesteps, antithetic_timesteps, stratified_timesteps,
                                       importance_timesteps, log_normal_timesteps, logit_normal_timesteps>;

namespace detail {

/// The place in [0, 1) of sample n of a batch of B; random(k) is a uniform number of [0, 1) of sample k.
template <class Random>
[[nodiscard]] double stratified_place(const stratified_timesteps& o, isize n, isize batch, const Random& random) {
    const double b = static_cast<double>(batch), place = static_cast<double>(n);
    if (!o.one_offset) {
        return (place + random(n)) / b;
    }
    const double comb = random(isize{0}) + place / b;
    return comb - std::floor(comb);
}

inline void require_probability(double value, double least) {
    if (!(value >= least && value <= 1)) {
        throw value_error("timestep_sampling", "uniform_probability", text("in [", least, ", 1]"), value);
    }
}

inline void require_valid(const importance_timesteps& o) {
    if (o.history < 1) {
        throw value_error("timestep_sampling", "history", ">= 1", o.history);
    }
    require_probability(o.uniform_probability, 1e-12);
}

template <class Normal>
    requires requires(const Normal& o) { o.deviation; }
void require_valid(const Normal& o) {
    if (!std::isfinite(o.mean) || !(o.deviation > 0) || !std::isfinite(o.deviation)) {
        throw value_error("timestep_sampling", "normal", "finite mean, deviation > 0", text(o.mean, ", ", o.deviation));
    }
    require_probability(o.uniform_probability, 0);
}

/// @throws value_error for options outside their domain
inline void require_valid(const timestep_sampling& sampling) {
    std::visit(
        [](const auto& options) {
            if constexpr (requires { options.uniform_probability; }) {
                require_valid(options);
            }
        },
        sampling);
}

}  // namespace detail

}  // namespace ddpm
