// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

namespace ddpm {

/// Weight 1 for the error as it is measured.
struct uniform_weighting {};

/// SNR on the error of x_0, which is 1 on that of ε, with SNR = α²/σ².
/// @source Salimans and Ho 2022, arXiv 2202.00512, section 4
struct snr_weighting {
    static constexpr prediction of = prediction::x0;  ///< the quantity whose error operator() weighs

    /// The weight of the squared error of x_0.
    /// @accuracy exact
    [[nodiscard]] double operator()(double snr) const { return snr; }

    /// The weight of the squared error of ε: that of x_0 divided by SNR.
    /// @accuracy exact
    [[nodiscard]] double on_other(double) const { return 1; }
};

/// max(SNR, least) on x_0. With least = 1 this is the larger of the errors of x_0 and ε.
/// @source Salimans and Ho 2022, arXiv 2202.00512, section 4
struct truncated_snr_weighting {
    static constexpr prediction of = prediction::x0;  ///< the quantity whose error operator() weighs
    double least = 1;                                 ///< of the weights on x_0

    /// The weight of the squared error of x_0.
    /// @accuracy exact
    [[nodiscard]] double operator()(double snr) const { return std::max(least, snr); }

    /// The weight of the squared error of ε: that of x_0 divided by SNR, and where that is 0/0 or ∞/∞ the limit.
    /// @accuracy at most one rounding (2⁻⁵³) of it
    [[nodiscard]] double on_other(double snr) const { return std::max(least / snr, 1.0); }
};

/// min(SNR, γ) on x_0.
/// @source Hang et al. 2023, arXiv 2303.09556, section 3.4
struct min_snr_weighting {
    static constexpr prediction of = prediction::x0;  ///< the quantity whose error operator() weighs
    double gamma = 5;                                 ///< γ, the largest weight on x_0

    /// The weight of the squared error of x_0.
    /// @accuracy exact
    [[nodiscard]] double operator()(double snr) const { return std::min(gamma, snr); }

    /// The weight of the squared error of ε: that of x_0 divided by SNR, and where that is 0/0 or ∞/∞ the limit.
    /// @accuracy at most one rounding of it
    [[nodiscard]] double on_other(double snr) const { return std::min(gamma / snr, 1.0); }
};

/// SNR · γ / (SNR + γ) on x_0: a smooth min(SNR, γ). γ is σ_data⁻².
/// @source Crowson et al. 2024, arXiv 2401.11605, section 4.5
struct soft_min_snr_weighting {
    static constexpr prediction of = prediction::x0;  ///< the quantity whose error operator() weighs
    double gamma = 4;                                 ///< γ, the limit of the weights on x_0

    /// The weight of the squared error of x_0.
    /// @accuracy at most 3 roundings of it
    [[nodiscard]] double operator()(double snr) const { return std::isinf(snr) ? gamma : snr * gamma / (snr + gamma); }

    /// The weight of the squared error of ε: that of x_0 divided by SNR, and where that is 0/0 or ∞/∞ the limit.
    /// @accuracy at most 2 roundings of it
    [[nodiscard]] double on_other(double snr) const { return gamma / (snr + gamma); }
};

/// (k + SNR)^−γ on ε.
/// @source Choi et al. 2022, arXiv 2204.00227, equation 8
struct p2_weighting {
    static constexpr prediction of = prediction::epsilon;  ///< the quantity whose error operator() weighs
    double gamma = 1;                                      ///< γ; 0: weight 1 on ε
    double k = 1;                                          ///< k > 0 makes the weight finite at SNR = 0

    /// The weight of the squared error of ε.
    /// @accuracy at most 4 + |γ| roundings of it
    [[nodiscard]] double operator()(double snr) const { return std::pow(k + snr, -gamma); }

    /// The weight of the squared error of x_0: that of ε times SNR, and where that is 0 · ∞ the limit.
    /// @accuracy at most 6 + |γ| roundings of it for k > 0
    [[nodiscard]] double on_other(double snr) const {
        return k == 0 || std::isinf(snr) ? std::pow(snr, 1 - gamma) : snr * std::pow(k + snr, -gamma);
    }
};

/// SNR + σ_data⁻² on x_0: 1 on the output of a network preconditioned for σ_data; with σ_data = 1, 1 on v.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
struct edm_weighting {
    static constexpr prediction of = prediction::x0;  ///< the quantity whose error operator() weighs
    double sigma_data = 0.5;                          ///< σ_data, the standard deviation of the data; > 0

    /// The weight of the squared error of x_0.
    /// @accuracy at most 4 roundings of it
    [[nodiscard]] double operator()(double snr) const { return snr + 1 / (sigma_data * sigma_data); }

