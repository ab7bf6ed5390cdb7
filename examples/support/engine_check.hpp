// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/channel_order.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/random/noise.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

namespace examples {

/// The folder that support/export_unet.py has written: a small U-Net of diffusers in several formats, noise to start
/// from, and the samples that diffusers' pipelines make of it.
inline const std::string engine_folder = DDPM_EXAMPLES_DATA "/engine_unet/";

/// The shape of a sample of that U-Net.
inline constexpr ddpm::sample_shape engine_shape{16, 16, 3};

/// Samples with an engine as the predictor, by two solvers of the library, and prints how far the samples are from
/// those of diffusers' pipeline and from those of the same weights in the library's own U-Net.
/// @returns the program's exit code: 0 if no element differs from either by more than 1e-4
template <class Predictor>
int compare_engine(const char* name, const Predictor& engine) {
    using images = ddpm::batch<float>;
    namespace diffusers = ddpm::diffusers;
    const auto read = [](const char* file) {
        return ddpm::io::read_npy_images<float>(engine_folder + file, ddpm::channel_order::first).samples;
    };
    ddpm::nn::unet<float> own(diffusers::read_unet_config(engine_folder + "diffusers/config.json").options);
    diffusers::load_weights(engine_folder + "diffusers", own);
    const images start = read("noise.npy");

    std::printf("%td samples of 16 x 16 x 3 in 20 steps; largest differences of an element, at most 1e-4:\n",
                start.cols());
    bool all_close = true;
    for (const char* const solver : {"ddim", "dpmpp_2m"}) {
        const auto run = diffusers::make_scheduler_run(
            diffusers::read_scheduler_config(engine_folder + solver + "/scheduler_config.json"), 20);
        const ddpm::philox_noise noise(0, ddpm::noise_stream::sampler);  // neither solver draws any
        const images by_engine = diffusers::denoise_from<float>(run, engine, start, noise);
        const images by_own = diffusers::denoise_from<float>(run, own, start, noise);
        const float to_diffusers = (by_engine - read((std::string(solver) + ".npy").c_str())).abs().maxCoeff();
        const float to_own = (by_engine - by_own).abs().maxCoeff();
        const bool close = to_diffusers < 1e-4f && to_own < 1e-4f;
        all_close = all_close && close;
        std::printf("%-8s  %s and diffusers' pipeline, %s and nn::unet: %s\n", solver, name, name,
                    close ? "yes" : "no");
        std::printf("measured: %-8s  %.1e, %.1e\n", solver, static_cast<double>(to_diffusers),
                    static_cast<double>(to_own));
    }
    return all_close ? 0 : 1;
}

}  // namespace examples
