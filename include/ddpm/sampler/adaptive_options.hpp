// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <vector>

namespace ddpm {

/// The gains of a controller of step sizes: proportional, integral, differential.
struct step_control {
    double proportional = 0;
    double integral = 1;
    double differential = 0;
    double safety = 0.81;  ///< a step is accepted if the next would be at least so many times as long
};

/// DPM-Solver with steps chosen by its own error: each step is taken with order 1 and 2, or 2 and 3, and accepted if the
/// two agree. Each sample has steps of its own, so that it does not depend on its neighbours.
struct adaptive_dpm_solver {
    isize order = 3;                ///< of the better of the two, 2 or 3
    double relative_tolerance = 0.05;
    double absolute_tolerance = 0.0078;
    double first_step = 0.05;       ///< in λ = ln(α/σ)
    step_control control{};
    isize most_steps = 10000;       ///< accepted and rejected, after which a sample is given up; so is one that is not finite
};

/// What an adaptive run did.
template <Scalar S>
struct adaptive_result {
    batch<S> x;                     ///< D × N
    isize evaluations = 0;          ///< of the network, on the whole batch
    std::vector<isize> accepted{};  ///< steps, per sample
    std::vector<isize> rejected{};
    bool finished = true;           ///< false if a sample was given up, which then is where it had come to, or stopped
    bool stopped = false;           ///< the callback stopped the run: x is then the estimate of x_0
};

}  // namespace ddpm
