// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/ddpm.hpp>

int main() {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const ddpm::batch<float> x0 = ddpm::batch<float>::Constant(3, 5, 0.5F);
    const ddpm::batch<float> eps = ddpm::batch<float>::Zero(3, 5);
    const ddpm::batch<float> xt = ddpm::q_sample(schedule, x0, 0, eps);
    return xt(2, 4) > 0.499F && xt(2, 4) < 0.5F ? 0 : 1;
}
