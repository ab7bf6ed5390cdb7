// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <vector>

namespace ddpm {

/// The noise-to-signal ratios σ_t = √((1 − ᾱ_t)/ᾱ_t) of a discrete schedule, with interpolation between timesteps.
/// @source Song et al. 2020, arXiv 2010.02502, section 4.3; DiscreteSchedule of k-diffusion
class sigma_table {
public:
    /// Used in place of ᾱ = 0, where σ is infinite: the smallest positive half-precision number, as in diffusers.
    static constexpr double least_alpha_bar = 0x1p-24;

    /// The ratios and their logarithms are computed in the schedule's floating-point type.
    template <NoiseSchedule Schedule>
    explicit sigma_table(const Schedule& schedule) {
        using real = real_of<Schedule>;
        for (isize t = 0; t < schedule.steps(); ++t) {
            const real known = schedule.alpha_bar(t);
            const real alpha_bar = known > 0 ? known : static_cast<real>(least_alpha_bar);
            const real ratio = std::sqrt((1 - alpha_bar) / alpha_bar);
            sigmas_.push_back(static_cast<double>(ratio));
            logs_.push_back(static_cast<double>(std::log(ratio)));
        }
    }

    /// T, the number of timesteps.
    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(sigmas_.size()); }

    /// σ_0 and σ_{T−1}.
    [[nodiscard]] sigma_range range() const { return {sigmas_.front(), sigmas_.back()}; }

    /// σ at a fractional timestep t, linearly interpolated in σ, as diffusers' linspace timesteps for Euler.
    /// @units t is 0-based
    /// @throws value_error unless 0 ≤ t ≤ T − 1
    /// @accuracy relative 1e-14 for a schedule in double
    [[nodiscard]] double sigma_at(double t) const {
        if (!(t >= 0 && t <= static_cast<double>(steps() - 1))) {
            throw value_error("sigma_table::sigma_at", "time", detail::text("0 <= t <= ", steps() - 1), t);
        }
        const double below = std::floor(t);
        const auto k = static_cast<std::size_t>(below);
        return t == below ? sigmas_[k] : sigmas_[k] + (t - below) * (sigmas_[k + 1] - sigmas_[k]);
    }

    /// The fractional timestep of σ, linearly interpolated in ln σ; 0 if σ < σ_0, T − 1 if σ > σ_{T−1}.
    /// @units the timestep is 0-based
    /// @throws value_error unless sigma ≥ 0
    /// @source sigma_to_t of k-diffusion and diffusers
    /// @accuracy within 1e-9 at timesteps of a schedule in double
    [[nodiscard]] double time_of(double sigma) const {
        if (!(sigma >= 0)) {
            throw value_error("sigma_table::time_of", "sigma", ">= 0", sigma);
        }
        // The last timestep whose ratio is ≤ sigma. The table may fall at its end, where least_alpha_bar replaces
        // ᾱ = 0.
        isize found = steps() - 1;
        while (found > 0 && !(sigmas_[static_cast<std::size_t>(found)] <= sigma)) {
            --found;
        }
        const isize below = std::min(found, steps() - 2);
        if (below < 0) {
            return 0;
        }
        const auto k = static_cast<std::size_t>(below);
        const double weight = std::clamp((std::log(sigma) - logs_[k]) / (logs_[k + 1] - logs_[k]), 0.0, 1.0);
        return static_cast<double>(below) + weight;
    }

    /// `count` of the table's σ within a range, the highest first, evenly spaced by index (rounded half to even). With
    /// the schedule of `cosine_beta` this is EDM's discretization of iDDPM.
    /// @throws value_error unless 1 ≤ count ≤ the number of σ within the range
    /// @source Karras et al. 2022, arXiv 2206.00364, table 1 (iDDPM's time steps)
    /// @accuracy exact
    [[nodiscard]] std::vector<double> select(isize count, const sigma_range& within) const {
        std::vector<double> inside;
        std::copy_if(sigmas_.rbegin(), sigmas_.rend(), std::back_inserter(inside),
                     [&](double sigma) { return sigma >= within.lowest && sigma <= within.highest; });
        const auto available = static_cast<isize>(inside.size());
        if (count < 1 || count > available) {
            throw value_error("sigma_table::select", "number of sigmas", detail::text("1 <= count <= ", available),
                              count);
        }
        std::vector<double> chosen{inside.front()};
        for (isize k = 1; k < count; ++k) {
            const double stride = static_cast<double>(available - 1) / static_cast<double>(count - 1);
            chosen.push_back(inside[static_cast<std::size_t>(std::nearbyint(static_cast<double>(k) * stride))]);
        }
        return chosen;
    }

private:
    std::vector<double> sigmas_;
    std::vector<double> logs_;
};

}  // namespace ddpm
