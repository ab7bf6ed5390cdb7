// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/safetensors_file.hpp>

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

namespace ddpm::detail {

// A checkpoint is a safetensors file: the network's parameters under their own names, the groups below, and metadata.

inline constexpr std::string_view checkpoint_key = "ddpm.checkpoint";  // its value is the version
inline constexpr std::string_view checkpoint_version = "1";
inline constexpr std::string_view step_key = "ddpm.step";
inline constexpr std::string_view option_prefix = "ddpm.option.";

inline constexpr std::string_view ema_group = "ema.";
inline constexpr std::string_view first_moment_group = "adam.m.";
inline constexpr std::string_view second_moment_group = "adam.v.";
inline constexpr std::string_view time_sampler_group = "timesteps.";  // the losses recorded for importance sampling

/// The largest number of steps of a training: steps are 32-bit words in the addresses of the noise.
inline constexpr isize most_steps = (isize{1} << 32) - 1;

/// Whether the name is that of a trainer's tensor, not of the network's.
[[nodiscard]] inline bool is_trainer_group(std::string_view name) noexcept {
    return name.starts_with(ema_group) || name.starts_with(first_moment_group) ||
           name.starts_with(second_moment_group) || name.starts_with(time_sampler_group);
}

/// The step in a checkpoint's metadata.
/// @throws io_error if the file is not a checkpoint of this version, or has no valid step
[[nodiscard]] inline isize checkpoint_step(const io::safetensors_file& file) {
    const auto version = file.metadata().find(checkpoint_key);
    if (version == file.metadata().end()) {
        throw io_error(file.path(), "not a trainer's checkpoint", checkpoint_key, "no such metadata");
    }
    if (version->second != checkpoint_version) {
        throw io_error(file.path(), "version of the checkpoint", checkpoint_version,
                       io::detail::quoted(version->second));
    }
    const auto entry = file.metadata().find(step_key);
    const std::string digits = entry == file.metadata().end() ? "" : entry->second;
    isize step = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
    if (error != std::errc{} || end != digits.data() + digits.size() || step < 0 || step > most_steps) {
        throw io_error(file.path(), step_key, "a number in [0, 2^32)", io::detail::quoted(digits));
    }
    return step;
}

}  // namespace ddpm::detail
