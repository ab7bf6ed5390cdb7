// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "work.hpp"

#include <ddpm/ddpm.hpp>

namespace {

std::vector<float> values(const ddpm::batch<float>& x) { return {x.data(), x.data() + x.size()}; }

}  // namespace

// Compiled twice, as plain() and as native(). What ddpm's functions allocate here may be freed by their copy over
// there.
work_result WORK() {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 100};
    const ddpm::philox_noise noise{7, ddpm::noise_stream::training};
    ddpm::batch<float> eps(301, 11);
    noise.normal<float>(eps, 3);
    ddpm::batch<float> x0(301, 11);
    noise.normal<float>(x0, 4);
    const ddpm::batch<float> xt = ddpm::q_sample(schedule, x0, 40, eps);
    const auto posterior = ddpm::q_posterior(schedule, x0, xt, 40);
    const ddpm::nn::mlp<float> net{{.dim = 17, .hidden = 40, .blocks = 1}};
    const ddpm::batch<float> samples =
        ddpm::sample(ddpm::ancestral{}, schedule, net, {.steps = 10, .count = 5, .seed = 3});
    return {values(eps), {values(xt), values(posterior.mean), values(samples)}};
}
