// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace ddpm {

/// Tables in double precision, whatever the scalar type of the samples.
struct exact_tables {
    using real = double;
};

/// Tables and coefficients in single precision, rounded as in torch and diffusers. Use it only for bit parity with
/// them, since 1 − ᾱ_t/ᾱ_{t−1} loses up to four digits.
struct float32_tables {
    using real = float;
};

/// The floating-point type `real` in which a schedule's tables are stored.
template <class T>
concept TablePolicy = std::floating_point<typename T::real>;

/// The coefficients of one timestep t.
template <std::floating_point Real>
struct schedule_entry {
    Real beta;                               ///< β_t, the variance of q(x_t|x_{t−1})
    Real alpha;                              ///< 1 − β_t
    Real alpha_bar;                          ///< the product of α_0 … α_t
    Real sqrt_alpha_bar;                     ///< √ᾱ_t, the scale of x_0 in q(x_t|x_0)
    Real sqrt_one_minus_alpha_bar;           ///< √(1 − ᾱ_t), the scale of the noise in q(x_t|x_0)
    Real snr;                                ///< signal-to-noise ratio ᾱ / (1 − ᾱ)
    Real log_snr;                            ///< ln snr
    posterior_coefficients<Real> posterior;  ///< of q(x_{t−1}|x_t, x_0); its variance is β̃_t
    Real posterior_log_variance;             ///< ln β̃_t; at t = 0 the value of t = 1 (if T = 1, ln 1e-20)
};

/// A discrete noise schedule of T timesteps: an immutable table computed from a `BetaSchedule`.
/// @accuracy from β: ᾱ_t at most 2 (t + 1) roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of it. The rest of an entry from
/// its β, α and ᾱ: the roots as noise_level_at, snr at most 3 roundings of it, log_snr 3 of 1 + |log_snr|, the posterior
/// as posterior_between, its logarithm as clipped_log
/// @source Ho et al. 2020, arXiv 2006.11239, section 2; the log-variance: Nichol and Dhariwal 2021, arXiv 2102.09672
template <TablePolicy Tables = exact_tables>
class noise_schedule {
public:
    using real = typename Tables::real;

    /// The schedule with β_t = beta(t, steps). If the operator() of `beta` is a template over the floating-point type,
    /// it computes in the type of the tables.
    /// @throws value_error unless T ≥ 1, every β is in (0, 1], and ᾱ falls strictly, so that only the last one may be
    /// 0; the message names t and the value
    template <BetaSchedule Beta>
    noise_schedule(const Beta& beta, isize steps) {
        if (steps < 1) {
            throw value_error("noise_schedule", "number of steps", ">= 1", steps);
        }
        entries_.reserve(static_cast<std::size_t>(steps));
        double product = 1;
        for (isize t = 0; t < steps; ++t) {
            append(t, detail::beta_in<real>(beta, t, steps), product);
        }
        entries_.front().posterior_log_variance =
            steps > 1 ? entries_[1].posterior_log_variance : static_cast<real>(std::log(smallest_variance));
    }

    // For what is no beta: the compiler's first error says what is wanted.
    template <class Beta>
        requires(!BetaSchedule<Beta>)
    noise_schedule(const Beta&, isize) {
        static_assert(BetaSchedule<Beta>,
                      "ddpm: wanted is a beta that is called as const: double beta(isize t, isize steps)");
    }

    /// The schedule of a list β_0 … β_{T−1}.
    /// @throws value_error as above
    explicit noise_schedule(std::span<const double> betas)
        : noise_schedule([&](isize t, isize) { return betas[static_cast<std::size_t>(t)]; },
                         static_cast<isize>(betas.size())) {}

    /// T, the number of timesteps.
    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(entries_.size()); }

    /// The table: entry t is that of the 0-based timestep t.
    [[nodiscard]] std::span<const schedule_entry<real>> entries() const noexcept { return entries_; }

    /// The coefficients of timestep t.
    /// @units t is 0-based
    /// @throws value_error unless 0 ≤ t < T
    [[nodiscard]] const schedule_entry<real>& operator[](isize t) const {
        require_timestep("noise_schedule", *this, t);
        return entries_[static_cast<std::size_t>(t)];
    }

    /// β_t.
    /// @units t is 0-based
    /// @throws value_error unless 0 ≤ t < T
    [[nodiscard]] real beta(isize t) const { return (*this)[t].beta; }

    /// ᾱ_t = (1 − β_0) · … · (1 − β_t).
    /// @units t is 0-based
    /// @throws value_error unless 0 ≤ t < T
    [[nodiscard]] real alpha_bar(isize t) const { return (*this)[t].alpha_bar; }

private:
    // As torch.cumprod on a CPU does, this keeps the running product in double and rounds each entry.
    void append(isize t, real beta, double& product) {
        if (!(beta > 0 && beta <= 1)) {
            throw value_error("noise_schedule", detail::text("beta at t = ", t), "0 < beta <= 1", beta);
        }
        const real previous = static_cast<real>(product);
        const real alpha = 1 - beta;
        product *= static_cast<double>(alpha);
        const real alpha_bar = static_cast<real>(product);
        if (!(alpha_bar < previous)) {
            const bool underflows = previous < std::numeric_limits<real>::min();
            throw value_error("noise_schedule", detail::text("alpha_bar at t = ", underflows ? t - 1 : t),
                              underflows ? detail::text("at least ", std::numeric_limits<real>::min(),
                                                        " before the last timestep, which alone may be 0 (beta is too "
                                                        "large for so many steps)")
                                         : detail::text("less than ", previous, " (beta is too small to be felt)"),
                              underflows ? previous : alpha_bar);
        }
        const auto [signal, sigma] = noise_level_of(alpha_bar);
        const real snr = alpha_bar / (1 - alpha_bar);
        const auto posterior = posterior_between(previous, alpha_bar, alpha, beta);
        entries_.push_back(
            {beta, alpha, alpha_bar, signal, sigma, snr, std::log(snr), posterior, clipped_log(posterior.variance)});
    }

    std::vector<schedule_entry<real>> entries_;
};

DDPM_CLASS_INSTANCE(class noise_schedule<exact_tables>)

}  // namespace ddpm
