// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/timesteps.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers {

/// Which class of diffusers a scheduler is.
enum class scheduler_kind {
    ddpm,  ///< DDPMScheduler
    ddim   ///< DDIMScheduler
};

/// How β rises.
enum class beta_curve {
    linear,
    scaled_linear,      ///< its root is linear
    squaredcos_cap_v2,  ///< cosine_beta
    sigmoid,            ///< DDPM only
    laplace             ///< DDPM only
};

/// The variance of DDPM's steps.
enum class scheduler_variance { fixed_small, fixed_small_log, fixed_large, fixed_large_log, learned, learned_range };

/// The scheduler_config.json of a DDPMScheduler or a DDIMScheduler, with diffusers' defaults.
struct scheduler_config {
    scheduler_kind kind = scheduler_kind::ddpm;
    index train_timesteps = 1000;  ///< T
    beta_curve curve = beta_curve::linear;
    double beta_start = 1e-4;
    double beta_end = 0.02;
    std::vector<double> trained_betas{};  ///< if not empty, β_0 … β_{T−1} instead of a curve
    bool zero_terminal_snr = false;       ///< β is rescaled so that ᾱ ends at 0
    prediction predicts = prediction::epsilon;
    scheduler_variance variance = scheduler_variance::fixed_small;  ///< of DDPM
    bool clip = true;                     ///< the estimate of x_0, to ±clip_range
    double clip_range = 1;
    timestep_spacing spacing = timestep_spacing::leading;
    index steps_offset = 0;               ///< added to timesteps whose spacing is leading
    bool end_at_clean = true;             ///< set_alpha_to_one, of DDIM
    std::vector<std::string> notes{};              ///< what was assumed, and what was not understood; not written
    std::map<std::string, std::string> unknown{};  ///< the keys that were not understood and their JSON texts; written
};

namespace detail {

[[nodiscard]] inline const names_of<scheduler_kind>& scheduler_names() {
    static const names_of<scheduler_kind> names{{"DDPMScheduler", scheduler_kind::ddpm},
                                                {"DDIMScheduler", scheduler_kind::ddim}};
    return names;
}

[[nodiscard]] inline const names_of<beta_curve>& curve_names(scheduler_kind kind) {
    static const names_of<beta_curve> of_both{{"linear", beta_curve::linear},
                                              {"scaled_linear", beta_curve::scaled_linear},
                                              {"squaredcos_cap_v2", beta_curve::squaredcos_cap_v2}};
    static const names_of<beta_curve> of_ddpm = [] {
        names_of<beta_curve> names = of_both;
        names.emplace_back("sigmoid", beta_curve::sigmoid);
        names.emplace_back("laplace", beta_curve::laplace);
        return names;
    }();
    return kind == scheduler_kind::ddpm ? of_ddpm : of_both;
}

[[nodiscard]] inline const names_of<prediction>& prediction_names() {
    static const names_of<prediction> names{
        {"epsilon", prediction::epsilon}, {"sample", prediction::x0}, {"v_prediction", prediction::v}};
    return names;
}

[[nodiscard]] inline const names_of<scheduler_variance>& variance_names() {
    static const names_of<scheduler_variance> names{{"fixed_small", scheduler_variance::fixed_small},
                                                    {"fixed_small_log", scheduler_variance::fixed_small_log},
                                                    {"fixed_large", scheduler_variance::fixed_large},
                                                    {"fixed_large_log", scheduler_variance::fixed_large_log},
                                                    {"learned", scheduler_variance::learned},
                                                    {"learned_range", scheduler_variance::learned_range}};
    return names;
}

[[nodiscard]] inline const names_of<timestep_spacing>& spacing_names() {
    static const names_of<timestep_spacing> names{{"leading", timestep_spacing::leading},
                                                  {"trailing", timestep_spacing::trailing},
                                                  {"linspace", timestep_spacing::linspace}};
    return names;
}

inline void read_betas(config_reader& reader, scheduler_config& config) {
    config.train_timesteps = reader.integer("num_train_timesteps", config.train_timesteps, 1);
    config.curve = reader.choice("beta_schedule", config.curve, curve_names(config.kind));
    config.beta_start = reader.real("beta_start", config.beta_start);
    config.beta_end = reader.real("beta_end", config.beta_end);
    if (reader.take_null("trained_betas")) {
        return;
    }
    if (const auto value = reader.take("trained_betas")) {
        reader.each("trained_betas", *value, [&](const json& element) {
            config.trained_betas.push_back(reader.real_of("trained_betas", element));
        });
        if (static_cast<index>(config.trained_betas.size()) != config.train_timesteps) {
            reader.fail("trained_betas", ddpm::detail::text("num_train_timesteps numbers, ", config.train_timesteps),
                        config.trained_betas.size());
        }
    }
}

}  // namespace detail

