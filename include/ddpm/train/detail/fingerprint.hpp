// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/detail/loss_text.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/time_sampling.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace ddpm::detail {

// Structured bindings name all members of each struct of options, so that a new member does not compile until it is
// handled here.

/// The name and the options of a time sampling strategy.
template <class Strategy>
[[nodiscard]] std::string strategy_text(const Strategy& o) {
    if constexpr (requires { o.one_offset; }) {
        const auto& [one_offset] = o;
        return words(Strategy::name, one_offset);
    } else if constexpr (requires { o.history; }) {
        const auto& [history, uniform_probability] = o;
        return words(Strategy::name, history, uniform_probability);
    } else if constexpr (!std::is_empty_v<Strategy>) {
        const auto& [mean, deviation, unbiased, uniform_probability] = o;
        return words(Strategy::name, mean, deviation, unbiased, uniform_probability);
    } else {
        return Strategy::name;
    }
}

/// Identifies a schedule: by all ᾱ if it is discrete; by the range of times, and by noise level and model time at some
/// times, if it is continuous.
template <NoiseProcess Schedule>
[[nodiscard]] std::map<std::string, std::string> schedule_fingerprint(const trainer_options& o,
                                                                      const Schedule& schedule) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    const auto add = [&](double value) {
        for (int byte = 0; byte < 8; ++byte) {
            hash = (hash ^ (std::bit_cast<std::uint64_t>(value) >> (8 * byte) & 0xff)) * 0x100000001b3;
        }
    };
    if constexpr (NoiseSchedule<Schedule>) {
        for (isize t = 0; t < schedule.steps(); ++t) {
            add(static_cast<double>(schedule.alpha_bar(t)));
        }
        return {{"schedule.steps", exact_text(static_cast<isize>(schedule.steps()))},
                {"schedule.alpha_bar_hash", exact_text(hash)}};
    } else {
        const auto [first, last] = o.times.value_or(times_of(schedule));
        constexpr int count = 256;
        for (int k = 0; k < count; ++k) {
            const double s = (k + 0.5) / count;
            const double u = first + (std::isinf(last) ? s / (1 - s) : s * (last - first));
            const auto [signal, sigma] = schedule.level(u);
            for (const double value : {signal, sigma, model_time_at(schedule, u)}) {
                add(value);
            }
        }
        return {{"schedule.times", exact_text(first) + ' ' + exact_text(last)},
                {"schedule.level_hash", exact_text(hash)}};
    }
}

/// The name and exact value of each option that changes the training's results, and of the schedule and the loss, whose
/// text is that of loss_text.
template <NoiseProcess Schedule>
[[nodiscard]] std::map<std::string, std::string> fingerprint(const trainer_options& o, prediction kind,
                                                             const Schedule& schedule, const std::string& loss) {
    const auto& [batch, micro_batch, recompute, products, learning_rate, rate_schedule, adam, ema,
                 largest_gradient_norm, predicts, sampling, times, self_conditioning, offset_noise, seed] = o;
    const auto& [warm_up_steps, total_steps] = rate_schedule;
    const auto& [beta1, beta2, epsilon, weight_decay, decoupled] = adam;
    const auto& [decay, min_decay, warm_up, inverse_gamma, power, update_after_step] = ema;
    static_cast<void>(recompute);  // does not change the results
    static_cast<void>(predicts);   // is `kind`
    static_cast<void>(times);      // part of the schedule
    std::map<std::string, std::string> all = schedule_fingerprint(o, schedule);
    all.insert({
        {"batch", exact_text(batch)},
        {"micro_batch", exact_text(micro_batch)},
        {"learning_rate", exact_text(learning_rate)},
        {"warm_up_steps", exact_text(warm_up_steps)},
        {"total_steps", exact_text(total_steps)},
        {"adam.beta1", exact_text(beta1)},
        {"adam.beta2", exact_text(beta2)},
        {"adam.epsilon", exact_text(epsilon)},
        {"adam.weight_decay", exact_text(weight_decay)},
        {"adam.decoupled", decoupled ? "true" : "false"},
        {"ema.decay", exact_text(decay)},
        {"ema.min_decay", exact_text(min_decay)},
        {"ema.warm_up", exact_text(static_cast<int>(warm_up))},
        {"ema.inverse_gamma", exact_text(inverse_gamma)},
        {"ema.power", exact_text(power)},
        {"ema.update_after_step", exact_text(update_after_step)},
        {"largest_gradient_norm", exact_text(largest_gradient_norm)},
        {"loss", loss},
        {"timesteps", std::visit([](const auto& strategy) { return strategy_text(strategy); }, sampling)},
        {"offset_noise", exact_text(offset_noise)},
        {"predicts", exact_text(static_cast<int>(kind))},
        {"seed", exact_text(seed)},
    });
    // Older checkpoints do not have these.
    if (self_conditioning != 0) {
        all.insert({"self_conditioning", exact_text(self_conditioning)});
    }
    if (products != nullptr) {
        all.insert({"products", std::string(products->name)});
    }
    return all;
}

/// The value of an option as a message shows it: the name of an enumerator instead of its number, words for no text.
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
    return value.empty() ? "without a text" : value;
}

}  // namespace ddpm::detail
