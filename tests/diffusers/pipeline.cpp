// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/pipeline.hpp>

#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/torch_initialize.hpp>

#include "diffusers/data_folder.hpp"
#include "diffusers/named_tensors.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {
namespace {

using diffusers::pipeline_folder;
using diffusers::read_pipeline;
using diffusers::write_pipeline;

const std::string weights = "diffusion_pytorch_model.safetensors";

std::string failure(const std::string& folder) {
    try {
        static_cast<void>(read_pipeline(folder));
    } catch (const io_error& e) {
        return e.what();
    }
    return "read";
}

TEST_CASE("the parts of a folder with sub-folders are found", "[diffusers]") {
    const pipeline_folder found = read_pipeline(data_folder + "/pipeline");
    CHECK(found.class_name == "DDPMPipeline");
    CHECK(found.unet_class == "UNet2DModel");
    CHECK(found.scheduler_class == "DDPMScheduler");
    CHECK(found.unet_config == data_folder + "/pipeline/unet/config.json");
    CHECK(found.scheduler_config == data_folder + "/pipeline/scheduler/scheduler_config.json");
    CHECK(found.notes.empty());
}

TEST_CASE("the parts of a flat folder are found", "[diffusers]") {
    const temporary_folder folder;
    for (const std::string_view file : {"model_index.json", "unet/config.json", "scheduler/scheduler_config.json"}) {
        const std::filesystem::path from = data_folder + "/pipeline/" + std::string(file);
        std::filesystem::copy_file(from, folder / from.filename().string());
    }
    std::filesystem::copy_file(data_folder + "/pipeline/unet/" + weights, folder / weights);
    const pipeline_folder found = read_pipeline(folder / "");
    CHECK(found.class_name == "DDPMPipeline");
    CHECK(found.unet_config == folder / "config.json");
    CHECK(found.scheduler_config == folder / "scheduler_config.json");
    auto net = zeros_like_file<float>(folder / weights);
    auto same = net;
    diffusers::load_weights(folder / "", net);
    diffusers::load_weights(data_folder + "/pipeline", same);
    CHECK(net == same);
}

TEST_CASE("a model without a pipeline is found", "[diffusers]") {
    const pipeline_folder found = read_pipeline(data_folder + "/sharded");
    CHECK(found.class_name.empty());
    CHECK(found.unet_config == data_folder + "/sharded/config.json");
    CHECK(found.scheduler_config.empty());
    CHECK(found.notes.size() == 2);
}

TEST_CASE("a folder of something else is an io_error", "[diffusers]") {
    const temporary_folder folder;
    CHECK(contains(failure(folder / ""), "no U-Net of diffusers"));
    CHECK(contains(failure(folder / "nowhere"), "no U-Net of diffusers"));
    write_text(folder / "config.json", "{}");
    CHECK(failure(folder / "") == "read");
    const auto with = [&](std::string_view index_json) {
        write_text(folder / "model_index.json", index_json);
        return failure(folder / "");
    };
    CHECK(with(R"({"_class_name": "P", "unet": ["diffusers", "UNet2DModel"]})") == "read");
    CHECK(contains(with(R"({"_class_name": "P", "unet": ["diffusers", "UNet2DConditionModel"]})"),
                   "key \"unet\"; expected UNet2DModel, got UNet2DConditionModel"));
    CHECK(contains(with(R"({"unet": ["diffusers", "UNet2DModel"]})"), "key \"_class_name\""));
    CHECK(contains(with(R"({"_class_name": 1})"), "key \"_class_name\""));
    CHECK(contains(with(R"({"_class_name": "P"})"), "key \"unet\""));
    CHECK(contains(with(R"({"_class_name": "P", "unet": ["UNet2DModel"]})"), "key \"unet\""));
    CHECK(contains(with(R"({"_class_name": "P", "unet": [null, null]})"), "key \"unet\""));
    CHECK(contains(with(R"({"_class_name": "P", "unet": ["diffusers", "UNet2DModel"], "scheduler": 1})"),
                   "key \"scheduler\""));
    CHECK(contains(with(""), "JSON"));
    const std::string whole = read_text(data_folder + "/pipeline/model_index.json");
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
        CHECK(with(std::string_view(whole).substr(0, length)) != "read");
    }
    const std::string other = R"({"_class_name": "P", "unet": ["diffusers", "UNet2DModel"], "vae": [null, null]})";
    CHECK(with(other) == "read");
    CHECK(read_pipeline(folder / "").notes.size() == 2);  // of the vae and the scheduler
}

TEST_CASE("a folder that is written is the one that diffusers wrote", "[diffusers]") {
    const temporary_folder folder;
    const std::string golden = data_folder + "/pipeline";
    const auto unet = diffusers::read_unet_config(golden + "/unet/config.json");
    auto net = zeros_like_file<float>(golden + "/unet/" + weights);
    net.made_by = unet.options;
    diffusers::load_weights(golden, net);
    const std::string made = folder / "deep/model";
    write_pipeline(made, net, diffusers::read_scheduler_config(golden + "/scheduler/scheduler_config.json"), unet);
    for (const std::string_view file : {"/model_index.json", "/unet/config.json", "/scheduler/scheduler_config.json"}) {
        CAPTURE(file);
        CHECK(read_text(made + std::string(file)) == read_text(golden + std::string(file)));
    }
    CHECK(read_text(made + "/unet/" + weights) == read_text(golden + "/unet/" + weights));
    const pipeline_folder found = read_pipeline(made);
    CHECK(found.class_name == "DDPMPipeline");
    CHECK(found.notes.empty());
    write_pipeline(made, net, {.kind = diffusers::scheduler_kind::ddim});
    CHECK(read_pipeline(made).class_name == "DDIMPipeline");
    CHECK(read_pipeline(made).scheduler_class == "DDIMScheduler");
}

