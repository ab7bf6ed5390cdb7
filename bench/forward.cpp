// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/process/transition.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <string>
#include <vector>

namespace {

/// Everything that the forward process of one batch needs.
struct forward_data {
    forward_data(ddpm::isize dimension, ddpm::isize count) : x0(dimension, count), eps(x0), out(x0) {
        noise.normal<float>(x0, 0);
        noise.normal<float>(eps, 1);
        for (ddpm::isize n = 0; n < count; ++n) {
            t.push_back(noise.below(schedule.steps(), n, 2));
        }
    }

    /// Noise that was not drawn before.
    ddpm::fresh_noise fresh() { return {noise, step++}; }

    ddpm::philox_noise noise{1, ddpm::noise_stream::training};
    ddpm::isize step = 3;
    ddpm::noise_schedule<> schedule{ddpm::cosine_beta{}, 1000};
    ddpm::batch<float> x0;
    ddpm::batch<float> eps;
    ddpm::batch<float> out;
    ddpm::gaussian_moments<float> moments;
    std::vector<ddpm::isize> t;
};

/// Adds a benchmark of body(data).
template <class Body>
void add_forward(const std::string& operation, ddpm::isize dimension, ddpm::isize count, int read, int written,
                 Body body) {
    const auto elements = static_cast<double>(dimension * count);
    const ddpm::bench::work one_pass{.items = elements,
                                     .passes = {{.floats = elements, .read = read, .written = written}}};
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    ddpm::bench::add("forward", operation, size, one_pass,
                     [=] { return [body, data = forward_data(dimension, count)]() mutable { body(data); }; });
}

void add_forward_process(ddpm::isize dimension, ddpm::isize count) {
    add_forward("q_sample", dimension, count, 2, 1,
                [](forward_data& d) { ddpm::q_sample(d.schedule, d.x0, d.t, d.eps, d.out); });
    add_forward("q_sample_fresh", dimension, count, 1, 1,
                [](forward_data& d) { ddpm::q_sample(d.schedule, d.x0, d.t, d.fresh(), d.out); });
    add_forward("q_sample_fresh_kept", dimension, count, 1, 2,
                [](forward_data& d) { ddpm::q_sample(d.schedule, d.x0, d.t, d.fresh(), d.eps, d.out); });
    add_forward("q_step", dimension, count, 2, 1,
                [](forward_data& d) { ddpm::q_step(d.schedule, d.x0, d.t, d.eps, d.out); });
    add_forward("q_posterior", dimension, count, 2, 1,
                [](forward_data& d) { ddpm::q_posterior(d.schedule, d.x0, d.eps, d.t, d.moments); });
}

const ddpm::bench::group forward_benchmarks{[] {
    add_forward_process(64, 64);            // 4,096 elements: fits in the first cache
    add_forward_process(3 * 32 * 32, 64);   // a batch of CIFAR-10
    add_forward_process(1 << 14, 1 << 10);  // 16 M: from memory
}};

}  // namespace
