// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/unet_config.hpp>

#include "diffusers/data_folder.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using diffusers::parse_unet_config;
using diffusers::read_unet_config;
using diffusers::unet_config_text;
using nn::unet_level;

/// The message of the io_error, or "accepted".
std::string verdict(std::string_view text) {
    try {
        static_cast<void>(parse_unet_config(text, "config.json"));
    } catch (const io_error& e) {
        return e.what();
    }
    return "accepted";
}

/// google/ddpm-cifar10-32, as its file was.
const std::string cifar10 = R"({
  "_class_name": "UNet2DModel",
  "_diffusers_version": "0.0.4",
  "act_fn": "silu",
  "attention_head_dim": null,
  "block_out_channels": [128, 256, 256, 256],
  "center_input_sample": false,
  "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
  "downsample_padding": 0,
  "flip_sin_to_cos": false,
  "freq_shift": 1,
  "in_channels": 3,
  "layers_per_block": 2,
  "mid_block_scale_factor": 1,
  "norm_eps": 1e-06,
  "norm_num_groups": 32,
  "out_channels": 3,
  "sample_size": 32,
  "time_embedding_type": "positional",
  "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"]
})";

TEST_CASE("a config of diffusers is read", "[diffusers]") {
    const auto config = parse_unet_config(cifar10, "config.json");
    const nn::unet_options& o = config.options;
    CHECK(o.height == 32);
    CHECK(o.width == 32);
    CHECK(o.channels == std::vector<ddpm::isize>{128, 256, 256, 256});
    CHECK(o.down == std::vector{unet_level::plain, unet_level::attention, unet_level::plain, unet_level::plain});
    CHECK(o.up == std::vector{unet_level::plain, unet_level::plain, unet_level::attention, unet_level::plain});
    CHECK(o.downsample_padding == nn::conv_padding::after);
    CHECK(o.order == nn::embedding_order::sin_cos);
    CHECK(o.freq_shift == 1);
    CHECK(o.head_dim == 0);
    CHECK(o.norm_eps == 1e-6);
    CHECK(o.groups == 32);
    CHECK(o.layers == 2);
    CHECK(config.has_sample_size);
    CHECK(config.notes.empty());
    CHECK(config.unknown.empty());
}

TEST_CASE("the config of a consistency model is read", "[diffusers]") {
    // openai/diffusers-cd_imagenet64_l2, whose network is that of guided diffusion
    const auto config = parse_unet_config(R"({
  "_class_name": "UNet2DModel",
  "_diffusers_version": "0.18.0.dev0",
  "act_fn": "silu",
  "add_attention": true,
  "attention_head_dim": 64,
  "attn_norm_num_groups": 32,
  "block_out_channels": [192, 384, 576, 768],
  "center_input_sample": false,
  "class_embed_type": null,
  "down_block_types": ["ResnetDownsampleBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"],
  "downsample_padding": 1,
  "downsample_type": "resnet",
  "flip_sin_to_cos": true,
  "freq_shift": 0,
  "in_channels": 3,
  "layers_per_block": 3,
  "mid_block_scale_factor": 1,
  "norm_eps": 1e-05,
  "norm_num_groups": 32,
  "num_class_embeds": 1000,
  "out_channels": 3,
  "resnet_time_scale_shift": "scale_shift",
  "sample_size": 64,
  "time_embedding_type": "positional",
  "up_block_types": ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"],
  "upsample_type": "resnet"
})",
                                          "config.json");
    const nn::unet_options& o = config.options;
    constexpr auto attention = unet_level::attention, residual = unet_level::residual;
    CHECK(o.down == std::vector{residual, attention, attention, attention});
    CHECK(o.up == std::vector{attention, attention, attention, residual});
    CHECK(config.notes.empty());
    CHECK(nn::unet_parameter_count(o) == 295899267);  // what diffusers counts
    const auto again = parse_unet_config(unet_config_text(config), "again");
    CHECK(again.options.down == o.down);
    CHECK(again.options.up == o.up);
}

