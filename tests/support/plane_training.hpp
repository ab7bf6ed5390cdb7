// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/time_sampling.hpp>

#include <cstdint>

namespace ddpm::test {

/// Options with which a small network soon draws well from a distribution in the plane.
[[nodiscard]] inline trainer_options plane_training(isize batch, isize steps, std::uint64_t seed) {
    return {.batch = batch,
            .learning_rate = 3e-3,
            .rate_schedule = {.warm_up_steps = 100, .total_steps = steps},
            .ema = {.decay = 0.998},
            .predicts = prediction::v,
            .time_sampling = stratified_times{},
            .seed = seed};
}

}  // namespace ddpm::test
