// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/diffusers/detail/scheduler_class.hpp>
#include <ddpm/diffusers/scheduler_classes.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ddpm::diffusers::detail {

/// The type of a key's value.
enum class key_value {
    boolean,
    integer,
    real,
    positive,  ///< a real number above 0
    real_or_null,
    lambda,  ///< a real number, or Python's -Infinity (see strict_json_text)
    name,
    name_or_null,  ///< null for scheduler_variance::none
    curve,         ///< a name; any text if there are trained β
    betas,         ///< the trained β: as many as timesteps, or, for a class without a curve, at least two
    steps,
    seed_or_null,
    null  ///< only null is supported
};

/// Reads and writes an enumeration member as an integer.
struct name_member {
    int (*get)(const scheduler_config&);
    void (*set)(scheduler_config&, int);
};

template <auto Member>
inline constexpr name_member named{
    [](const scheduler_config& c) { return static_cast<int>(c.*Member); },
    [](scheduler_config& c, int value) { c.*Member = static_cast<std::remove_cvref_t<decltype(c.*Member)>>(value); }};

/// A key of the files, and the corresponding member of a config.
struct scheduler_key {
    std::string_view name;
    key_value kind;
    bool scheduler_config::*boolean = nullptr;
    isize scheduler_config::*integer = nullptr;
    isize least = 0, most = 0;  ///< the integer's limits
    double scheduler_config::*real = nullptr;
    std::optional<double> scheduler_config::*real_or_null = nullptr;
    name_member member{};
    value_names names{};                                  ///< the names of values in all classes
    value_names scheduler_class::*class_names = nullptr;  ///< or the names of each class

    constexpr scheduler_key(std::string_view key, key_value of) : name(key), kind(of) {}
    constexpr scheduler_key(std::string_view key, bool scheduler_config::*of)
        : name(key), kind(key_value::boolean), boolean(of) {}
    constexpr scheduler_key(std::string_view key, isize scheduler_config::*of, isize at_least,
                            isize at_most = config_limits::integer)
        : name(key), kind(key_value::integer), integer(of), least(at_least), most(at_most) {}
    constexpr scheduler_key(std::string_view key, double scheduler_config::*of, key_value values = key_value::real)
        : name(key), kind(values), real(of) {}
    constexpr scheduler_key(std::string_view key, std::optional<double> scheduler_config::*of)
        : name(key), kind(key_value::real_or_null), real_or_null(of) {}
    constexpr scheduler_key(std::string_view key, const name_member& of, value_names all)
        : name(key), kind(key_value::name), member(of), names(all) {}
    constexpr scheduler_key(std::string_view key, const name_member& of, value_names scheduler_class::*each,
                            key_value values = key_value::name)
        : name(key), kind(values), member(of), class_names(each) {}

    [[nodiscard]] value_names names_of(const scheduler_class& known) const {
        return class_names != nullptr ? known.*class_names : names;
    }
};