    /// The weight of the squared error of ε: that of x_0 divided by SNR, and where that is ∞/∞ the limit.
    /// @accuracy at most 5 roundings of it
    [[nodiscard]] double on_other(double snr) const { return 1 + 1 / (sigma_data * sigma_data) / snr; }
};

/// T/2 · (SNR_{t−1} − SNR_t) on x_0, T/2 · expm1(γ_t − γ_{t−1}) on ε with γ = −ln SNR. The mean over t is then the
/// diffusion loss of the variational bound with T timesteps, in nats. 0 at t = 0, which is the bound's reconstruction
/// term. Not defined for continuous schedules.
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 13 and 14
struct vdm_weighting {};

/// γ′(u)/2 on ε with γ = −ln SNR: the diffusion loss in continuous time. For a discrete schedule u = t/T, and γ′ is a
/// finite difference between t − 1 and t + 1; for a continuous one u is its time.
/// @source Kingma et al. 2021, arXiv 2107.00630, equation 17
struct continuous_vdm_weighting {};

/// The weight of a loss as a function of time.
using loss_weighting =
    std::variant<uniform_weighting, snr_weighting, truncated_snr_weighting, min_snr_weighting, soft_min_snr_weighting,
                 p2_weighting, edm_weighting, vdm_weighting, continuous_vdm_weighting>;

namespace detail {

/// The signal-to-noise ratio ᾱ_t / (1 − ᾱ_t).
template <NoiseSchedule Schedule>
[[nodiscard]] double snr_at(const Schedule& schedule, isize t) {
    const double alpha_bar = static_cast<double>(schedule.alpha_bar(t));
    return alpha_bar / (1 - alpha_bar);
}

template <NoiseSchedule Schedule>
[[nodiscard]] double vdm_x0_weight(const Schedule& schedule, isize t) {
    if (t == 0) {
        return 0;
    }
    const double before = static_cast<double>(schedule.alpha_bar(t - 1));
    const double fall = before * static_cast<double>(transition_at(schedule, t - 1, t).variance);
    return static_cast<double>(schedule.steps()) / 2 * fall /
           ((1 - before) * (1 - static_cast<double>(schedule.alpha_bar(t))));
}

template <NoiseSchedule Schedule>
[[nodiscard]] double continuous_vdm_epsilon_weight(const Schedule& schedule, isize t) {
    const isize before = std::max<isize>(0, t - 1), after = std::min<isize>(schedule.steps() - 1, t + 1);
    const double rise = std::log(snr_at(schedule, before)) - std::log(snr_at(schedule, after));
    return static_cast<double>(schedule.steps()) / 2 * rise / static_cast<double>(after - before);
}

template <ContinuousSchedule Schedule>
    requires(!NoiseSchedule<Schedule>)
[[nodiscard]] double snr_at(const Schedule& schedule, double u) {
    const auto [signal, sigma] = noise_level_at(schedule, u);
    return (signal / sigma) * (signal / sigma);
}

template <ContinuousSchedule Schedule>
    requires(!NoiseSchedule<Schedule>)
[[nodiscard]] double vdm_x0_weight(const Schedule&, double) {
    throw value_error("weight_at", "weighting in continuous time", "continuous_vdm_weighting, or one by the SNR",
                      "vdm_weighting");
}

template <ContinuousSchedule Schedule>
    requires(!NoiseSchedule<Schedule>)
[[nodiscard]] double continuous_vdm_epsilon_weight(const Schedule& schedule, double u) {
    return -log_snr_slope_at(schedule, u) / 2;
}

/// A weight as a function of the SNR, by the quantity on which it is defined, and on the other.
struct weight_of_snr {
    prediction of;
    double usual, on_other;
};

/// The weight of a weighting that depends only on the SNR.
[[nodiscard]] inline weight_of_snr weight_at_snr(const loss_weighting& weighting, double snr) {
    weight_of_snr found{};
    const auto take = [&]<class W>(const W* w) {
        if (w != nullptr) {
            found = {W::of, (*w)(snr), w->on_other(snr)};
        }
    };
    take(std::get_if<snr_weighting>(&weighting));
    take(std::get_if<truncated_snr_weighting>(&weighting));
    take(std::get_if<min_snr_weighting>(&weighting));
    take(std::get_if<soft_min_snr_weighting>(&weighting));
    take(std::get_if<p2_weighting>(&weighting));
    take(std::get_if<edm_weighting>(&weighting));
    return found;
}

}  // namespace detail

/// The weight of the squared error of `kind` at t: the weighting's weight for x_0 or ε times the squared factor between
/// the two errors. Where α or σ is 0 it is the limit: for min_snr_weighting with zero terminal SNR, 1 on ε and 0 on v.
/// @units t is 0-based, or the time u of a continuous schedule
/// @throws value_error unless the schedule is defined at t; where the weight is not finite (at α = 0:
/// truncated_snr_weighting, edm_weighting and vdm_weighting on ε or the score; at σ = 0: all on x_0 except
/// min_snr_weighting and soft_min_snr_weighting; continuous_vdm_weighting at both, and for T = 1); where the parameters
/// make the weight negative; for vdm_weighting in continuous time
/// @accuracy from ᾱ_t, of the weightings by the SNR: at most 24 roundings (2⁻⁵³) of it, of p2_weighting 24 + 4 |γ|
template <NoiseProcess Schedule>
[[nodiscard]] double weight_at(const Schedule& schedule, const loss_weighting& weighting, prediction kind,
                               time_type<Schedule> t) {
    const auto level = noise_level_at(schedule, t);
    const auto converted = [&](double weight, prediction of) {
        const double scale = error_factor(kind, of, level);
        return weight * (scale * scale);
    };
    double weight = 1;
    if (std::holds_alternative<vdm_weighting>(weighting)) {
        weight = converted(detail::vdm_x0_weight(schedule, t), prediction::x0);
    } else if (std::holds_alternative<continuous_vdm_weighting>(weighting)) {
        weight = converted(detail::continuous_vdm_epsilon_weight(schedule, t), prediction::epsilon);
    } else if (!std::holds_alternative<uniform_weighting>(weighting)) {
        const auto [of, usual, on_other] = detail::weight_at_snr(weighting, detail::snr_at(schedule, t));
        weight = converted(usual, of);
        if (!std::isfinite(weight)) {
            weight = converted(on_other, of == prediction::x0 ? prediction::epsilon : prediction::x0);
        }
        weight = weight >= 0 ? weight : std::numeric_limits<double>::quiet_NaN();
    }
    if (!std::isfinite(weight)) {
        throw value_error("weight_at", detail::text("weight of the error of ", name_of(kind), " at t = ", t),
                          "finite and >= 0", weight);
    }
    return weight;
}

}  // namespace ddpm
