// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm {

/// How samples are drawn by turns of a Langevin corrector and a reverse diffusion predictor.
struct predictor_corrector {
    isize corrections = 1;      ///< Langevin steps before each predictor step, ≥ 0
    double signal_to_noise = 0.15;  ///< r: a correction's step is 2 (r ‖z‖/‖score‖)²
    bool batch_norms = false;   ///< the norms are the batch's means, as in diffusers, instead of each sample's own
    bool noise_at_end = false;  ///< the last step draws noise, as in diffusers
};

}  // namespace ddpm
