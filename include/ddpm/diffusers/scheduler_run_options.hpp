// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <optional>

namespace ddpm::diffusers {

/// What diffusers is told at run time, not by the file.
struct scheduler_run_options {
    std::optional<double> eta{};  ///< stochasticity of DDIM and TCD; without one diffusers' default: 0 and 0.3
    std::optional<double> mu{};   ///< of dynamic shifting
    std::optional<double>
        image_length{};      ///< the number of tokens of an image, from which μ follows if it is not given
    isize jump_length = 10;  ///< of RePaint
    isize jump_count = 10;   ///< of RePaint
};

}  // namespace ddpm::diffusers
