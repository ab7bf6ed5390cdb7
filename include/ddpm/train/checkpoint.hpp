// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/write_safetensors.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/detail/checkpoint_format.hpp>
#include <ddpm/train/detail/fingerprint.hpp>
#include <ddpm/train/detail/parameter_set.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm {

/// What trainer::load does if the checkpoint was saved with other options.
enum class resume {
    exact,              ///< throws: the training would not continue exactly
    with_other_options  ///< continues with the options of the trainer
};

namespace detail {

/// Writes a checkpoint: the trainer's tensors, its steps and its options.
template <Scalar S>
void save_checkpoint(const std::string& path, const std::vector<nn::parameter<const S>>& groups,
                     const checkpoint_steps& steps, const std::map<std::string, std::string>& options) {
    io::safetensors_metadata metadata{{std::string(checkpoint_key), std::string(checkpoint_version)},
                                      {std::string(step_key), exact_text(steps.step)}};
    if (steps.skipped > 0) {
        metadata.emplace(skipped_key, exact_text(steps.skipped));
    }
    for (const auto& [name, value] : options) {
        metadata.emplace(std::string(option_prefix) + name, value);
    }
    write_parameters(path, groups, metadata);
}

/// The options of training that the file's metadata names.
[[nodiscard]] inline std::map<std::string, std::string> saved_options(const io::safetensors_file& file) {
    std::map<std::string, std::string> saved;
    for (const auto& [key, value] : file.metadata()) {
        if (key.starts_with(option_prefix)) {
            saved.emplace(key.substr(option_prefix.size()), value);
        }
    }
    return saved;
}

/// The loss is compared only if the file names it: older checkpoints do not.
/// @throws value_error that lists the options that differ, also those that only the file or only `options` has
inline void require_same_options(const io::safetensors_file& file, const std::map<std::string, std::string>& options) {
    const std::map<std::string, std::string> saved = saved_options(file);
    std::string differences;
    const auto compare = [&](const std::string& name, const std::string& before, const std::string& now) {
        if (before != now) {
            differences += text(differences.empty() ? "" : ", ", name, " was ", option_text(name, before), " and is ",
                                option_text(name, now));
        }
    };
    for (const auto& [name, value] : options) {
        const auto found = saved.find(name);
        if (found == saved.end() && name == "loss") {
            continue;
        }
        compare(name, found == saved.end() ? "nothing" : found->second, value);
    }
    for (const auto& [name, value] : saved) {
        if (!options.contains(name)) {
            compare(name, value, "nothing");
        }
    }
    if (!differences.empty()) {
        throw value_error(file.path(),
                          "saved with other options, so that this would not be the run that was interrupted "
                          "(who wants that resumes with other options): " +
                              differences);
    }
}

/// Whether the file has a tensor of the same shape for each parameter of the group.
template <Scalar S>
[[nodiscard]] bool has_group(const io::safetensors_file& file, const std::vector<nn::parameter<S>>& group) {
    return std::all_of(group.begin(), group.end(), [&](const nn::parameter<S>& p) {
        const io::tensor_info* const found = file.find(p.name);
        return found != nullptr && std::equal(found->shape.begin(), found->shape.end(), p.shape.begin(), p.shape.end());
    });
}

struct loaded_checkpoint {
    checkpoint_steps steps;
    bool has_times;  ///< whether the state of the time sampler was loaded too
};

/// Loads the trainer's tensors after all checks. With other options the state of the time sampler may be missing.
template <Scalar S>
[[nodiscard]] loaded_checkpoint load_checkpoint(const std::string& path, std::vector<nn::parameter<S>> groups,
                                                const std::vector<nn::parameter<S>>& sampled, resume how,
                                                const std::map<std::string, std::string>& options,
                                                const load_options& loading) {
    const io::safetensors_file file = io::safetensors_file::open(path);
    const checkpoint_steps steps = steps_of(file);
    file.verify_checksum();
    const bool with_times = has_group(file, sampled);
    if (with_times) {
        groups.insert(groups.end(), sampled.begin(), sampled.end());
    }
    const staged_parameters<S> staged(
        file, std::move(groups), [](std::string_view name) { return !name.starts_with(time_sampler_group); }, true,
        loading);
    if (how == resume::exact) {
        require_same_options(file, options);
        if (!with_times) {
            throw io_error(path, text(sampled.front().name, " is missing or has another shape"));
        }
    }
    staged.commit();
    return {steps, with_times};
}

}  // namespace detail

}  // namespace ddpm
