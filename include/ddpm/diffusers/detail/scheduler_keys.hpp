// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/diffusers/detail/scheduler_names.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ddpm::diffusers::detail {

/// How a key of the files is read into a config, which keeps what it holds if the key is not there, and written from
/// it.
struct scheduler_key {
    std::function<void(config_reader&, std::string_view key, scheduler_config&)> read;
    std::function<json(std::string_view key, const scheduler_config&)> write;
};

/// What the values of a number must be.
enum class domain { any, positive };

[[nodiscard]] inline json finite_json(std::string_view key, double value) {
    if (!std::isfinite(value)) {
        throw value_error("scheduler_config_text", key, "a finite number", value);
    }
    return json_of(value);
}

[[nodiscard]] inline scheduler_key key_of(bool scheduler_config::*member) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                config.*member = reader.boolean(key, config.*member);
            },
            [=](std::string_view, const scheduler_config& config) { return json_of(config.*member); }};
}

[[nodiscard]] inline scheduler_key key_of(isize scheduler_config::*member, isize least,
                                          isize most = config_limits::integer) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                config.*member = reader.integer(key, config.*member, least, most);
            },
            [=](std::string_view key, const scheduler_config& config) {
                if (config.*member > most) {
                    throw value_error("scheduler_config_text", key, ddpm::detail::text("at most ", most), config.*member);
                }
                return json_of(config.*member);
            }};
}

[[nodiscard]] inline scheduler_key key_of(double scheduler_config::*member, domain values = domain::any) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                config.*member = reader.real(key, config.*member);
                if (values == domain::positive && !(config.*member > 0)) {
                    reader.fail(key, "> 0", config.*member);
                }
            },
            [=](std::string_view key, const scheduler_config& config) { return finite_json(key, config.*member); }};
}

/// A number or null.
[[nodiscard]] inline scheduler_key key_of(std::optional<double> scheduler_config::*member) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (reader.take_null(key)) {
                    config.*member = std::nullopt;
                } else if (const auto value = reader.take(key)) {
                    config.*member = reader.real_of(key, *value);
                }
            },
            [=](std::string_view key, const scheduler_config& config) {
                return config.*member ? finite_json(key, *(config.*member)) : json{};
            }};
}

/// A seed or null.
[[nodiscard]] inline scheduler_key key_of(std::optional<std::uint64_t> scheduler_config::*member) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (reader.take_null(key)) {
                    config.*member = std::nullopt;
                } else if (const auto value = reader.take(key)) {
                    const auto* const seed = std::get_if<std::uint64_t>(&value->value);
                    if (seed == nullptr) {
                        reader.fail(key, "null or a whole number of 0 ... 2^64 - 1", *value);
                    }
                    config.*member = *seed;
                }
            },
            [=](std::string_view, const scheduler_config& config) {
                return config.*member ? json{*(config.*member)} : json{};
            }};
}

/// One of the names that a class has.
template <class E>
[[nodiscard]] scheduler_key key_of(E scheduler_config::*member, names_of<E> (*names)(scheduler_kind)) {
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                config.*member = reader.choice(key, config.*member, names(config.kind));
            },
            [=](std::string_view key, const scheduler_config& config) {
                const auto known = names(config.kind);
                const std::string_view name = name_in(known, config.*member);
                if (name.empty()) {
                    throw value_error("scheduler_config_text", key, "a value that this class of diffusers has",
                                      static_cast<int>(config.*member));
                }
                return json_of(name);
            }};
}

/// A value that cannot be written to a file, but for null.
[[nodiscard]] inline scheduler_key null_key() {
    return {[](config_reader& reader, std::string_view key, scheduler_config&) {
                if (!reader.take_null(key)) {
                    if (const auto value = reader.take(key)) {
                        reader.fail(key, "null", *value);
                    }
                }
            },
            [](std::string_view, const scheduler_config&) { return json{}; }};
}

