// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/train/detail/checkpoint_format.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/timestep_sampling.hpp>

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace ddpm::detail {

/// The name and the values of a way to choose timesteps.
[[nodiscard]] inline std::string timesteps_text(const timestep_sampling& sampling) {
    constexpr const char* names[] = {"uniform", "antithetic", "stratified", "importance", "log_normal", "logit_normal"};
    std::string out = names[sampling.index()];
    const auto add = [&](const auto&... values) { ((out += ' ' + exact_text(values)), ...); };
    std::visit(
        [&](const auto& o) {
            if constexpr (requires { o.one_offset; }) {
                add(static_cast<int>(o.one_offset));
            } else if constexpr (requires { o.history; }) {
                add(o.history, o.uniform_probability);
            } else if constexpr (requires { o.deviation; }) {
                add(o.mean, o.deviation, static_cast<int>(o.unbiased), o.uniform_probability);
            }
        },
        sampling);
    return out;
}

/// Everything of a trainer, beside its network, loss and data, that decides what it does: the name and exact value of
/// each option, and a hash (FNV-1a) of the schedule's ᾱ.
template <NoiseSchedule Schedule>
[[nodiscard]] std::map<std::string, std::string> fingerprint(const trainer_options& o, prediction kind,
                                                             const Schedule& schedule) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (index t = 0; t < schedule.steps(); ++t) {
        const std::uint64_t bits = std::bit_cast<std::uint64_t>(static_cast<double>(schedule.alpha_bar(t)));
        for (int byte = 0; byte < 8; ++byte) {
            hash = (hash ^ (bits >> (8 * byte) & 0xff)) * 0x100000001b3;
        }
    }
    return {
        {"batch", exact_text(o.batch)},
        {"micro_batch", exact_text(o.micro_batch)},
        {"learning_rate", exact_text(o.learning_rate)},
        {"warm_up_steps", exact_text(o.rate_schedule.warm_up_steps)},
        {"total_steps", exact_text(o.rate_schedule.total_steps)},
        {"adam.beta1", exact_text(o.adam.beta1)},
        {"adam.beta2", exact_text(o.adam.beta2)},
        {"adam.epsilon", exact_text(o.adam.epsilon)},
        {"adam.weight_decay", exact_text(o.adam.weight_decay)},
        {"adam.decoupled", o.adam.decoupled ? "true" : "false"},
        {"ema.decay", exact_text(o.ema.decay)},
        {"ema.min_decay", exact_text(o.ema.min_decay)},
        {"ema.warm_up", exact_text(static_cast<int>(o.ema.warm_up))},
        {"ema.inverse_gamma", exact_text(o.ema.inverse_gamma)},
        {"ema.power", exact_text(o.ema.power)},
        {"ema.update_after_step", exact_text(o.ema.update_after_step)},
        {"largest_gradient_norm", exact_text(o.largest_gradient_norm)},
        {"timesteps", timesteps_text(o.timesteps)},
        {"offset_noise", exact_text(o.offset_noise)},
        {"predicts", exact_text(static_cast<int>(kind))},
        {"seed", exact_text(o.seed)},
        {"schedule.steps", exact_text(static_cast<index>(schedule.steps()))},
        {"schedule.alpha_bar_hash", exact_text(hash)},
    };
}

}  // namespace ddpm::detail
