// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/json_writer.hpp>
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
inline constexpr std::string_view skipped_key = "ddpm.skipped_steps";  // only if there were some
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

/// The steps of a training.
struct checkpoint_steps {
    isize step;     ///< since the beginning
    isize skipped;  ///< those of them that changed nothing
};

/// The number that a checkpoint's metadata gives for a key, or `otherwise` without the key.
/// @throws io_error unless it is in [0, most]
[[nodiscard]] inline isize checkpoint_number(const io::safetensors_file& file, std::string_view key, isize most,
                                             std::string_view otherwise) {
    const auto entry = file.metadata().find(key);
    const std::string digits = entry == file.metadata().end() ? std::string(otherwise) : entry->second;
    isize number = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || number < 0 || number > most) {
        throw io_error(file.path(), key, text("a number in [0, ", most, "]"), quoted(digits));
    }
    return number;
}

/// The steps in a checkpoint's metadata.
/// @throws io_error if the file is not a checkpoint of this version, or has no valid numbers of steps
[[nodiscard]] inline checkpoint_steps steps_of(const io::safetensors_file& file) {
    const auto version = file.metadata().find(checkpoint_key);
    if (version == file.metadata().end()) {
        throw io_error(file.path(), "not a trainer's checkpoint", checkpoint_key, "no such metadata");
    }
    if (version->second != checkpoint_version) {
        throw io_error(file.path(), "version of the checkpoint", checkpoint_version, quoted(version->second));
    }
    const isize step = checkpoint_number(file, step_key, most_steps, "");
    return {step, checkpoint_number(file, skipped_key, step, "0")};
}

}  // namespace ddpm::detail
