// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A predictor of your own is any callable p(xt, t, out): xt holds one sample per column, t one time per sample, and
// out.prediction takes the prediction, ε unless p says otherwise. Here the data are points with exact coordinates ±1,
// for which the best prediction is known: E[x_0 | x_t] = tanh(x_t √ᾱ_t / (1 − ᾱ_t)) in each coordinate.
#include "support/console.hpp"

#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>
#include <cstdio>
#include <span>

namespace {

using ddpm::isize;
using input = ddpm::batch_view<const float>;
using output = ddpm::model_output<float>;

constexpr isize dimension = 3;

/// The share of samples whose coordinates all are within 0.02 of 1 or −1, and how many corners of the cube they are at.
void report(const char* name, const ddpm::batch<float>& x) {
    int at_corner = 0;
    unsigned corners = 0;
    for (isize n = 0; n < x.cols(); ++n) {
        at_corner += ((x.col(n).abs() - 1).abs() < 0.02f).all() ? 1 : 0;
        const unsigned corner = (x(0, n) > 0 ? 1u : 0u) | (x(1, n) > 0 ? 2u : 0u) | (x(2, n) > 0 ? 4u : 0u);
        corners |= 1u << corner;
    }
    std::printf("%-34s %3td of %td samples at a corner; corners met: %d of 8\n", name,
                static_cast<std::ptrdiff_t>(at_corner), x.cols(), __builtin_popcount(corners));
}

int run(bool) {
    const ddpm::noise_schedule schedule{ddpm::linear_beta{}, 1000};

    // It predicts ε: nothing has to be said.
    const auto predict_noise = [&](input xt, std::span<const double> t, const output& out) {
        for (isize n = 0; n < xt.columns(); ++n) {
            const auto& at = schedule[static_cast<isize>(t[static_cast<std::size_t>(n)])];
            for (isize i = 0; i < xt.rows(); ++i) {
                const double x = xt(i, n), x0 = std::tanh(x * at.sqrt_alpha_bar / (1 - at.alpha_bar));
                out.prediction(i, n) = static_cast<float>((x - at.sqrt_alpha_bar * x0) / at.sqrt_one_minus_alpha_bar);
            }
        }
    };
    const ddpm::sample_options options{.steps = 50, .count = 500, .shape = dimension, .seed = 3};
    report("predicts eps, ancestral sampling", ddpm::sample(ddpm::ancestral{}, schedule, predict_noise, options));
    report("predicts eps, DPM-Solver++", ddpm::sample(ddpm::dpm_multistep{}, schedule, predict_noise, options));

    // It predicts x_0: `predicts` says so. The same works for v, the score and a flow's velocity.
    const auto predict_data = [&](input xt, std::span<const double> t, const output& out) {
        for (isize n = 0; n < xt.columns(); ++n) {
            const auto& at = schedule[static_cast<isize>(t[static_cast<std::size_t>(n)])];
            out.prediction.array().col(n) =
                (xt.array().col(n) * static_cast<float>(at.sqrt_alpha_bar / (1 - at.alpha_bar))).tanh();
        }
    };
    report("predicts x0, DPM-Solver++",
           ddpm::sample(ddpm::dpm_multistep{}, schedule, ddpm::predicts(predict_data, ddpm::prediction::x0), options));
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
