// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/version.hpp>

#include <cmath>
#include <cstdio>

/// Needs all that a package brings, the headers, Eigen and threads, and compiles quickly. Prints the version.
int main() {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    ddpm::set_thread_count(2);
    ddpm::batch<double> noise = ddpm::batch<double>::Zero(1000, 1);
    ddpm::parallel_for(1000, 10, [&](ddpm::isize first, ddpm::isize last) {
        for (ddpm::isize t = first; t < last; ++t) {
            noise(t, 0) = 1 - schedule.alpha_bar(t);
        }
    });
    std::printf("%s\n", DDPM_VERSION_STRING);
    return noise.minCoeff() > 0 && noise.maxCoeff() < 1 ? 0 : 1;
}