/// Reads the config of a scheduler from its JSON text; `where` names it in messages. Keys that are not there have the
/// defaults of diffusers' class.
/// @throws io_error that names the class, if it is another than DDPMScheduler and DDIMScheduler; or the key, where a
/// value is of a wrong type, out of its domain or not supported (dynamic thresholding)
/// @source diffusers 0.42.1, DDPMScheduler and DDIMScheduler
[[nodiscard]] inline scheduler_config parse_scheduler_config(std::string_view text, std::string_view where) {
    detail::config_reader reader(text, where);
    scheduler_config config;
    if (!reader.has("_class_name")) {
        config.notes.emplace_back("the file names no class: taken as DDPMScheduler");
    }
    config.kind = reader.choice("_class_name", config.kind, detail::scheduler_names());
    static_cast<void>(reader.take("_diffusers_version"));
    detail::read_betas(reader, config);
    config.zero_terminal_snr = reader.boolean("rescale_betas_zero_snr", config.zero_terminal_snr);
    config.predicts = reader.choice("prediction_type", config.predicts, detail::prediction_names());
    config.clip = reader.boolean("clip_sample", config.clip);
    config.clip_range = reader.real("clip_sample_range", config.clip_range);
    if (!(config.clip_range > 0)) {
        reader.fail("clip_sample_range", "> 0", config.clip_range);
    }
    config.spacing = reader.choice("timestep_spacing", config.spacing, detail::spacing_names());
    config.steps_offset = reader.integer("steps_offset", config.steps_offset, 0);
    if (config.kind == scheduler_kind::ddpm) {
        config.variance = reader.choice("variance_type", config.variance, detail::variance_names());
    } else {
        config.end_at_clean = reader.boolean("set_alpha_to_one", config.end_at_clean);
    }
    if (reader.boolean("thresholding", false)) {
        reader.fail("thresholding", "false: dynamic thresholding is not supported", "true");
    }
    static_cast<void>(reader.real("dynamic_thresholding_ratio", 0));
    static_cast<void>(reader.real("sample_max_value", 0));
    config.unknown = reader.rest(config.notes);
    return config;
}

/// Reads the config of a scheduler from a file.
/// @throws io_error as above, or if the file cannot be read
[[nodiscard]] inline scheduler_config read_scheduler_config(const std::string& path) {
    return parse_scheduler_config(detail::read_json_file(path), path);
}

/// The text of a scheduler_config.json, as diffusers writes it.
/// @throws io_error if a text of `unknown` is not JSON; value_error if its key is one of diffusers' own, a number is
/// not finite, or diffusers has no name for what the model predicts (the score) or for the class's curve
[[nodiscard]] inline std::string scheduler_config_text(const scheduler_config& config) {
    using detail::json_of;
    const bool is_ddpm = config.kind == scheduler_kind::ddpm;
    const std::string_view predicts = detail::name_in(detail::prediction_names(), config.predicts);
    const std::string_view curve = detail::name_in(detail::curve_names(config.kind), config.curve);
    if (predicts.empty()) {
        throw value_error("scheduler_config_text", "prediction", "epsilon, x0 or v", name_of(config.predicts));
    }
    if (curve.empty()) {
        throw value_error("scheduler_config_text", "curve of a DDIMScheduler",
                          "linear, scaled_linear or squaredcos_cap_v2", static_cast<int>(config.curve));
    }
    std::map<std::string, detail::json> members{
        {"_class_name", json_of(detail::name_in(detail::scheduler_names(), config.kind))},
        {"_diffusers_version", json_of(detail::written_version)},
        {"beta_end", json_of(config.beta_end)},
        {"beta_schedule", json_of(curve)},
        {"beta_start", json_of(config.beta_start)},
        {"clip_sample", json_of(config.clip)},
        {"clip_sample_range", json_of(config.clip_range)},
        {"dynamic_thresholding_ratio", json_of(0.995)},
        {"num_train_timesteps", json_of(config.train_timesteps)},
        {"prediction_type", json_of(predicts)},
        {"rescale_betas_zero_snr", json_of(config.zero_terminal_snr)},
        {"sample_max_value", json_of(1.0)},
        {"steps_offset", json_of(config.steps_offset)},
        {"thresholding", json_of(false)},
        {"timestep_spacing", json_of(detail::name_in(detail::spacing_names(), config.spacing))},
        {"trained_betas", config.trained_betas.empty()
                              ? detail::json{}
                              : detail::json_list(config.trained_betas, [](double beta) { return beta; })},
    };
    if (is_ddpm) {
        members["variance_type"] = json_of(detail::name_in(detail::variance_names(), config.variance));
    } else {
        members["set_alpha_to_one"] = json_of(config.end_at_clean);
    }
    return detail::config_text(std::move(members), config.unknown);
}

/// Writes the scheduler_config.json of a scheduler.
/// @throws as scheduler_config_text; io_error if writing fails
inline void write_scheduler_config(const std::string& path, const scheduler_config& config) {
    detail::write_text_file(path, scheduler_config_text(config));
}

}  // namespace ddpm::diffusers
