// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/ddpm.hpp>

#ifndef DDPM_COMPILED
#error "ddpm::compiled does not declare its instances"
#endif

/// Uses instances of the kernels, of a layer and of a network.
int main() {
    const ddpm::nn::mlp<float> net{{.dim = 2, .hidden = 16, .blocks = 1}};
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const ddpm::batch<float> drawn = ddpm::sample(ddpm::ddim{}, schedule, net, {.steps = 2, .count = 3});
    return drawn.cols() == 3 && drawn.isFinite().all() ? 0 : 1;
}
