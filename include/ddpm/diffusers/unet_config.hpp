// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/diffusers/detail/model_folder.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/networks/unet_size.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers {

/// The config.json of a UNet2DModel.
struct unet_config {
    nn::unet_options options{};
    bool has_sample_size = true;  ///< false: the file has none, and the options have a size that the levels can halve
    std::vector<std::string> notes{};              ///< assumptions made in reading, and unknown keys; not written
    std::map<std::string, std::string> unknown{};  ///< the unknown keys and their JSON texts; written
};

namespace detail {

inline constexpr named_value down_names[]{{"DownBlock2D", nn::unet_level::plain},
                                          {"AttnDownBlock2D", nn::unet_level::attention},
                                          {"ResnetDownsampleBlock2D", nn::unet_level::residual},
                                          {"UNetResDownBlock2D", nn::unet_level::plain},
                                          {"UNetResAttnDownBlock2D", nn::unet_level::attention},
                                          {"UNetResResnetDownsampleBlock2D", nn::unet_level::residual}};
inline constexpr named_value up_names[]{{"UpBlock2D", nn::unet_level::plain},
                                        {"AttnUpBlock2D", nn::unet_level::attention},
                                        {"ResnetUpsampleBlock2D", nn::unet_level::residual},
                                        {"UNetResUpBlock2D", nn::unet_level::plain},
                                        {"UNetResAttnUpBlock2D", nn::unet_level::attention},
                                        {"UNetResResnetUpsampleBlock2D", nn::unet_level::residual}};
inline constexpr named_value resampling_names[]{{"conv", nn::unet_resampling::conv},
                                                {"resnet", nn::unet_resampling::residual}};
inline constexpr named_value activation_names[]{{"silu", nn::activation::silu},
                                                {"swish", nn::activation::silu},
                                                {"mish", nn::activation::mish},
                                                {"gelu", nn::activation::gelu},
                                                {"relu", nn::activation::relu}};
inline constexpr named_value time_embedding_names[]{{"positional", nn::unet_time::positional},
                                                    {"fourier", nn::unet_time::fourier},
                                                    {"learned", nn::unet_time::learned}};
inline constexpr named_value class_embedding_names[]{{"timestep", nn::unet_classes::timestep},
                                                     {"identity", nn::unet_classes::identity}};
inline constexpr named_value middle_names[]{{"UNetMidBlock2D", true}};
inline constexpr named_value network_names[]{{"UNet2DModel", true}};
inline constexpr named_value scale_shift_names[]{{"default", false}, {"scale_shift", true}};

/// A whole number; 0 if null or missing.
[[nodiscard]] inline isize integer_or_null(config_reader& reader, std::string_view key,
                                           isize most = config_limits::integer) {
    return reader.take_null(key) ? 0 : reader.integer(key, 0, 0, most);
}

/// The value with the member's name. For an unknown name that diffusers accepts without an error, the value `other`,
/// which is diffusers' behaviour, and a note.
template <class E>
[[nodiscard]] E lenient_choice(config_reader& reader, std::string_view key, E absent, value_names names, E other,
                               std::vector<std::string>& notes) {
    const std::optional<json> value = reader.take(key);
    if (!value) {
        return absent;
    }
    const std::string given = reader.text_of(key, *value);
    for (const named_value& known : names) {
        if (known.name == given) {
            return static_cast<E>(known.value);
        }
    }
    const std::string_view taken = name_of(names, static_cast<int>(other));
    notes.push_back(ddpm::detail::text("key ", ddpm::detail::quoted(key), ": ", ddpm::detail::quoted(given),
                                       " is unknown; taken as ", taken.empty() ? "null" : taken,
                                       ", as diffusers does"));
    return other;
}

/// The resampling of attention levels; that of other levels is fixed. So the name must be known only if an attention
/// level is followed by another level.
[[nodiscard]] inline nn::unet_resampling read_resampling(config_reader& reader, std::string_view key,
                                                         const std::vector<nn::unet_level>& levels,
                                                         std::vector<std::string>& notes) {
    constexpr auto conv = nn::unet_resampling::conv;
    if (reader.take_null(key)) {
        return conv;
    }
    const bool needed = std::find(levels.begin(), levels.end() - 1, nn::unet_level::attention) != levels.end() - 1;
    return needed ? reader.choice(key, conv, resampling_names)
                  : lenient_choice(reader, key, conv, resampling_names, conv, notes);
}

/// Reads act_fn, which is not case-sensitive in diffusers.
inline void read_activation(config_reader& reader, nn::unet_options& o) {
    constexpr std::string_view key = "act_fn";
    if (const std::optional<json> value = reader.take(key)) {
        std::string name = reader.text_of(key, *value);
        for (char& c : name) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        for (const named_value& known : activation_names) {
            if (name == known.name) {
                o.act = static_cast<nn::activation>(known.value);
                return;
            }
        }
        static_cast<void>(reader.named_by(key, *value, activation_names));  // throws
    }
}

inline void read_size(config_reader& reader, unet_config& config) {
    constexpr std::string_view key = "sample_size";
    nn::unet_options& o = config.options;
    if (reader.take_null(key) || !reader.has(key)) {
        config.has_sample_size = false;
        o.height = o.width = std::max(o.height, isize{1} << std::min<std::size_t>(o.channels.size() - 1, 24));
        config.notes.push_back(ddpm::detail::text("the file names no sample_size: taken as ", o.height));
    } else if (const json size = *reader.take(key); size.kind == json_kind::array) {
        std::vector<isize> sizes;
        for (const json& element : reader.elements(key, size)) {
            sizes.push_back(reader.integer_of(key, element, 1));
        }
        if (sizes.size() != 2) {
            reader.fail(key, "a number or [height, width]", size);
        }
        o.height = sizes[0];
        o.width = sizes[1];
    } else {
        o.height = o.width = reader.integer_of(key, size, 1);
    }
    if (o.height > config_limits::pixels / o.width) {
        reader.fail(key, ddpm::detail::text("at most ", config_limits::pixels, " pixels"),
                    ddpm::detail::text(o.height, " x ", o.width));
    }
}

inline void read_levels(config_reader& reader, nn::unet_options& o) {
    if (const auto value = reader.take("block_out_channels")) {
        o.channels.clear();
        for (const json& element : reader.elements("block_out_channels", *value)) {
            o.channels.push_back(reader.integer_of("block_out_channels", element, 1));
        }
        if (o.channels.empty()) {
            reader.fail("block_out_channels", "at least one level", *value);
        }
    }
    const auto read = [&](std::string_view key, value_names names, std::vector<nn::unet_level>& to) {
        if (const auto value = reader.take(key)) {
            to.clear();
            for (const json& element : reader.elements(key, *value)) {
                to.push_back(static_cast<nn::unet_level>(reader.named_by(key, element, names)));
            }
        }
        if (to.size() != o.channels.size()) {
            reader.fail(key, ddpm::detail::text("as many as block_out_channels has, ", o.channels.size()), to.size());
        }
    };
    read("down_block_types", down_names, o.down);
    read("up_block_types", up_names, o.up);
}

/// attention_head_dim may be missing for two reasons: the file only has values that differ from the defaults, or it is
/// an early file of a model of Ho et al., with one head.
inline void read_head_dim(config_reader& reader, unet_config& config) {
    constexpr std::string_view key = "attention_head_dim";
    nn::unet_options& o = config.options;
    if (reader.take_null(key)) {
        o.head_dim = 0;
    } else if (reader.has(key)) {
        o.head_dim = reader.integer(key, 0, 1);
    } else if (o.order == nn::embedding_order::sin_cos && o.freq_shift == 1 &&
               o.downsample_padding == nn::conv_padding::after) {
        o.head_dim = 0;
        config.notes.push_back(
            "the file names no attention_head_dim: taken as null, one head, as the models of Ho "
            "et al. have; diffusers itself would take 8");
    } else {
        config.notes.push_back(ddpm::detail::text("the file names no attention_head_dim: taken as ", o.head_dim));
    }
}

inline void read_classes(config_reader& reader, nn::unet_options& o, std::vector<std::string>& notes) {
    const bool no_type = reader.take_null("class_embed_type") || !reader.has("class_embed_type");
    o.class_count = integer_or_null(reader, "num_class_embeds");
    if (no_type) {
        o.classes = o.class_count > 0 ? nn::unet_classes::table : nn::unet_classes::none;
    } else {
        constexpr auto none = nn::unet_classes::none;
        o.classes = lenient_choice(reader, "class_embed_type", none, class_embedding_names, none, notes);
    }
}

inline void read_middle(config_reader& reader, nn::unet_options& o, std::vector<std::string>& notes) {
    o.middle = !reader.take_null("mid_block_type");
    if (o.middle) {
        o.middle = lenient_choice(reader, "mid_block_type", true, middle_names, true, notes);
    }
    o.middle_attention = reader.boolean("add_attention", o.middle_attention);
    o.middle_scale = reader.real("mid_block_scale_factor", o.middle_scale);
    o.middle_attention_groups = integer_or_null(reader, "attn_norm_num_groups");
}

inline void read_time(config_reader& reader, nn::unet_options& o) {
    o.time = reader.choice("time_embedding_type", o.time, time_embedding_names);
    o.time_embedding_dim = integer_or_null(reader, "time_embedding_dim");
    o.freq_shift = reader.real("freq_shift", o.freq_shift);
    o.order = reader.boolean("flip_sin_to_cos", true) ? nn::embedding_order::cos_sin : nn::embedding_order::sin_cos;
    o.train_timesteps = integer_or_null(reader, "num_train_timesteps", config_limits::train_timesteps);
    if (o.time == nn::unet_time::learned && o.train_timesteps == 0) {
        reader.fail("num_train_timesteps", "at least 1 where the time embedding is learned", "none");
    }
}

/// As below, with at most `most` parameters; `limit` describes that limit in the error.
[[nodiscard]] inline unet_config parse_unet_config(std::string_view text, std::string_view where, isize most,
                                                   std::string_view limit) {
    config_reader reader(text, where);
    unet_config config;
    nn::unet_options& o = config.options;
    static_cast<void>(reader.choice("_class_name", true, network_names));
    static_cast<void>(reader.take("_diffusers_version"));
    read_levels(reader, o);
    read_size(reader, config);
    o.in_channels = reader.integer("in_channels", o.in_channels, 1);
    o.out_channels = reader.integer("out_channels", o.out_channels, 1);
    // diffusers does not define the content of additional input channels: here they are maps beside the sample.
    o.map_channels = std::max<isize>(0, o.in_channels - o.out_channels);
    o.center_input = reader.boolean("center_input_sample", o.center_input);
    read_time(reader, o);
    o.layers = reader.integer("layers_per_block", o.layers, 1, config_limits::layers);
    read_middle(reader, o, config.notes);
    const isize padding = reader.integer("downsample_padding", 1, 0);
    if (padding > 1) {
        reader.fail("downsample_padding", "0 or 1", padding);
    }
    o.downsample_padding = padding == 0 ? nn::conv_padding::after : nn::conv_padding::symmetric;
    o.downsample = read_resampling(reader, "downsample_type", o.down, config.notes);
    o.upsample = read_resampling(reader, "upsample_type", o.up, config.notes);
    o.dropout = reader.real("dropout", o.dropout);
    read_activation(reader, o);
    read_head_dim(reader, config);
    o.groups = reader.integer("norm_num_groups", o.groups, 1);
    o.norm_eps = reader.real("norm_eps", o.norm_eps);
    o.scale_shift = reader.choice("resnet_time_scale_shift", false, scale_shift_names);
    read_classes(reader, o, config.notes);
    config.unknown = reader.rest(config.notes);
    isize parameters = 0;
    try {
        parameters = nn::unet_parameter_count(o);
    } catch (const value_error& e) {
        throw io_error(where, ddpm::detail::text("not the config of a U-Net: ", e.what()));
    }
    if (parameters > most) {
        throw io_error(where, "parameters of the U-Net", ddpm::detail::text("at most ", most, ", ", limit), parameters);
    }
    return config;
}

}  // namespace detail