TEST_CASE("every activation's name is read, and written in its first form", "[diffusers]") {
    using nn::activation;
    const std::vector<std::pair<std::string, activation>> names{
        {"silu", activation::silu}, {"mish", activation::mish},  {"gelu", activation::gelu},
        {"relu", activation::relu}, {"SWISH", activation::silu}, {"Mish", activation::mish}};
    for (const auto& [name, act] : names) {
        CAPTURE(name);
        const auto config = parse_unet_config(R"({"sample_size": 32, "act_fn": ")" + name + "\"}", "config.json");
        CHECK(config.options.act == act);
        CHECK(parse_unet_config(unet_config_text(config), "again").options.act == act);
    }
    CHECK(contains(unet_config_text(parse_unet_config(R"({"act_fn": "swish"})", "text")), "\"act_fn\": \"silu\""));
}

TEST_CASE("what a config does not say has diffusers' defaults", "[diffusers]") {
    const auto config = parse_unet_config("{}", "config.json");
    const nn::unet_options& o = config.options;
    const nn::unet_options defaults;
    CHECK_FALSE(config.has_sample_size);
    CHECK(o.in_channels == 3);
    CHECK(o.out_channels == 3);
    CHECK_FALSE(o.center_input);
    CHECK(o.time == nn::unet_time::positional);
    CHECK(o.time_embedding_dim == 0);
    CHECK(o.freq_shift == 0);
    CHECK(o.order == nn::embedding_order::cos_sin);
    CHECK(o.down == defaults.down);
    CHECK(o.up == defaults.up);
    CHECK(o.channels == std::vector<ddpm::isize>{224, 448, 672, 896});
    CHECK(o.layers == 2);
    CHECK(o.middle);
    CHECK(o.middle_attention);
    CHECK(o.middle_scale == 1);
    CHECK(o.middle_attention_groups == 0);
    CHECK(o.downsample_padding == nn::conv_padding::symmetric);
    CHECK(o.downsample == nn::unet_resampling::conv);
    CHECK(o.upsample == nn::unet_resampling::conv);
    CHECK(o.dropout == 0);
    CHECK(o.head_dim == 8);
    CHECK(o.groups == 32);
    CHECK(o.norm_eps == 1e-5);
    CHECK_FALSE(o.scale_shift);
    CHECK(o.classes == nn::unet_classes::none);
    CHECK(o.train_timesteps == 0);
    CHECK(config.notes.size() == 2);  // the size of a sample and of a head
}

TEST_CASE("every key of a config is read and written", "[diffusers]") {
    const std::string text = R"({
  "_class_name": "UNet2DModel",
  "_diffusers_version": "0.42.1",
  "act_fn": "mish",
  "add_attention": false,
  "attention_head_dim": 4,
  "attn_norm_num_groups": 2,
  "block_out_channels": [
    8,
    16
  ],
  "center_input_sample": true,
  "class_embed_type": "timestep",
  "down_block_types": [
    "AttnDownBlock2D",
    "DownBlock2D"
  ],
  "downsample_padding": 0,
  "downsample_type": "resnet",
  "dropout": 0.1,
  "flip_sin_to_cos": false,
  "freq_shift": 1,
  "in_channels": 2,
  "layers_per_block": 3,
  "mid_block_scale_factor": 1.5,
  "mid_block_type": null,
  "norm_eps": 1e-06,
  "norm_num_groups": 8,
  "num_class_embeds": null,
  "num_train_timesteps": 50,
  "out_channels": 4,
  "resnet_time_scale_shift": "scale_shift",
  "sample_size": [
    16,
    24
  ],
  "time_embedding_dim": 12,
  "time_embedding_type": "learned",
  "up_block_types": [
    "ResnetUpsampleBlock2D",
    "AttnUpBlock2D"
  ],
  "upsample_type": "resnet"
}
)";
    const auto config = parse_unet_config(text, "config.json");
    const nn::unet_options& o = config.options;
    CHECK_FALSE(o.middle_attention);
    CHECK(o.act == nn::activation::mish);
    CHECK(o.up == std::vector{unet_level::residual, unet_level::attention});
    CHECK(o.head_dim == 4);
    CHECK(o.middle_attention_groups == 2);
    CHECK(o.center_input);
    CHECK(o.classes == nn::unet_classes::timestep);
    CHECK(o.downsample == nn::unet_resampling::residual);
    CHECK(o.upsample == nn::unet_resampling::residual);
    CHECK(o.dropout == 0.1);
    CHECK(o.in_channels == 2);
    CHECK(o.out_channels == 4);
    CHECK(o.layers == 3);
    CHECK(o.middle_scale == 1.5);
    CHECK_FALSE(o.middle);
    CHECK(o.train_timesteps == 50);
    CHECK(o.scale_shift);
    CHECK(o.height == 16);
    CHECK(o.width == 24);
    CHECK(o.time_embedding_dim == 12);
    CHECK(o.time == nn::unet_time::learned);
    CHECK(config.notes.empty());
    CHECK(unet_config_text(config) == text);
}

