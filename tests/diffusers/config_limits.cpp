// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/config_limits.hpp>

#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>
#include <ddpm/nn/networks/unet.hpp>

#include "diffusers/data_folder.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/refusal_time.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

/// What an action said when it refused, and what that took.
struct cost {
    std::string said = "accepted";
    double milliseconds = 0;
    std::ptrdiff_t bytes = 0;
};

template <class Action>
cost cost_of(const Action& action) {
    cost taken;
    peak_bytes = live_bytes.load();
    const std::ptrdiff_t before = peak_bytes;
    const processor_time time;
    try {
        action();
    } catch (const base_error& e) {
        taken.said = e.what();
    }
    taken.milliseconds = time.milliseconds();
    taken.bytes = peak_bytes - before;
    taken.milliseconds = refusal_milliseconds(taken.milliseconds, action);
    return taken;
}

template <class Action>
void check_refused(std::string_view what, const Action& action) {
    const cost taken = cost_of(action);
    CAPTURE(what.substr(0, 100), taken.said.substr(0, 300));
    CHECK(taken.said != "accepted");
    CHECK(taken.bytes < 16'000'000);
    CHECK(taken.milliseconds < most_milliseconds);
}

/// A list of `count` equal values.
std::string list_of(std::string_view value, std::size_t count) {
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) {
        list.append(i == 0 ? "" : ",").append(value);
    }
    return list + "]";
}

const std::string one_level =
    R"("norm_num_groups":1,"down_block_types":["DownBlock2D"],"up_block_types":["UpBlock2D"],)";

