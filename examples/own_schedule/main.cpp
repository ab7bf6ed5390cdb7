// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Schedules of your own, in three ways: β_t as a function, ᾱ as a curve, and a type with steps() and alpha_bar(t).
// Each is used as those of the library are: here to draw samples of a known mixture of two Gaussians on a line.
#include "support/console.hpp"

#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>
#include <cstdio>

namespace {

using ddpm::isize;

/// 1. β_t: any callable beta(t, T), here a slow rise by the third power. The table checks it and computes the rest.
double cubic_beta(isize t, isize steps) {
    const double u = static_cast<double>(t + 1) / static_cast<double>(steps);
    return 1e-4 + 0.04 * u * u * u;
}

/// 2. ᾱ(u) for u from 0 to 1: alpha_bar_beta makes β from it.
double straight_alpha_bar(double u) { return 1 - 0.9999 * u; }

/// 3. A schedule without a table: what samplers, losses and the process need are these two members.
struct logistic_schedule {
    [[nodiscard]] isize steps() const { return 400; }
    [[nodiscard]] double alpha_bar(isize t) const { return 1 / (1 + std::exp(static_cast<double>(t) / 20 - 10)); }
};

/// Draws 4,000 samples in 25 steps, with the exact prediction in place of a trained network.
template <ddpm::NoiseSchedule Schedule>
void sample_with(const char* name, const Schedule& schedule, const ddpm::gaussian_mixture& data) {
    const ddpm::mixture_oracle network(data, schedule);
    const auto x = ddpm::sample<double>(ddpm::ddim{.eta = 0}, schedule, network, {.steps = 25, .count = 4000});
    const isize last = schedule.steps() - 1;
    const double right = static_cast<double>((x > 0).count()) / static_cast<double>(x.cols());
    std::printf("%-20s %5td  %.4f  %.4f  %.2e  %5.1f %%\n", name, schedule.steps(), schedule.alpha_bar(last / 4),
                schedule.alpha_bar(last / 2), schedule.alpha_bar(last), 100 * right);
}

int run(bool) {
    const auto data =
        ddpm::gaussian_mixture::isotropic({0.25, 0.75}, (ddpm::batch<double>(1, 2) << -1, 1).finished(), {0.01, 0.01});
    std::printf("%-20s %5s  %-6s  %-6s  %-8s  samples > 0 (data: 75 %%)\n", "schedule", "T", "a(T/4)", "a(T/2)",
                "a(T)");
    sample_with("beta as a function", ddpm::noise_schedule{cubic_beta, 1000}, data);
    sample_with("alpha_bar as a curve", ddpm::noise_schedule{ddpm::alpha_bar_beta{straight_alpha_bar}, 1000}, data);
    sample_with("a type", logistic_schedule{}, data);
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
