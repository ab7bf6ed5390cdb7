// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A sampler of your own is a type with plan(grid): it describes each step as evaluations of the network and linear
// combinations of their results. This one is a mixture of two: with `noise` = 0 it is DDIM, with `noise` = 1 each step
// estimates x_0 and adds entirely new noise, as samplers of consistency models do.
#include "support/console.hpp"

#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>
#include <cstdio>

namespace {

using ddpm::isize;
using ddpm::quantity;
using ddpm::term;

/// x_s = α_s x̂_0 + σ_s (√(1 − noise²) ε̂ + noise z)
struct part_new_noise {
    double noise = 0;  ///< in [0, 1]

    [[nodiscard]] ddpm::sampling_plan plan(const ddpm::time_grid& grid) const {
        if (!(noise >= 0 && noise <= 1)) {
            throw ddpm::value_error("part_new_noise", "noise", "0 <= noise <= 1", noise);
        }
        ddpm::sampling_plan out(grid);
        for (isize k = 0; k < grid.steps(); ++k) {
            const auto &from = grid[k].level, &to = grid[k + 1].level;
            const isize e = out.evaluate(k, grid[k]);
            const double kept = to.sigma * std::sqrt(1 - noise * noise);
            if (noise == 0 || to.sigma == 0) {
                out.set(quantity::x, {term::x0(e, to.signal), term::eps(e, kept)});
            } else {
                const isize z = out.draw(from, to);
                out.set(quantity::x, {term::x0(e, to.signal), term::eps(e, kept), term::noise(z, to.sigma * noise)});
            }
        }
        return out;
    }
};

int run(bool) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const auto data =
        ddpm::gaussian_mixture::isotropic({1, 1}, (ddpm::batch<double>(1, 2) << -1, 1).finished(), {0.04, 0.04});
    const ddpm::mixture_oracle network(data, schedule);
    const ddpm::sample_options options{.steps = 40, .count = 10000, .seed = 5};

    const auto ddim = ddpm::sample<double>(ddpm::ddim{}, schedule, network, options);
    std::printf("sampler                deviation around -1 and 1 (data: 0.200)\n");
    const auto report = [](const char* name, const ddpm::batch<double>& x) {
        std::printf("%-22s %.2f\n", name, std::sqrt((x.abs() - 1).square().mean()));
    };
    report("DDIM of the library", ddim);
    for (const double noise : {0.0, 0.5, 1.0}) {
        const auto x = ddpm::sample<double>(part_new_noise{noise}, schedule, network, options);
        report(noise == 0 ? "own, no new noise" : noise == 1 ? "own, only new noise" : "own, half of it new", x);
        if (noise == 0) {
            std::printf("%-22s %s\n", "  bits of DDIM", (x == ddim).all() ? "yes" : "no");
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