std::vector<std::string> hostile_unets() {
    std::string many_keys = "{";
    for (int i = 0; i < 100'000; ++i) {
        many_keys += "\"" + std::to_string(i) + "\":0,";
    }
    many_keys.back() = '}';
    return {
        R"({"in_channels":16777216})",
        R"({"in_channels":4000000})",
        R"({"out_channels":16777216})",
        R"({"in_channels":16777216,"out_channels":16777216})",
        R"({"layers_per_block":16777216,)" + one_level + R"("block_out_channels":[32]})",
        R"({"layers_per_block":1024,)" + one_level + R"("block_out_channels":[1024]})",
        "{" + one_level + R"("block_out_channels":[16777216]})",
        "{" + one_level + R"("block_out_channels":[18446744073709551615]})",
        R"({"block_out_channels":[16777216,16777216,16777216,16777216]})",
        R"({"block_out_channels":)" + list_of("32", 10'000) + "}",
        R"({"block_out_channels":)" + list_of("32", 500'000) + "}",
        R"({"block_out_channels":)" + list_of("64", 16) + R"(,"down_block_types":)" + list_of("\"DownBlock2D\"", 16) +
            R"(,"up_block_types":)" + list_of("\"UpBlock2D\"", 16) + R"(,"layers_per_block":1024,"norm_num_groups":1})",
        R"({"down_block_types":)" + list_of("\"AttnDownBlock2D\"", 20'000) + "}",
        R"({"time_embedding_dim":16777216})",
        R"({"num_class_embeds":16777216})",
        R"({"time_embedding_type":"learned","num_train_timesteps":16777216})",
        R"({"sample_size":16777216})",
        R"({"sample_size":[16777216,16777216]})",
        R"({"sample_size":[1,16777217]})",
        R"({"block_out_channels":)" + list_of("32", 16) + R"(,"down_block_types":)" + list_of("\"DownBlock2D\"", 16) +
            R"(,"up_block_types":)" + list_of("\"UpBlock2D\"", 16) + R"(,"norm_num_groups":1})",
        R"({"sample_size":)" + list_of("8", 30'000) + "}",
        R"({"attention_head_dim":16777217})",
        R"({"norm_num_groups":16777216})",
        R"({"attn_norm_num_groups":16777216})",
        R"({"cross_attention_dim":)" + list_of("[]", 500'000) + "}",
        R"({"addition_embed_type_num_heads":)" + list_of("{\"a\":0}", 50'000) + "}",
        many_keys,
        "{\"" + std::string(3 << 20, 'k') + "\":0}",
        R"({"a":")" + std::string(3 << 20, 'v') + "\"}",
        list_of("0", 1'000'000),
        list_of("[]", 1'000'000),
        std::string(64, '[') + list_of("1.5", 400'000) + std::string(64, ']'),
    };
}

TEST_CASE("a U-Net's config that asks for too much is refused at once, before anything is made", "[diffusers]") {
    const temporary_folder folder;
    for (const std::string& text : hostile_unets()) {
        check_refused(text, [&] { static_cast<void>(parse_unet_config(text, "config.json")); });
        write_text(folder / "config.json", text);
        check_refused(text, [&] { static_cast<void>(read_unet_config(folder / "config.json")); });
    }
    CHECK(
        contains(cost_of([] { static_cast<void>(parse_unet_config(R"({"in_channels":16777216})", "c")); }).said,
                 "c: parameters of the U-Net; expected at most 1073741824, the limit of any config, got 34096917571"));
    // The largest that are taken cost no more.
    const cost taken = cost_of([] { static_cast<void>(parse_unet_config(R"({"in_channels":390000})", "c")); });
    CHECK(taken.said == "accepted");
    CHECK(taken.bytes < 1'000'000);
    const std::string full = R"({"unknown":)" + list_of("\"a text\"", config_limits::values - 2) + "}";
    CHECK(cost_of([&] { static_cast<void>(parse_unet_config(full, "c")); }).said == "accepted");
    CHECK(cost_of([&] { static_cast<void>(parse_unet_config(full, "c")); }).bytes < 16'000'000);
}

TEST_CASE("a U-Net's config may not ask for more than the weights beside it hold", "[diffusers]") {
    const temporary_folder folder;
    const nn::unet_options options{.height = 4,
                                   .width = 4,
                                   .down = {nn::unet_level::plain},
                                   .up = {nn::unet_level::plain},
                                   .channels = {8},
                                   .layers = 1,
                                   .groups = 2};
    const nn::unet<float> net(options);
    write_pipeline(folder / "", net, {});
    const std::string path = folder / "unet/config.json";
    CHECK(read_unet_config(path).options.channels == options.channels);
    for (const std::string_view more :
         {R"("in_channels": 390000)", R"("in_channels": 2000)", R"("layers_per_block": 9)"}) {
        std::string text = read_text(path);
        const std::string key(more.substr(0, more.find(':')));
        const std::size_t at = text.find(key);
        text.replace(at, text.find(',', at) - at, more);
        write_text(folder / "unet/other.json", text);
        CHECK_NOTHROW(parse_unet_config(text, "other.json"));
        check_refused(more, [&] { static_cast<void>(read_unet_config(folder / "unet/other.json")); });
        CHECK(contains(cost_of([&] { static_cast<void>(read_unet_config(folder / "unet/other.json")); }).said,
                       "what the weights beside it can hold"));
    }
    // Of several files it is the sum that counts; of 16-bit numbers a file of half the size holds as many.
    CHECK_NOTHROW(read_unet_config(data_folder + "/sharded/config.json"));
    // Where they hold more than the limit of any config, more may be asked for.
    std::filesystem::resize_file(folder / "unet/diffusion_pytorch_model.safetensors", std::uintmax_t{6} << 30);
    const std::string large = R"({"in_channels":1000000,"sample_size":32})";
    write_text(folder / "unet/large.json", large);
    CHECK_NOTHROW(read_unet_config(folder / "unet/large.json"));
    check_refused(large, [&] { static_cast<void>(parse_unet_config(large, "large.json")); });
    std::filesystem::remove(folder / "unet/diffusion_pytorch_model.safetensors");
    CHECK_NOTHROW(read_unet_config(folder / "unet/other.json"));
}

TEST_CASE("a scheduler's config that asks for too much is refused at once", "[diffusers]") {
    for (const std::string& text : {
             std::string(R"({"_class_name":"DDPMScheduler","num_train_timesteps":16777216})"),
             std::string(R"({"_class_name":"DDIMScheduler","num_train_timesteps":100001})"),
             std::string(R"({"_class_name":"EDMEulerScheduler","num_train_timesteps":16777216})"),
             std::string(R"({"_class_name":"ScoreSdeVeScheduler","correct_steps":16777216})"),
             std::string(R"({"_class_name":"SASolverScheduler","predictor_order":900})"),
             std::string(R"({"_class_name":"SASolverScheduler","corrector_order":900})"),
             std::string(R"({"_class_name":"UniPCMultistepScheduler","solver_order":900})"),
             std::string(R"({"_class_name":"DEISMultistepScheduler","solver_order":900})"),
             std::string(R"({"_class_name":"LCMScheduler","original_inference_steps":16777216})"),
             R"({"_class_name":"DDPMScheduler","num_train_timesteps":100000,"trained_betas":)" +
                 list_of("0.1", 100'000) + "}",
             R"({"_class_name":"UniPCMultistepScheduler","disable_corrector":)" + list_of("1", 1'000'000) + "}",
             R"({"_class_name":"DDPMScheduler","timesteps":)" + list_of("1", 1'000'000) + "}",
             R"({"_class_name":"DDPMScheduler","timesteps":)" + list_of("1", 32'000'000) + "}",
             R"({"_class_name":"DDPMScheduler","lambda_min_clipped":)" + list_of("-Infinity", 100'000) + "}",
         }) {
        check_refused(text, [&] { static_cast<void>(parse_scheduler_config(text, "scheduler_config.json")); });
    }
    // What is taken is run in little time and memory, whatever the class.
    for (const auto& known : diffusers::detail::scheduler_classes) {
        CAPTURE(known.name);
        std::string text = R"({"_class_name":")" + std::string(known.name) + R"(","num_train_timesteps":100000)";
        for (const std::string_view key : {"solver_order", "predictor_order", "corrector_order"}) {
            const bool any_order = known.kind == scheduler_kind::unipc || known.kind == scheduler_kind::sa_solver;
            text += known.has_key(key) && any_order ? ",\"" + std::string(key) + "\":16" : "";
        }
        const cost taken = cost_of([&] {
            static_cast<void>(make_scheduler_run(parse_scheduler_config(text + "}", "scheduler_config.json"), 100));
        });
        CHECK(taken.bytes < 64'000'000);
        CHECK(taken.milliseconds < 5000);
    }
}

TEST_CASE("an index of weights that asks for too much is refused at once", "[diffusers]") {
    nn::unet<float> net(nn::unet_options{.height = 4,
                                         .width = 4,
                                         .down = {nn::unet_level::plain},
                                         .up = {nn::unet_level::plain},
                                         .channels = {8},
                                         .layers = 1,
                                         .groups = 2});
    const temporary_folder folder;
    const std::string path = folder / "diffusion_pytorch_model.safetensors.index.json";
    const auto index_of = [](int names, int files) {
        std::string text = R"({"weight_map":{)";
        for (int i = 0; i < names; ++i) {
            text += "\"" + std::to_string(i) + "\":\"" + std::to_string(i % files) + ".safetensors\",";
        }
        text.back() = '}';
        return text + "}";
    };
    write_text(path, index_of(1'000'000, 1));
    check_refused("names", [&] { load_weights(folder / "", net); });
    write_text(path, index_of(60'000, 60'000));
    check_refused("files", [&] { load_weights(folder / "", net); });
}

}  // namespace
}  // namespace ddpm::test