/// Reads the config of a UNet2DModel from its JSON text; `where` names the text in messages. Missing keys have the
/// defaults of diffusers' class. There are notes on a missing attention_head_dim, and on unknown names that diffusers
/// accepts. If there are more input than output channels, the last ones are condition maps: options.map_channels, which
/// may be changed before the network is made.
/// @throws io_error that names the key if a value has a wrong type, is outside its domain, beyond config_limits or not
/// supported (the message lists supported values), or if lists differ in length; or if no U-Net has such options, or
/// only one beyond config_limits. No network is made in reading
/// @source diffusers 0.42.1, UNet2DModel
[[nodiscard]] inline unet_config parse_unet_config(std::string_view text, std::string_view where) {
    return detail::parse_unet_config(text, where, config_limits::parameters, "the limit of any config");
}

/// Reads the config of a UNet2DModel from a file. If there are weights beside it, their size in bytes divided by 2
/// (16-bit numbers) replaces config_limits::parameters.
/// @throws io_error as above, or if the file cannot be read
[[nodiscard]] inline unet_config read_unet_config(const std::string& path) {
    const std::string text = detail::read_json_file(path);
    const std::string folder = path.find('/') == path.npos ? "." : path.substr(0, path.rfind('/') + 1);
    if (const auto bytes = detail::weight_bytes(folder)) {
        return detail::parse_unet_config(text, path, static_cast<isize>(*bytes / 2),
                                         "what the weights beside it can hold");
    }
    return parse_unet_config(text, path);
}

