// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Writes the model that the example `mnist` has trained as a folder that diffusers loads in Python:
//     DDPMPipeline.from_pretrained(folder), or UNet2DModel.from_pretrained(folder, subfolder="unet").
#include "mnist/architecture.hpp"
#include "support/program.hpp"

#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/parameter_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

namespace {

struct settings {
    std::string checkpoint = "out/mnist/model.safetensors";
    std::string out = "out/export";
    ddpm::isize height = 28;
    ddpm::isize width = 28;
};

int run(const settings& chosen) {
    ddpm::nn::unet<float> net(examples::digit_network({chosen.height, chosen.width, 1}));
    ddpm::load_parameters(chosen.checkpoint, net, "ema.");
    ddpm::diffusers::write_pipeline(chosen.out, net,
                                    {.kind = ddpm::diffusers::scheduler_kind::ddim,
                                     .curve = ddpm::diffusers::beta_curve::squaredcos_cap_v2,
                                     .predicts = examples::digit_prediction,
                                     .spacing = ddpm::timestep_spacing::trailing});
    std::printf("%s holds a U-Net of %td parameters for diffusers, which draws images of %td x %td.\n",
                chosen.out.c_str(), ddpm::nn::parameter_count(net), net.shape().height, net.shape().width);
    if (net.shape().height != chosen.height || net.shape().width != chosen.width) {
        std::printf("Those of %td x %td lie in their upper left corners.\n", chosen.height, chosen.width);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Writes the model that `mnist` has trained as a folder for diffusers.", "export"};
    app.add_option("--checkpoint", chosen.checkpoint, "what mnist has written")
        ->check(CLI::ExistingFile)
        ->capture_default_str();
    app.add_option("--out", chosen.out, "the folder to write")->capture_default_str();
    app.add_option("--height", chosen.height, "of the images that mnist has learned from")
        ->check(CLI::Range(1, 16384))
        ->capture_default_str();
    app.add_option("--width", chosen.width, "of the same")->check(CLI::Range(1, 16384))->capture_default_str();
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
