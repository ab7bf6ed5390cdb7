// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Serving: several threads answer requests with one plan and one network, which they only read. The answer to a request
// has the same bits whatever the other threads do. Prints the throughput.
#include "support/console.hpp"
#include "support/stopwatch.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/nn/inference/packed_mlp.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

using ddpm::isize;
using images = ddpm::batch<float>;

int run(bool quick) {
    const images data =
        ddpm::io::to_batch<float>(ddpm::io::read_idx_images(DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte"));
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    ddpm::nn::mlp<float> net{{.dim = 64, .hidden = 256, .blocks = 3}};
    ddpm::trainer trainer{net, schedule, {.learning_rate = 1e-3, .predicts = ddpm::prediction::v}};
    if (trainer.fit(data, {.steps = quick ? 40 : 1000}).status != ddpm::fit_status::finished) {
        std::printf("the loss is not finite\n");
        return 1;
    }

    // Shared by all threads, and never changed: weights packed for inference, and the plan of 20 steps.
    const ddpm::nn::packed_mlp<float> packed(trainer.average());
    const auto predictor = ddpm::predicts(packed, ddpm::prediction::v);
    const auto plan = ddpm::make_plan(ddpm::dpm_multistep{}, schedule, ddpm::make_timesteps(schedule.steps(), 20));

    // Request i asks for 1 to 8 images, by its own seed. Each sampling run has its memory to itself.
    const isize requests = quick ? 32 : 2000;
    const auto answer = [&](isize i) {
        return ddpm::sample(plan, predictor,
                            {.count = 1 + i % 8, .seed = static_cast<std::uint64_t>(i), .clip_x0 = 1.0});
    };

    ddpm::set_thread_count(1);  // a request is answered by the thread that took it: none waits for another
    std::vector<images> alone, together(static_cast<std::size_t>(requests));
    const examples::stopwatch one;
    for (isize i = 0; i < requests; ++i) {
        alone.push_back(answer(i));
    }
    const double seconds_alone = one.seconds();

    constexpr int servers = 4;
    std::atomic<isize> next{0};
    std::vector<std::thread> threads;
    const examples::stopwatch all;
    for (int k = 0; k < servers; ++k) {
        threads.emplace_back([&] {
            for (isize i = next++; i < requests; i = next++) {
                together[static_cast<std::size_t>(i)] = answer(i);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const double seconds_together = all.seconds();

    isize same = 0, drawn = 0;
    for (std::size_t i = 0; i < alone.size(); ++i) {
        same += (alone[i] == together[i]).all() ? 1 : 0;
        drawn += alone[i].cols();
    }
    std::printf("%td requests for %td images in 20 steps, by %d threads\n", requests, drawn, servers);
    std::printf("%td answers have the same bits as those of one thread\n", same);
    std::printf("measured: %.0f images a second by one thread, %.0f by %d on %u cores\n",
                static_cast<double>(drawn) / seconds_alone, static_cast<double>(drawn) / seconds_together, servers,
                std::thread::hardware_concurrency());
    return same == requests ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