TEST_CASE("a config that diffusers wrote is written with the same bytes", "[diffusers]") {
    const std::string path = data_folder + "/pipeline/unet/config.json";
    CHECK(unet_config_text(read_unet_config(path)) == read_text(path));
    const temporary_folder folder;
    diffusers::write_unet_config(folder / "config.json", read_unet_config(path));
    CHECK_THROWS_AS(diffusers::write_unet_config(folder / "no/config.json", read_unet_config(path)), io_error);
    CHECK(read_text(folder / "config.json") == read_text(path));
    auto with_null = read_unet_config(path);
    with_null.has_sample_size = false;
    CHECK(contains(unet_config_text(with_null), "\"sample_size\": null"));
}

TEST_CASE("class embeddings follow from two keys", "[diffusers]") {
    const auto classes = [](std::string_view keys) {
        return parse_unet_config("{" + std::string(keys) + "}", "config.json").options;
    };
    CHECK(classes("").classes == nn::unet_classes::none);
    CHECK(classes(R"("class_embed_type": null, "num_class_embeds": null)").classes == nn::unet_classes::none);
    CHECK(classes(R"("num_class_embeds": 10)").classes == nn::unet_classes::table);
    CHECK(classes(R"("num_class_embeds": 10)").class_count == 10);
    CHECK(classes(R"("class_embed_type": "identity", "num_class_embeds": 10)").classes == nn::unet_classes::identity);
    auto config = parse_unet_config(R"({"num_class_embeds": 10})", "config.json");
    CHECK(parse_unet_config(unet_config_text(config), "again").options.classes == nn::unet_classes::table);
    config.options.classes = nn::unet_classes::identity;
    CHECK(parse_unet_config(unet_config_text(config), "again").options.classes == nn::unet_classes::identity);
}

TEST_CASE("a missing attention_head_dim is assumed and noted", "[diffusers]") {
    std::string old = cifar10;
    const std::string key = "  \"attention_head_dim\": null,\n";
    old.erase(old.find(key), key.size());
    const auto config = parse_unet_config(old, "config.json");
    CHECK(config.options.head_dim == 0);
    REQUIRE(config.notes.size() == 1);
    CHECK(contains(config.notes[0], "attention_head_dim"));
    const std::string padding = "\"downsample_padding\": 0";
    old.replace(old.find(padding), padding.size(), "\"downsample_padding\": 1");
    CHECK(parse_unet_config(old, "config.json").options.head_dim == 8);
    const auto other = parse_unet_config(R"({"sample_size": 32})", "config.json");
    CHECK(other.options.head_dim == 8);
    REQUIRE(other.notes.size() == 1);
    CHECK(contains(other.notes[0], "attention_head_dim"));
}