/// Reads a key into a config, unless the key is missing.
/// @throws io_error as config_reader
inline void read_key(const scheduler_key& key, const scheduler_class& known, config_reader& reader,
                     scheduler_config& c) {
    const bool may_be_null = key.kind == key_value::real_or_null || key.kind == key_value::seed_or_null ||
                             key.kind == key_value::betas || key.kind == key_value::null ||
                             (key.kind == key_value::name_or_null && c.variance == scheduler_variance::none);
    if (may_be_null && reader.take_null(key.name)) {
        if (key.kind == key_value::real_or_null) {
            c.*key.real_or_null = std::nullopt;
        } else if (key.kind == key_value::seed_or_null) {
            c.noise_seed = std::nullopt;
        }
        return;
    }
    const std::optional<json> value = reader.take(key.name);
    if (!value) {
        return;
    }
    switch (key.kind) {
        case key_value::boolean:
            c.*key.boolean = reader.boolean_of(key.name, *value);
            break;
        case key_value::integer:
            c.*key.integer = reader.integer_of(key.name, *value, key.least, key.most);
            break;
        case key_value::lambda:
            if (value->kind == json_kind::string && value->text == "-Infinity") {
                c.*key.real = -std::numeric_limits<double>::infinity();
                break;
            }
            [[fallthrough]];
        case key_value::real:
        case key_value::positive:
            c.*key.real = reader.real_of(key.name, *value);
            if (key.kind == key_value::positive && !(c.*key.real > 0)) {
                reader.fail(key.name, "> 0", c.*key.real);
            }
            break;
        case key_value::real_or_null:
            c.*key.real_or_null = reader.real_of(key.name, *value);
            break;
        case key_value::curve:
            if (!c.trained_betas.empty()) {
                const std::string& given = reader.text_of(key.name, *value);
                for (const named_value& curve : known.curves) {
                    c.curve = curve.name == given ? static_cast<beta_curve>(curve.value) : c.curve;
                }
                break;
            }
            [[fallthrough]];
        case key_value::name:
        case key_value::name_or_null:
            key.member.set(c, reader.named_by(key.name, *value, key.names_of(known)));
            break;
        case key_value::betas: {
            c.trained_betas.clear();
            for (const json& element : reader.elements(key.name, *value)) {
                c.trained_betas.push_back(reader.real_of(key.name, element));
            }
            const auto count = static_cast<isize>(c.trained_betas.size());
            if (!known.has_betas() && count < 2) {  // they are σ, one more than steps
                reader.fail(key.name, "at least two numbers", count);
            }
            if (known.has_betas() && count != c.train_timesteps) {
                reader.fail(key.name, ddpm::detail::text("num_train_timesteps numbers, ", c.train_timesteps), count);
            }
            break;
        }
        case key_value::steps:
            c.disable_corrector.clear();
            for (const json& element : reader.elements(key.name, *value)) {
                c.disable_corrector.push_back(reader.integer_of(key.name, element, 0));
            }
            break;
        case key_value::seed_or_null:
            c.noise_seed = reader.seed_of(key.name, *value);
            break;
        case key_value::null:
            reader.fail(key.name, "null", *value);
    }
}

/// @throws value_error if a number is not finite or too large, or the class has no name for a value
[[nodiscard]] inline json json_of(const scheduler_key& key, const scheduler_class& known, const scheduler_config& c) {
    switch (key.kind) {
        case key_value::boolean:
            return json_of(c.*key.boolean);
        case key_value::integer:
            if (c.*key.integer > key.most) {
                throw value_error("scheduler_config_text", key.name, ddpm::detail::text("at most ", key.most),
                                  c.*key.integer);
            }
            return json_of(c.*key.integer);
        case key_value::betas:
            return c.trained_betas.empty() ? json{} : json_of(c.trained_betas);
        case key_value::steps:
            return json_of(c.disable_corrector);
        case key_value::seed_or_null:
            return c.noise_seed ? json{*c.noise_seed} : json{};
        case key_value::null:
            return {};
        case key_value::curve:
        case key_value::name:
        case key_value::name_or_null: {
            if (key.kind == key_value::name_or_null && c.variance == scheduler_variance::none) {
                return {};
            }
            const std::string_view name = name_of(key.names_of(known), key.member.get(c));
            if (name.empty()) {
                throw value_error("scheduler_config_text", key.name, "a value that this class of diffusers has",
                                  key.member.get(c));
            }
            return json_of(name);
        }
        case key_value::real_or_null:
            if (!(c.*key.real_or_null)) {
                return {};
            }
            break;
        case key_value::real:
        case key_value::positive:
        case key_value::lambda:
            break;
    }
    const double number = key.kind == key_value::real_or_null ? *(c.*key.real_or_null) : c.*key.real;
    const bool is_none = key.kind == key_value::lambda && number == -std::numeric_limits<double>::infinity();
    if (!std::isfinite(number) && !is_none) {
        throw value_error("scheduler_config_text", key.name, "a finite number", number);
    }
    return json_of(number);
}

