// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/sampler/adaptive_options.hpp>

#include <cmath>

namespace ddpm::detail {

/// Chooses steps so that their errors stay near 1.
/// @source Söderlind 2003, doi 10.1145/641876.641877; with the limiter of Söderlind and Wang 2006
class step_controller {
public:
    step_controller(const step_control& gains, double first_step, isize order)
        : safety_(gains.safety),
          step_(first_step),
          of_now_((gains.proportional + gains.integral + gains.differential) / static_cast<double>(order)),
          of_last_(-(gains.proportional + 2 * gains.differential) / static_cast<double>(order)),
          of_before_(gains.differential / static_cast<double>(order)) {}

    /// The step to try.
    [[nodiscard]] double step() const noexcept { return step_; }

    /// Says whether a step with this error is good enough, and chooses the next: a fifth where the error is not finite.
    [[nodiscard]] bool accepts(double error) {
        if (!std::isfinite(error)) {
            step_ /= 5;
            return false;
        }
        const double inverse = 1 / (error + 1e-8);
        if (last_ == 0) {
            last_ = before_ = inverse;
        }
        const double wish = std::pow(inverse, of_now_) * std::pow(last_, of_last_) * std::pow(before_, of_before_);
        const double factor = 1 + std::atan(wish - 1);
        const bool accepted = factor >= safety_;
        if (accepted) {
            before_ = last_;
            last_ = inverse;
        }
        step_ *= factor;
        return accepted;
    }

private:
    double safety_;
    double step_;
    double of_now_, of_last_, of_before_;  // exponents of the inverse errors
    double last_ = 0, before_ = 0;         // inverse errors of the accepted steps before
};

}  // namespace ddpm::detail