/// A name, or null.
[[nodiscard]] inline scheduler_key variance_key() {
    const scheduler_key named = key_of(&scheduler_config::variance, variance_names);
    return {[named](config_reader& reader, std::string_view key, scheduler_config& config) {
                const bool may_be_null = config.variance == scheduler_variance::none;
                if (!may_be_null || !reader.take_null(key)) {
                    named.read(reader, key, config);
                }
            },
            [named](std::string_view key, const scheduler_config& config) {
                return config.variance == scheduler_variance::none ? json{} : named.write(key, config);
            }};
}

/// A number, or Python's -Infinity (see strict_json_text).
[[nodiscard]] inline scheduler_key lambda_key() {
    constexpr double none = -std::numeric_limits<double>::infinity();
    const auto member = &scheduler_config::lambda_min_clipped;
    return {[=](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (const auto value = reader.take(key)) {
                    const bool is_none = *value == json_of("-Infinity");
                    config.*member = is_none ? none : reader.real_of(key, *value);
                }
            },
            [=](std::string_view key, const scheduler_config& config) {
                return config.*member == none ? json_of(none) : finite_json(key, config.*member);
            }};
}

[[nodiscard]] inline scheduler_key trained_betas_key() {
    return {[](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (reader.take_null(key)) {
                    return;
                }
                if (const auto value = reader.take(key)) {
                    config.trained_betas.clear();
                    reader.each(key, *value, [&](const json& element) {
                        config.trained_betas.push_back(reader.real_of(key, element));
                    });
                    const auto count = static_cast<isize>(config.trained_betas.size());
                    if (config.kind == scheduler_kind::ipndm && count < 2) {  // its steps are as many, less one
                        reader.fail(key, "at least two numbers", count);
                    }
                    if (config.kind != scheduler_kind::ipndm && count != config.train_timesteps) {
                        reader.fail(key, ddpm::detail::text("num_train_timesteps numbers, ", config.train_timesteps),
                                    count);
                    }
                }
            },
            [](std::string_view, const scheduler_config& config) {
                return config.trained_betas.empty() ? json{}
                                                    : json_list(config.trained_betas, [](double beta) { return beta; });
            }};
}

/// A name, whatever it is where trained β, which are read before, take the curve's place.
[[nodiscard]] inline scheduler_key curve_key() {
    const scheduler_key named = key_of(&scheduler_config::curve, curve_names);
    return {[named](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (config.trained_betas.empty()) {
                    named.read(reader, key, config);
                } else if (const auto value = reader.take(key)) {
                    const std::string given = reader.text_of(key, *value);
                    for (const auto& [name, curve] : curve_names(config.kind)) {
                        config.curve = name == given ? curve : config.curve;
                    }
                }
            },
            named.write};
}

[[nodiscard]] inline scheduler_key disable_corrector_key() {
    return {[](config_reader& reader, std::string_view key, scheduler_config& config) {
                if (const auto value = reader.take(key)) {
                    config.disable_corrector.clear();
                    reader.each(key, *value, [&](const json& element) {
                        config.disable_corrector.push_back(reader.integer_of(key, element, 0));
                    });
                }
            },
            [](std::string_view, const scheduler_config& config) {
                return json_list(config.disable_corrector, [](isize step) { return step; });
            }};
}