TEST_CASE("unknown keys are reported and written again", "[diffusers]") {
    auto config = parse_unet_config(
        R"({"sample_size": 32, "attention_head_dim": 8, "zoo": {"b": [1, -2, 0.5, null, true, []], "a": {}},
            "_name_or_path": "a\nb"})",
        "config.json");
    CHECK(config.unknown == std::map<std::string, std::string>{{"_name_or_path", R"("a\nb")"},
                                                               {"zoo", R"({"b":[1,-2,0.5,null,true,[]],"a":{}})"}});
    CHECK(config.notes.size() == 2);
    CHECK(contains(config.notes[1], "zoo"));
    const std::string text = unet_config_text(config);
    CHECK(
        text.ends_with("\"zoo\": {\n    \"b\": [\n      1,\n      -2,\n      0.5,\n      null,\n      true,\n"
                       "      []\n    ],\n    \"a\": {}\n  }\n}\n"));
    CHECK(parse_unet_config(text, "again").unknown == config.unknown);
    config.unknown["zoo"] = "{";
    CHECK_THROWS_AS(unet_config_text(config), io_error);
    config.unknown = {{"act_fn", "\"silu\""}};
    CHECK_THROWS_AS(unet_config_text(config), value_error);
    config.unknown.clear();
    config.options.norm_eps = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(unet_config_text(config), value_error);
}

TEST_CASE("a config that is wrong is an io_error that names the key", "[diffusers]") {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"_class_name", R"("UNet2DConditionModel")"},
        {"_class_name", "3"},
        {"sample_size", "0"},
        {"sample_size", "-1"},
        {"sample_size", "32.5"},
        {"sample_size", "[32]"},
        {"sample_size", "[32, 32, 32]"},
        {"sample_size", "[32, null]"},
        {"sample_size", "\"32\""},
        {"in_channels", "0"},
        {"in_channels", "null"},
        {"out_channels", "99999999999"},
        {"center_input_sample", "1"},
        {"time_embedding_type", "\"sinus\""},
        {"time_embedding_dim", "\"512\""},
        {"freq_shift", "\"1\""},
        {"flip_sin_to_cos", "null"},
        {"down_block_types", "\"DownBlock2D\""},
        {"down_block_types", R"(["DownBlock2D", "SkipDownBlock2D", "DownBlock2D", "DownBlock2D"])"},
        {"down_block_types", R"(["DownBlock2D", "DownBlock2D", "DownBlock2D"])"},
        {"down_block_types", R"(["DownBlock2D", "UpBlock2D", "DownBlock2D", "DownBlock2D"])"},
        {"up_block_types", R"(["UpBlock2D", 1, "UpBlock2D", "UpBlock2D"])"},
        {"up_block_types", "[]"},
        {"down_block_types", R"(["DownBlock2D", "KDownBlock2D", "DownBlock2D", "DownBlock2D"])"},
        {"up_block_types", R"(["UpBlock2D", "AttnSkipUpBlock2D", "UpBlock2D", "UpBlock2D"])"},
        {"mid_block_type", "1"},
        {"block_out_channels", "[]"},
        {"block_out_channels", "[32, -32, 32, 32]"},
        {"block_out_channels", "32"},
        {"layers_per_block", "0"},
        {"mid_block_scale_factor", "null"},
        {"downsample_padding", "2"},
        {"downsample_padding", "true"},
        {"downsample_type", "\"pool\""},
        {"upsample_type", "1"},
        {"dropout", "\"none\""},
        {"act_fn", "\"tanh\""},
        {"attention_head_dim", "0"},
        {"attention_head_dim", "[8, 8]"},
        {"norm_num_groups", "null"},
        {"attn_norm_num_groups", "true"},
        {"norm_eps", "[]"},
        {"resnet_time_scale_shift", "\"spatial\""},
        {"add_attention", "\"yes\""},
        {"class_embed_type", "1"},
        {"num_class_embeds", "-3"},
        {"num_train_timesteps", "1.5"},
    };
    for (const auto& [key, value] : wrong) {
        const std::string message = verdict("{\"" + key + "\": " + value + "}");
        CAPTURE(key, value, message);
        CHECK(contains(message, "config.json: key \"" + key + "\"; expected "));
    }
    CHECK(contains(verdict(R"({"act_fn": "Tanh"})"), "got \"Tanh\""));
    CHECK(contains(verdict(R"({"block_out_channels": [32, 32]})"), "key \"down_block_types\""));
    CHECK(contains(verdict(R"({"time_embedding_type": "learned"})"), "key \"num_train_timesteps\""));
    CHECK(contains(verdict(R"({"norm_num_groups": 5})"), "not the config of a U-Net"));
    CHECK(contains(verdict(R"({"attention_head_dim": 3})"), "multiples of head_dim, 3"));
    CHECK(contains(verdict(R"({"dropout": 1})"), "in [0, 1), since 1 leaves nothing to train"));
    CHECK(verdict(R"({"norm_eps": 0})") == "accepted");
    CHECK(contains(verdict(R"({"sample_size": 33})"), "not the config of a U-Net"));
    CHECK(contains(verdict(R"({"zoo": 1, "zoo": 2})"), "a key that the object has already"));
    CHECK(contains(verdict("[]"), "a JSON object"));
    CHECK(verdict(R"({"act_fn": "swish"})") == "accepted");
    CHECK(verdict(R"({"downsample_type": null, "upsample_type": null})") == "accepted");
    CHECK(contains(verdict("{\"act_fn\": \"" + std::string(500, 'x') + "\"}"), "..."));
    CHECK_THROWS_AS(read_unet_config(data_folder + "/nothing.json"), io_error);
    CHECK_THROWS_AS(read_unet_config(data_folder), io_error);
}

