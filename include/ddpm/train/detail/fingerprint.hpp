// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/detail/checkpoint_format.hpp>
#include <ddpm/train/detail/training_times.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/timestep_sampling.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
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

/// A hash of numbers (FNV-1a).
class number_hash {
public:
    void add(double value) noexcept {
        const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
        for (int byte = 0; byte < 8; ++byte) {
            hash_ = (hash_ ^ (bits >> (8 * byte) & 0xff)) * 0x100000001b3;
        }
    }
    [[nodiscard]] std::string text() const { return exact_text(hash_); }

private:
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

/// What of a schedule decides what a trainer does: all ᾱ of a discrete one; of a continuous one the times that are
/// trained, and the levels and the network's times at some of them.
template <NoiseProcess Schedule>
[[nodiscard]] std::map<std::string, std::string> schedule_fingerprint(const trainer_options& o,
                                                                      const Schedule& schedule) {
    number_hash hash;
    if constexpr (NoiseSchedule<Schedule>) {
        for (isize t = 0; t < schedule.steps(); ++t) {
            hash.add(static_cast<double>(schedule.alpha_bar(t)));
        }
        return {{"schedule.steps", exact_text(static_cast<isize>(schedule.steps()))},
                {"schedule.alpha_bar_hash", hash.text()}};
    } else {
        const auto [first, last] = training_times(o, schedule);
        constexpr int count = 256;
        for (int k = 0; k < count; ++k) {
            const double s = (k + 0.5) / count;
            const double u = first + (std::isinf(last) ? s / (1 - s) : s * (last - first));
            const auto [signal, sigma] = schedule.level(u);
            for (const double value : {signal, sigma, model_time_at(schedule, u)}) {
                hash.add(value);
            }
        }
        return {{"schedule.times", exact_text(first) + ' ' + exact_text(last)}, {"schedule.level_hash", hash.text()}};
    }
}

/// Everything of a trainer, beside its network, loss and data, that decides what it does: the name and exact value of
/// each option, and the schedule.
template <NoiseProcess Schedule>
[[nodiscard]] std::map<std::string, std::string> fingerprint(const trainer_options& o, prediction kind,
                                                             const Schedule& schedule) {
    std::map<std::string, std::string> all = schedule_fingerprint(o, schedule);
    all.insert({
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
    });
    if (o.self_conditioning != 0) {  // checkpoints from before it existed say nothing of it
        all.insert({"self_conditioning", exact_text(o.self_conditioning)});
    }
    return all;
}

/// The value of an option for a message: in words where a number stands for one of several.
[[nodiscard]] inline std::string option_text(std::string_view name, const std::string& value) {
    constexpr std::array<std::string_view, 3> warm_ups{"rational", "power", "none"};
    if (value.size() == 1 && value[0] >= '0' && value[0] <= '9') {
        const int number = value[0] - '0';
        if (name == "predicts" && number <= static_cast<int>(prediction::flow)) {
            return std::string(name_of(static_cast<prediction>(number)));
        }
        if (name == "ema.warm_up" && number < static_cast<int>(warm_ups.size())) {
            return std::string(warm_ups[static_cast<std::size_t>(number)]);
        }
    }
    return value;
}

}  // namespace ddpm::detail