/// All keys, by name.
[[nodiscard]] inline const std::map<std::string_view, scheduler_key>& scheduler_keys() {
    using c = scheduler_config;
    // Never destroyed: it may be asked for while the process ends.
    static const std::map<std::string_view, scheduler_key>& keys = *new const std::map<std::string_view, scheduler_key>{
        {"num_train_timesteps", key_of(&c::train_timesteps, 1, config_limits::train_timesteps)},
        {"beta_schedule", curve_key()},
        {"beta_start", key_of(&c::beta_start)},
        {"beta_end", key_of(&c::beta_end)},
        {"trained_betas", trained_betas_key()},
        {"rescale_betas_zero_snr", key_of(&c::zero_terminal_snr)},
        {"prediction_type", key_of(&c::predicts, prediction_names)},
        {"variance_type", variance_key()},
        {"clip_sample", key_of(&c::clip)},
        {"clip_denoised", key_of(&c::clip)},
        {"clip_sample_range", key_of(&c::clip_range, domain::positive)},
        {"timestep_spacing", key_of(&c::spacing, spacing_names)},
        {"steps_offset", key_of(&c::steps_offset, 0)},
        {"set_alpha_to_one", key_of(&c::end_at_clean)},
        {"thresholding", key_of(&c::threshold)},
        {"dynamic_thresholding_ratio", key_of(&c::threshold_ratio)},
        {"sample_max_value", key_of(&c::threshold_max)},
        {"use_karras_sigmas", key_of(&c::karras_sigmas)},
        {"use_exponential_sigmas", key_of(&c::exponential_sigmas)},
        {"use_beta_sigmas", key_of(&c::beta_sigmas)},
        {"use_lu_lambdas", key_of(&c::lu_lambdas)},
        {"use_flow_sigmas", key_of(&c::flow_sigmas)},
        {"sigma_min", key_of(&c::sigma_min)},
        {"sigma_max", key_of(&c::sigma_max)},
        {"final_sigmas_type", key_of(&c::final_sigma, final_sigma_names)},
        {"interpolation_type", key_of(&c::interpolation, interpolation_names)},
        {"timestep_type", key_of(&c::time, time_names)},
        {"lambda_min_clipped", lambda_key()},
        {"solver_order", key_of(&c::solver_order, 1, config_limits::solver_order)},
        {"algorithm_type", key_of(&c::algorithm, algorithm_names)},
        {"solver_type", key_of(&c::solver, solver_names)},
        {"lower_order_final", key_of(&c::lower_order_final)},
        {"euler_at_final", key_of(&c::euler_at_final)},
        {"skip_prk_steps", key_of(&c::skip_runge_kutta)},
        {"predict_x0", key_of(&c::predict_x0)},
        {"disable_corrector", disable_corrector_key()},
        {"solver_p", null_key()},
        {"predictor_order", key_of(&c::predictor_order, 1, config_limits::solver_order)},
        {"corrector_order", key_of(&c::corrector_order, 1, config_limits::solver_order)},
        {"tau_func", null_key()},
        {"noise_sampler_seed", key_of(&c::noise_seed)},
        {"eta", key_of(&c::eta)},
        {"flow_shift", key_of(&c::flow_shift, domain::positive)},
        {"shift", key_of(&c::flow_shift, domain::positive)},
        {"shift_terminal", key_of(&c::shift_terminal)},
        {"use_dynamic_shifting", key_of(&c::dynamic_shifting)},
        {"time_shift_type", key_of(&c::time_shift, time_shift_names)},
        {"base_shift", key_of(&c::base_shift)},
        {"max_shift", key_of(&c::max_shift)},
        {"base_image_seq_len", key_of(&c::base_length, 1)},
        {"max_image_seq_len", key_of(&c::max_length, 1)},
        {"invert_sigmas", key_of(&c::invert_sigmas)},
        {"stochastic_sampling", key_of(&c::stochastic)},
        {"sigma_data", key_of(&c::sigma_data, domain::positive)},
        {"rho", key_of(&c::rho, domain::positive)},
        {"sigma_schedule", key_of(&c::sigma_schedule, sigma_schedule_names)},
        {"s_noise", key_of(&c::s_noise)},
        {"original_inference_steps", key_of(&c::original_steps, 1, config_limits::train_timesteps)},
        {"timestep_scaling", key_of(&c::timestep_scaling)},
        {"snr", key_of(&c::snr, domain::positive)},
        {"sampling_eps", key_of(&c::sampling_eps, domain::positive)},
        {"correct_steps", key_of(&c::correct_steps, 0, config_limits::corrections)},
    };
    return keys;
}

}  // namespace ddpm::diffusers::detail
