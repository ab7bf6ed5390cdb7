// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/diffusers/detail/scheduler_keys.hpp>
#include <ddpm/diffusers/scheduler_classes.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ddpm::diffusers {

namespace detail {

/// @throws io_error for combinations that the constructors of diffusers' classes reject
inline void require_consistent(const config_reader& reader, const scheduler_config& config) {
    if (chooses_several_sigmas(config)) {
        reader.fail(config.exponential_sigmas ? "use_exponential_sigmas" : "use_beta_sigmas",
                    "false, or no other of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas", "true");
    }
    const scheduler_class& known = class_of(config.kind);
    if (known.has_key("use_flow_sigmas") && config.shift_terminal && !config.flow_sigmas) {
        reader.fail("shift_terminal", "null, or use_flow_sigmas", *config.shift_terminal);
    }
    const bool integrates_noise =
        config.algorithm == scheduler_algorithm::dpmsolver || config.algorithm == scheduler_algorithm::sde_dpmsolver;
    if (known.has_key("final_sigmas_type") && integrates_noise && config.final_sigma == grid_end::zero_noise) {
        reader.fail("final_sigmas_type", "sigma_min for this algorithm_type", "zero");
    }
    if (config.solver_order > known.most_order) {
        reader.fail("solver_order", ddpm::detail::text("1 ... ", known.most_order), config.solver_order);
    }
    if (config.threshold && !(config.threshold_ratio >= 0 && config.threshold_ratio <= 1)) {
        reader.fail("dynamic_thresholding_ratio", "0 ... 1", config.threshold_ratio);
    }
    if (config.threshold && !(config.threshold_max > 0)) {
        reader.fail("sample_max_value", "> 0", config.threshold_max);
    }
}

/// The class in a file; DDPMScheduler if there is none.
[[nodiscard]] inline scheduler_kind read_class(config_reader& reader) {
    constexpr std::string_view key = "_class_name";
    const std::optional<json> value = reader.take(key);
    if (!value) {
        return scheduler_kind::ddpm;
    }
    std::string expected;
    for (const scheduler_class& known : scheduler_classes) {
        if (value->kind == json_kind::string && value->text == known.name) {
            return known.kind;
        }
        expected.append(expected.empty() ? "" : " or ").append(known.name);
    }
    reader.fail(key, expected, *value);
}

/// predict_epsilon: false, a key of older versions of diffusers that current ones ignore, means a prediction of x_0.
inline void read_predict_epsilon(config_reader& reader, bool names_prediction, scheduler_config& config) {
    constexpr std::string_view key = "predict_epsilon";
    if (!reader.has(key) || reader.boolean(key, true) || (names_prediction && config.predicts == prediction::x0)) {
        return;
    }
    if (names_prediction || name_of(class_of(config.kind).predictions, static_cast<int>(prediction::x0)).empty()) {
        reader.fail(key, "true, or a prediction_type of sample", "false");
    }
    config.predicts = prediction::x0;
    config.notes.push_back(
        "predict_epsilon is false: taken as a prediction_type of sample; diffusers itself would "
        "ignore it");
}

}  // namespace detail

/// Reads the config of a scheduler from its JSON text; `where` names the text in messages. Missing keys have the
/// defaults of diffusers' class.
/// @throws io_error that names the class if it is not in scheduler_kind, or the key if a value has a wrong type, is
/// outside its domain, beyond config_limits, or rejected by diffusers
/// @source diffusers 0.42.1
[[nodiscard]] inline scheduler_config parse_scheduler_config(std::string_view text, std::string_view where) {
    detail::require_length(where, text.size());
    detail::config_reader reader(detail::strict_json_text(text), where);
    const bool names_class = reader.has("_class_name");
    scheduler_config config = default_scheduler_config(detail::read_class(reader));
    if (!names_class) {
        config.notes.push_back("the file names no class: taken as DDPMScheduler");
    }
    static_cast<void>(reader.take("_diffusers_version"));
    const bool names_prediction = reader.has("prediction_type");
    const detail::scheduler_class& known = detail::class_of(config.kind);
    for (const detail::scheduler_key& key : detail::scheduler_keys()) {
        if (known.has_key(key.name) || known.inherits_key(key.name)) {
            detail::read_key(key, known, reader, config);
        }
    }
    detail::read_predict_epsilon(reader, names_prediction, config);
    detail::require_consistent(reader, config);
    config.unknown = reader.rest(config.notes);
    return config;
}

/// Reads the config of a scheduler from a file.
/// @throws io_error as above, or if the file cannot be read
[[nodiscard]] inline scheduler_config read_scheduler_config(const std::string& path) {
    return parse_scheduler_config(detail::read_json_file(path), path);
}

namespace detail {

/// Checks the text of a config by reading it, so that nothing is written that reading refuses.
/// @throws value_error if parse_scheduler_config refuses the text
inline void require_readable(std::string_view text) {
    try {
        static_cast<void>(parse_scheduler_config(text, "what would be written"));
    } catch (const io_error& refusal) {
        throw value_error("scheduler_config_text", refusal.what());
    }
}

}  // namespace detail

/// The text of a scheduler_config.json, as written by diffusers.
/// @throws io_error if a text of `unknown` is not JSON; value_error if its key is one of the class, a number is not
/// finite, the class has no name for a value, or parse_scheduler_config would refuse the text
[[nodiscard]] inline std::string scheduler_config_text(const scheduler_config& config) {
    const detail::scheduler_class& known = detail::class_of(config.kind);
    detail::json members;
    detail::add_member(members, "_class_name", detail::json_of(known.name));
    detail::add_member(members, "_diffusers_version", detail::json_of(detail::written_version));
    for (const detail::scheduler_key& key : detail::scheduler_keys()) {
        if (known.has_key(key.name) || known.inherits_key(key.name)) {
            detail::json value = detail::json_of(key, known, config);
            if (known.has_key(key.name) || value.kind != detail::json_kind::null) {
                detail::add_member(members, key.name, std::move(value));
            }
        }
    }
    std::string text = detail::config_text(std::move(members), config.unknown);
    detail::require_readable(text);
    return text;
}

/// Writes the scheduler_config.json of a scheduler.
/// @throws as scheduler_config_text; io_error if writing fails
inline void write_scheduler_config(const std::string& path, const scheduler_config& config) {
    detail::write_text_file(path, scheduler_config_text(config));
}

}  // namespace ddpm::diffusers