/// All keys in reading order: trained_betas depends on num_train_timesteps, and beta_schedule on trained_betas.
[[nodiscard]] inline std::span<const scheduler_key> scheduler_keys() {
    using c = scheduler_config;
    static constexpr scheduler_key keys[]{
        {"num_train_timesteps", &c::train_timesteps, 1, config_limits::train_timesteps},
        {"trained_betas", key_value::betas},
        {"beta_schedule", named<&c::curve>, &scheduler_class::curves, key_value::curve},
        {"beta_start", &c::beta_start},
        {"beta_end", &c::beta_end},
        {"rescale_betas_zero_snr", &c::zero_terminal_snr},
        {"prediction_type", named<&c::predicts>, &scheduler_class::predictions},
        {"variance_type", named<&c::variance>, &scheduler_class::variances, key_value::name_or_null},
        {"clip_sample", &c::clip},
        {"clip_denoised", &c::clip},
        {"clip_sample_range", &c::clip_range, key_value::positive},
        {"timestep_spacing", named<&c::spacing>, &scheduler_class::spacings},
        {"steps_offset", &c::steps_offset, 0},
        {"set_alpha_to_one", &c::end_at_clean},
        {"thresholding", &c::threshold},
        {"dynamic_thresholding_ratio", &c::threshold_ratio},
        {"sample_max_value", &c::threshold_max},
        {"use_karras_sigmas", &c::karras_sigmas},
        {"use_exponential_sigmas", &c::exponential_sigmas},
        {"use_beta_sigmas", &c::beta_sigmas},
        {"use_lu_lambdas", &c::lu_lambdas},
        {"use_flow_sigmas", &c::flow_sigmas},
        {"sigma_min", &c::sigma_min},
        {"sigma_max", &c::sigma_max},
        {"final_sigmas_type", named<&c::final_sigma>, final_sigma_names},
        {"interpolation_type", named<&c::interpolation>, interpolation_names},
        {"timestep_type", named<&c::time>, time_names},
        {"lambda_min_clipped", &c::lambda_min_clipped, key_value::lambda},
        {"solver_order", &c::solver_order, 1, config_limits::solver_order},
        {"algorithm_type", named<&c::algorithm>, &scheduler_class::algorithms},
        {"solver_type", named<&c::solver>, &scheduler_class::solvers},
        {"lower_order_final", &c::lower_order_final},
        {"euler_at_final", &c::euler_at_final},
        {"skip_prk_steps", &c::skip_runge_kutta},
        {"predict_x0", &c::predict_x0},
        {"disable_corrector", key_value::steps},
        {"solver_p", key_value::null},
        {"predictor_order", &c::predictor_order, 1, config_limits::solver_order},
        {"corrector_order", &c::corrector_order, 1, config_limits::solver_order},
        {"tau_func", key_value::null},
        {"noise_sampler_seed", key_value::seed_or_null},
        {"eta", &c::eta},
        {"flow_shift", &c::flow_shift, key_value::positive},
        {"shift", &c::flow_shift, key_value::positive},
        {"shift_terminal", &c::shift_terminal},
        {"use_dynamic_shifting", &c::dynamic_shifting},
        {"time_shift_type", named<&c::time_shift>, time_shift_names},
        {"base_shift", &c::base_shift},
        {"max_shift", &c::max_shift},
        {"base_image_seq_len", &c::base_length, 1},
        {"max_image_seq_len", &c::max_length, 1},
        {"invert_sigmas", &c::invert_sigmas},
        {"stochastic_sampling", &c::stochastic},
        {"sigma_data", &c::sigma_data, key_value::positive},
        {"rho", &c::rho, key_value::positive},
        {"sigma_schedule", named<&c::sigma_schedule>, sigma_schedule_names},
        {"s_noise", &c::s_noise},
        {"original_inference_steps", &c::original_steps, 1, config_limits::train_timesteps},
        {"timestep_scaling", &c::timestep_scaling},
        {"snr", &c::snr, key_value::positive},
        {"sampling_eps", &c::sampling_eps, key_value::positive},
        {"correct_steps", &c::correct_steps, 0, config_limits::corrections},
    };
    return keys;
}

}  // namespace ddpm::diffusers::detail
