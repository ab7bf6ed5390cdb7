// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/scratch.hpp>
#include <ddpm/bench/work.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#define DDPM_KERNEL_BODY <ddpm/bench/detail/roofline.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

// What bounds a kernel, as bodies of benchmarks: they do its flops, or run through its streams, and nothing else, on the
// active instruction set and all threads.

namespace ddpm::bench {

/// At least this many multiply-adds, counted twice, in registers.
template <Scalar S>
[[nodiscard]] auto flops_probe(double flops) {
    return [flops] {
        const index threads = thread_count();
        const auto each = static_cast<double>(threads * DDPM_DISPATCH(operations_of_fma_chains<S>)(1));
        const auto rounds = static_cast<index>(std::ceil(flops / each));
        const auto chains = DDPM_DISPATCH(run_fma_chains<S>);
        parallel_for(threads, 1, [&](index, index) { benchmark::DoNotOptimize(chains(rounds)); });
    };
}

/// The streams, in shared memory. `past_caches`: what is only written is written past the caches, and so its lines are
/// not read before.
[[nodiscard]] inline auto streams_probe(const memory_streams& streams, bool past_caches) {
    const auto size = static_cast<index>(streams.floats);
    std::vector<const float*> in;
    std::vector<float*> out, both;
    int number = 0;
    const auto next = [&] { return scratch(number++, size); };
    std::generate_n(std::back_inserter(in), streams.read, next);
    std::generate_n(std::back_inserter(out), streams.written, next);
    std::generate_n(std::back_inserter(both), streams.updated, next);
    return [=] {
        constexpr index chunk = index{1} << 16;
        const auto body = past_caches ? DDPM_DISPATCH(run_streams<true>) : DDPM_DISPATCH(run_streams<false>);
        const auto run = [&](index first, index last) {
            benchmark::DoNotOptimize(body(in.data(), std::ssize(in), out.data(), std::ssize(out), both.data(),
                                          std::ssize(both), first, last - first));
        };
        if (thread_count() == 1) {
            run(0, size);
        } else {
            parallel_for(size, chunk, run);
        }
    };
}

}  // namespace ddpm::bench