TEST_CASE("a U-Net takes the weights of a folder, which are torch's own for the seed", "[diffusers]") {
    const std::string golden = data_folder + "/pipeline";
    const auto config = diffusers::read_unet_config(read_pipeline(golden).unet_config);
    nn::unet<float> net(config.options);
    CHECK(nn::parameter_count(net) == 11767);
    diffusers::load_weights(golden, net);
    nn::unet<float> started(config.options);
    nn::torch_initializer start(torch_generator(0));
    started.start(start);
    const auto loaded = nn::parameters(net), drawn = nn::parameters(started);
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        CAPTURE(loaded[i].name);
        CHECK(std::equal(loaded[i].values.begin(), loaded[i].values.end(), drawn[i].values.begin()));
    }
    const temporary_folder folder;
    write_pipeline(folder / "", net, {}, config);
    CHECK(read_text(folder / ("unet/" + weights)) == read_text(golden + "/unet/" + weights));
}

TEST_CASE("the pipeline of a written folder keeps the scheduler and runs it, or nothing is written", "[diffusers]") {
    // What each pipeline of diffusers 0.42.1 does when it loads, and whether its loop gives what the scheduler's own
    // gives, was tried with all of them.
    const temporary_folder folder;
    named_tensors<float> net;
    net.add("conv_in.weight", {2, 2, 3, 3});
    const auto check = [&](std::string_view pipeline, std::initializer_list<std::string_view> schedulers) {
        for (const std::string_view name : schedulers) {
            CAPTURE(name);
            const auto config = diffusers::parse_scheduler_config(
                "{\"_class_name\": \"" + std::string(name) + "\", \"num_train_timesteps\": 321, \"zoo\": [1]}", "text");
            const std::string made = folder / std::string(name);
            if (pipeline.empty()) {
                CHECK_THROWS_AS(write_pipeline(made, net, config), value_error);
                CHECK_FALSE(std::filesystem::exists(made));
                continue;
            }
            write_pipeline(made, net, config);
            const pipeline_folder found = read_pipeline(made);
            CHECK(found.class_name == pipeline);
            CHECK(found.scheduler_class == name);
            CHECK(found.notes.empty());
            const auto kept = diffusers::read_scheduler_config(found.scheduler_config);
            CHECK(kept.kind == config.kind);
            CHECK(contains(scheduler_config_text(kept), "321"));
            CHECK(scheduler_config_text(kept) == scheduler_config_text(config));
            write_pipeline(made, net, kept);
            CHECK(read_pipeline(made).class_name == pipeline);
            CHECK(read_text(found.scheduler_config) == scheduler_config_text(config));
        }
        return schedulers.size();
    };
    const std::size_t all =
        check(
            "DDPMPipeline",
            {"DDPMScheduler", "DDPMParallelScheduler", "DDIMParallelScheduler", "DPMSolverMultistepScheduler",
             "DPMSolverMultistepInverseScheduler", "DPMSolverSinglestepScheduler", "SASolverScheduler", "LCMScheduler",
             "TCDScheduler", "FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler", "UnCLIPScheduler"}) +
        check("DDIMPipeline", {"DDIMScheduler"}) + check("PNDMPipeline", {"PNDMScheduler"}) +
        check("ScoreSdeVePipeline", {"ScoreSdeVeScheduler"}) + check("RePaintPipeline", {"RePaintScheduler"}) +
        check("ConsistencyModelPipeline",
              {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
               "EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "CosineDPMSolverMultistepScheduler",
               "CMStochasticIterativeScheduler"}) +
        check("", {"DDIMInverseScheduler", "LMSDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2DiscreteScheduler",
                   "DPMSolverSDEScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler", "IPNDMScheduler"});
    CHECK(all == std::size(diffusers::detail::scheduler_classes));
}

TEST_CASE("a pipeline that will not use the folder's scheduler is noted", "[diffusers]") {
    const temporary_folder folder;
    write_text(folder / "config.json", "{}");
    write_text(folder / "scheduler_config.json", "{}");
    const auto notes = [&](std::string_view pipeline, std::string_view scheduler) {
        write_text(folder / "model_index.json", "{\"_class_name\": \"" + std::string(pipeline) +
                                                    "\", \"unet\": [\"diffusers\", \"UNet2DModel\"], \"scheduler\": "
                                                    "[\"diffusers\", \"" +
                                                    std::string(scheduler) + "\"]}");
        return read_pipeline(folder / "").notes;
    };
    CHECK(notes("DDPMPipeline", "DDIMScheduler").empty());
    CHECK(notes("DDIMPipeline", "DDIMScheduler").empty());
    REQUIRE(notes("DDIMPipeline", "DDPMScheduler").size() == 1);
    CHECK(contains(notes("DDIMPipeline", "DDPMScheduler")[0],
                   "samples with a DDIMScheduler, not with the DDPMScheduler"));
    CHECK(notes("PNDMPipeline", "DDIMScheduler").size() == 1);
}

TEST_CASE("a folder that cannot be written is an io_error", "[diffusers]") {
    const temporary_folder folder;
    named_tensors<float> net;
    net.add("conv_in.weight", {2, 2, 3, 3});
    write_text(folder / "file", "");
    CHECK_THROWS_AS(write_pipeline(folder / "file", net, {}), io_error);
    CHECK_THROWS_AS(write_pipeline(folder / "new", net, {.predicts = prediction::score}), value_error);
    CHECK_FALSE(std::filesystem::exists(folder / "new"));  // nothing was begun
}

}  // namespace
}  // namespace ddpm::test
