// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>

#include <cmath>
#include <optional>
#include <variant>

namespace ddpm {

// How training draws the times of a batch: timesteps t = 0 … T − 1 of a discrete schedule, or times in the range of a
// continuous one. An unbiased strategy that is not uniform gives each sample the weight 1/(T p_t), in continuous time
// 1/p(t) with the density p relative to the uniform one, so that the expected loss is that of uniform times. `name` is
// the strategy's name in a checkpoint.

/// Uniform, each time independent.
struct uniform_times {
    static constexpr const char* name = "uniform";
};

/// Uniform, in pairs t and T − 1 − t.
/// @source Song et al. 2020, arXiv 2010.02502, the authors' code
struct antithetic_times {
    static constexpr const char* name = "antithetic";
};

/// Uniform, stratified over the batch: sample n of B has a time in [n/B, (n + 1)/B) of [0, 1). Micro-batches do not
/// change the strata. With one_offset the times are evenly spaced, with one random offset.
/// @source Kingma et al. 2021, arXiv 2107.00630, appendix I.1, for one offset
struct stratified_times {
    static constexpr const char* name = "stratified";
    bool one_offset = false;  ///< one random offset for all samples of a batch
};

/// Probability proportional to the root mean square of the last losses of t, mixed with a uniform part; unbiased.
/// Uniform until every t has `history` losses. Not for continuous time.
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, section 3.3 and the authors' code
struct importance_times {
    static constexpr const char* name = "importance";
    isize history = 10;                  ///< losses stored per t
    double uniform_probability = 0.001;  ///< probability of a uniform t
};

/// ln(σ/α) is normal: the nearest t of a discrete schedule; in continuous time the normal is truncated to the range,
/// and the schedule must be an InvertibleSchedule.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
struct log_normal_times {
    static constexpr const char* name = "log_normal";
    double mean = -1.2;
    double deviation = 1.2;
    bool unbiased = false;           ///< otherwise frequent times count more, as in the source
    double uniform_probability = 0;  ///< > 0 if unbiased and a t has normal probability 0
};

/// t = ⌊u T⌋ with ln(u/(1 − u)) normal; in continuous time u is the position in the range.
/// @source Esser et al. 2024, arXiv 2403.03206, section 3.1
struct logit_normal_times {
    static constexpr const char* name = "logit_normal";
    double mean = 0;
    double deviation = 1;
    bool unbiased = false;           ///< otherwise frequent times count more, as in the source
    double uniform_probability = 0;  ///< probability of a uniform t
};

/// The strategies.
using time_sampling = std::variant<uniform_times, antithetic_times, stratified_times, importance_times,
                                   log_normal_times, logit_normal_times>;

/// A drawn time and its weight in the loss. `Time` is isize for a timestep, double in continuous time.
template <class Time>
struct drawn_time {
    Time t;
    double weight = 1;
};

namespace detail {

/// The options of the two normal strategies.
struct normal_times {
    bool of_log_ratio;  ///< ln(σ/α) is normal; otherwise the logit of the time
    double mean, deviation;
    bool unbiased;
    double uniform_probability;

    [[nodiscard]] double standardized(double x) const noexcept { return (x - mean) / deviation; }
};

/// Empty for the other strategies.
[[nodiscard]] inline std::optional<normal_times> normal_of(const time_sampling& sampling) {
    if (const auto* o = std::get_if<log_normal_times>(&sampling)) {
        return normal_times{true, o->mean, o->deviation, o->unbiased, o->uniform_probability};
    }
    if (const auto* o = std::get_if<logit_normal_times>(&sampling)) {
        return normal_times{false, o->mean, o->deviation, o->unbiased, o->uniform_probability};
    }
    return std::nullopt;
}

/// @throws value_error for options outside their domain
inline void require_valid(const time_sampling& sampling) {
    const auto require_probability = [](double value, double least) {
        detail::require(value >= least && value <= 1, "time_sampling", "uniform_probability", {"in [", least, ", 1]"},
                        {value});
    };
    if (const auto* o = std::get_if<importance_times>(&sampling)) {
        detail::require(o->history >= 1, "time_sampling", "history", {">= 1"}, {o->history});
        require_probability(o->uniform_probability, 1e-12);
    } else if (const auto normal = normal_of(sampling)) {
        detail::require(std::isfinite(normal->mean) && normal->deviation > 0 && std::isfinite(normal->deviation),
                        "time_sampling", "normal", {"finite mean, deviation > 0"},
                        {normal->mean, ", ", normal->deviation});
        require_probability(normal->uniform_probability, 0);
    }
}

}  // namespace detail

}  // namespace ddpm