TEST_CASE("names that diffusers does not know mean what it does with them, and are noted", "[diffusers]") {
    const auto read = [](std::string_view text) { return parse_unet_config(text, "config.json"); };
    const auto plain = read(R"({"block_out_channels": [32, 32], "attention_head_dim": 8, "sample_size": 8,
        "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "up_block_types": ["UpBlock2D", "AttnUpBlock2D"],
        "downsample_type": "pool", "upsample_type": "pool", "mid_block_type": "UNetMidBlock2DCrossAttn",
        "class_embed_type": "projection", "num_class_embeds": 10, "act_fn": "SiLU"})");
    CHECK(plain.options.downsample == nn::unet_resampling::conv);
    CHECK(plain.options.upsample == nn::unet_resampling::conv);
    CHECK(plain.options.middle);
    CHECK(plain.options.classes == nn::unet_classes::none);
    CHECK(plain.notes.size() == 4);
    CHECK(contains(unet_config_text(plain), "\"mid_block_type\": \"UNetMidBlock2D\""));
    CHECK(verdict(R"({"act_fn": "SWISH"})") == "accepted");
}

TEST_CASE("names of the first versions of diffusers are understood", "[diffusers]") {
    const auto config = parse_unet_config(
        R"({"block_out_channels": [32, 32, 32],
            "down_block_types": ["UNetResDownBlock2D", "UNetResAttnDownBlock2D", "UNetResResnetDownsampleBlock2D"],
            "up_block_types": ["UNetResResnetUpsampleBlock2D", "UNetResAttnUpBlock2D", "UNetResUpBlock2D"]})",
        "config.json");
    CHECK(config.options.down == std::vector{unet_level::plain, unet_level::attention, unet_level::residual});
    CHECK(config.options.up == std::vector{unet_level::residual, unet_level::attention, unet_level::plain});
}

TEST_CASE("a config that was cut short or changed is read or refused", "[diffusers]") {
    int accepted = 0;
    for (std::size_t length = 0; length < cifar10.size(); ++length) {
        accepted += verdict(std::string_view(cifar10).substr(0, length)) == "accepted" ? 1 : 0;
    }
    CHECK(accepted == 0);
    for (std::size_t at = 0; at < cifar10.size(); ++at) {
        for (const char c : {'"', '0', '-', '[', '}', ',', '\0', '\xff'}) {
            std::string changed = cifar10;
            changed[at] = c;
            static_cast<void>(verdict(changed));  // any exception but io_error fails the test
        }
    }
}

}  // namespace
}  // namespace ddpm::test
