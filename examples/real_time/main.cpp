// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A loop with deadlines: after planning, a step of sampling allocates no memory. This program counts every operator new
// and measures how long each of 5,000 steps of the digits' network takes, on one thread.
#include "support/console.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace {

std::atomic<long> allocations{0};

}  // namespace

// These replace the program's operator new; new[] and the others call them.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const auto unit = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) {
        return memory;
    }
    throw std::bad_alloc();
}
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC sees that these free what operator new allocated
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

using network = ddpm::nn::mlp<float>;
using run_type = ddpm::sampling_run<float, const network, const ddpm::philox_noise>;

int run(bool quick) {
    ddpm::set_thread_count(1);
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const network net{{.dim = 64, .hidden = 256, .blocks = 3}};  // its time does not depend on its weights
    const ddpm::philox_noise noise(1, ddpm::noise_stream::sampler);
    const auto plan =
        ddpm::make_plan(ddpm::ancestral{}, schedule, ddpm::make_timesteps(schedule.steps(), schedule.steps()));
    const auto begin = [&](std::ptrdiff_t sample) {
        ddpm::batch<float> x(64, 1);
        noise.normal<float>(x, 0, sample);
        return run_type(plan, net, noise, std::move(x), {}, sample);  // allocates all memory of this run
    };

    // A thread's very first step also makes the scratch memory that later runs of this thread use again.
    begin(0).step();

    using clock = std::chrono::steady_clock;
    const int runs = quick ? 1 : 5;
    std::vector<double> microseconds;
    microseconds.reserve(static_cast<std::size_t>(runs) * 1000);
    long in_steps = 0;
    for (int i = 0; i < runs; ++i) {
        run_type steps = begin(i);
        while (!steps.done()) {
            const long before = allocations;
            const clock::time_point start = clock::now();
            steps.step();
            microseconds.push_back(std::chrono::duration<double, std::micro>(clock::now() - start).count());
            in_steps += allocations - before;
        }
    }

    const std::size_t count = microseconds.size();
    std::printf("%zu steps of one sample, one thread; operator new in all of them: %ld times\n", count, in_steps);
    std::ranges::sort(microseconds);
    std::printf("measured: a step took p50 %.1f us, p99 %.1f us, worst %.1f us\n", microseconds[count / 2],
                microseconds[count * 99 / 100], microseconds.back());
    return in_steps == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