/// The text of a UNet2DModel's config.json, as written by diffusers.
/// @throws io_error if a text of `unknown` is not JSON; value_error if its key is one of diffusers', a number is not
/// finite, or the options have no counterpart in UNet2DModel (a vector, a learned null)
[[nodiscard]] inline std::string unet_config_text(const unet_config& config) {
    using detail::json_of;
    const nn::unet_options& o = config.options;
    if (o.vector != 0 || o.learned_null) {
        throw value_error("unet_config_text", "vector and learned_null", "none: UNet2DModel has neither",
                          ddpm::detail::text(o.vector, ", ", o.learned_null));
    }
    const auto null_for_0 = [](isize value) { return value == 0 ? detail::json{} : json_of(value); };
    const auto levels = [](detail::value_names names, const std::vector<nn::unet_level>& of) {
        detail::json list = detail::json::array();
        for (const nn::unet_level level : of) {
            list.items.push_back(json_of(detail::name_of(names, static_cast<int>(level))));
        }
        return list;
    };
    detail::json text;
    const auto put = [&](std::string_view key, detail::json value) { detail::add_member(text, key, std::move(value)); };
    const auto put_name = [&](std::string_view key, detail::value_names names, auto value) {
        const std::string_view name = detail::name_of(names, static_cast<int>(value));
        put(key, name.empty() ? detail::json{} : json_of(name));
    };
    put("_class_name", json_of("UNet2DModel"));
    put("_diffusers_version", json_of(detail::written_version));
    put_name("act_fn", detail::activation_names, o.act);
    put("add_attention", json_of(o.middle_attention));
    put("attention_head_dim", null_for_0(o.head_dim));
    put("attn_norm_num_groups", null_for_0(o.middle_attention_groups));
    put("block_out_channels", json_of(o.channels));
    put("center_input_sample", json_of(o.center_input));
    put_name("class_embed_type", detail::class_embedding_names, o.classes);
    put("down_block_types", levels(detail::down_names, o.down));
    put("downsample_padding", json_of(isize{o.downsample_padding == nn::conv_padding::after ? 0 : 1}));
    put_name("downsample_type", detail::resampling_names, o.downsample);
    put("dropout", json_of(o.dropout));
    put("flip_sin_to_cos", json_of(o.order == nn::embedding_order::cos_sin));
    put("freq_shift", detail::json_of_number(o.freq_shift));
    put("in_channels", json_of(o.in_channels));
    put("layers_per_block", json_of(o.layers));
    put("mid_block_scale_factor", detail::json_of_number(o.middle_scale));
    put("mid_block_type", o.middle ? json_of("UNetMidBlock2D") : detail::json{});
    put("norm_eps", json_of(o.norm_eps));
    put("norm_num_groups", json_of(o.groups));
    put("num_class_embeds", o.classes == nn::unet_classes::none ? detail::json{} : null_for_0(o.class_count));
    put("num_train_timesteps", null_for_0(o.train_timesteps));
    put("out_channels", json_of(o.out_channels));
    put_name("resnet_time_scale_shift", detail::scale_shift_names, o.scale_shift);
    put("sample_size", !config.has_sample_size ? detail::json{}
                       : o.height == o.width   ? json_of(o.height)
                                               : json_of(std::vector<isize>{o.height, o.width}));
    put("time_embedding_dim", null_for_0(o.time_embedding_dim));
    put_name("time_embedding_type", detail::time_embedding_names, o.time);
    put("up_block_types", levels(detail::up_names, o.up));
    put_name("upsample_type", detail::resampling_names, o.upsample);
    return detail::config_text(std::move(text), config.unknown);
}

/// Writes the config.json of a UNet2DModel.
/// @throws as unet_config_text; io_error if writing fails
inline void write_unet_config(const std::string& path, const unet_config& config) {
    detail::write_text_file(path, unet_config_text(config));
}

}  // namespace ddpm::diffusers
