// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <string>
#include <vector>

namespace {

/// Everything that the forward process of one batch needs.
struct forward_data {
    forward_data(ddpm::index dimension, ddpm::index count) : x0(dimension, count), eps(x0), out(x0) {
        const ddpm::philox_noise noise(1, ddpm::noise_stream::training);
        noise.normal<float>(x0, 0);
        noise.normal<float>(eps, 1);
        for (ddpm::index n = 0; n < count; ++n) {
            t.push_back(noise.below(schedule.steps(), n, 2));
        }
    }

    ddpm::noise_schedule<> schedule{ddpm::cosine_beta{}, 1000};
    ddpm::batch<float> x0;
    ddpm::batch<float> eps;
    ddpm::batch<float> out;
    std::vector<ddpm::index> t;
};

void add_process(ddpm::index dimension, ddpm::index count) {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    const auto elements = static_cast<double>(dimension * count);
    const ddpm::bench::work two_in_one_out{.items = elements, .bytes = 12 * elements, .flops = 3 * elements};

    ddpm::bench::add("forward", "q_sample", size, two_in_one_out, [=] {
        return [data = forward_data(dimension, count)]() mutable {
            ddpm::q_sample(data.schedule, data.x0, data.t, data.eps, data.out);
        };
    });
    ddpm::bench::add("forward", "q_step", size, two_in_one_out, [=] {
        return [data = forward_data(dimension, count)]() mutable {
            ddpm::q_step(data.schedule, data.x0, data.t, data.eps, data.out);
        };
    });
    ddpm::bench::add("posterior", "moments", size, two_in_one_out, [=] {
        return [data = forward_data(dimension, count)] {
            benchmark::DoNotOptimize(ddpm::q_posterior(data.schedule, data.x0, data.eps, data.t).mean.data());
        };
    });
}

const ddpm::bench::group process_benchmarks{[] {
    add_process(64, 64);            // 4,096 elements: fits in the first cache
    add_process(3 * 32 * 32, 64);   // a batch of CIFAR-10
    add_process(1 << 14, 1 << 10);  // 16 M: from memory
}};

}  // namespace
