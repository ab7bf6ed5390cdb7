// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Exchange with diffusers, in both directions: writes a U-Net and a scheduler as a folder that
// DiffusionPipeline.from_pretrained loads in Python, reads such a folder, and samples as its scheduler says.
// The example diffusers_sample draws pictures with a folder; export writes the model that mnist has trained.
#include "support/console.hpp"

#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>

#include <cstdio>
#include <filesystem>

namespace {

int run(bool) {
    using level = ddpm::nn::unet_level;
    const ddpm::nn::unet<float> net({.height = 16,
                                     .width = 16,
                                     .in_channels = 3,
                                     .out_channels = 3,
                                     .down = {level::plain, level::attention},
                                     .up = {level::attention, level::plain},
                                     .channels = {16, 32},
                                     .layers = 1,
                                     .head_dim = 8,
                                     .groups = 8,
                                     .seed = 1});
    const std::string folder = "out/diffusers_exchange";
    ddpm::diffusers::write_pipeline(folder, net,
                                    {.kind = ddpm::diffusers::scheduler_kind::ddim, .predicts = ddpm::prediction::v});
    std::printf("%s holds\n", folder.c_str());
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            names.push_back(std::filesystem::relative(entry.path(), folder).generic_string());
        }
    }
    std::ranges::sort(names);
    for (const std::string& name : names) {
        std::printf("  %s\n", name.c_str());
    }

    const ddpm::diffusers::pipeline_folder found = ddpm::diffusers::read_pipeline(folder);
    const ddpm::diffusers::unet_config config = ddpm::diffusers::read_unet_config(found.unet_config);
    const auto scheduler = ddpm::diffusers::read_scheduler_config(found.scheduler_config);
    ddpm::nn::unet<float> loaded(config.options);
    ddpm::diffusers::load_weights(folder, loaded);
    std::printf("\nRead back: %s with %s, %td parameters\n", found.class_name.c_str(), found.scheduler_class.c_str(),
                ddpm::nn::parameter_count(loaded));

    const auto steps = ddpm::diffusers::make_scheduler_run(scheduler, 10);
    const ddpm::sample_options options{.count = 2, .seed = 7};
    const ddpm::batch<float> x = ddpm::diffusers::sample(steps, net, options),
                             y = ddpm::diffusers::sample(steps, loaded, options);
    std::printf("Samples of both in 10 steps have the same bits: %s\n", (x == y).all() ? "yes" : "no");
    return (x == y).all() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
