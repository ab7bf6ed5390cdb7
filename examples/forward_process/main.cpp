// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The forward process: how noise replaces an image, x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε. Prints the coefficients of a few
// timesteps and an image at each of them, drawn with characters. Nothing is trained.
#include "support/console.hpp"

#include <ddpm/io/idx.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cstdio>
#include <vector>

namespace {

using ddpm::isize;

int run(bool) {
    const ddpm::io::idx_images file = ddpm::io::read_idx_images(DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte");
    const ddpm::batch<float> data = ddpm::io::to_batch<float>(file);  // one image per column, pixels in [-1, 1]
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const std::vector<isize> times{0, 250, 500, 750, 999};

    std::printf("   t  signal   noise      SNR\n");
    for (const isize t : times) {
        const auto& at = schedule[t];
        std::printf("%4td  %.4f  %.4f  %7.4g\n", t, at.sqrt_alpha_bar, at.sqrt_one_minus_alpha_bar, at.snr);
    }

    // Column i is the same image at the time times[i]: a function of the process takes one time for all or one for each.
    const ddpm::batch<float> x0 = data.col(5).replicate(1, std::ssize(times));
    ddpm::batch<float> eps(x0.rows(), x0.cols());
    ddpm::philox_noise(1, ddpm::noise_stream::training).normal<float>(eps, 0);
    const ddpm::batch<float> xt = ddpm::q_sample(schedule, x0, times, eps);

    std::printf("\nA digit at these times, from left to right:\n");
    examples::print_images(xt, file.shape());

    // The same forward process is what training inverts: with ε known, x_0 follows from x_t.
    const auto& middle = schedule[500];
    const auto recovered = (xt.col(2) - static_cast<float>(middle.sqrt_one_minus_alpha_bar) * eps.col(2)) /
                           static_cast<float>(middle.sqrt_alpha_bar);
    std::printf("x_0 from x_500 and its noise: error below 1e-5: %s\n",
                (recovered - x0.col(2)).abs().maxCoeff() < 1e-5f ? "yes" : "no");
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
