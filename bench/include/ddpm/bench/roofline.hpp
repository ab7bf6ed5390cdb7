// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#define DDPM_KERNEL_BODY <ddpm/bench/detail/roofline.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::bench {

/// What a benchmark's body does in one call; 0 where it does not apply.
struct work {
    double items = 0;        ///< elements, samples or calls: what a user counts
    double bytes = 0;        ///< read and written, each once
    double flops = 0;        ///< additions and multiplications
    bool in_double = false;  ///< whether the flops are of double precision
};

/// What this machine can do at most with the library's active instruction set and thread count, measured.
struct roofline {
    double float_flops = 0;   ///< multiply-adds in single precision, as operations per second
    double double_flops = 0;  ///< the same in double precision
    double read_bytes = 0;    ///< bytes per second read from memory
    double triad_bytes = 0;   ///< bytes per second of two read streams and a written one
    double cache_bytes = 0;   ///< the size of the largest cache
    index threads = 1;        ///< the thread count it was measured with

    /// The least time in seconds that the work could take: the larger of what its flops and its bytes need. Bytes count
    /// only where they do not fit in the caches. 0 if nothing is known.
    [[nodiscard]] double least_seconds(const work& w) const {
        const double peak = w.in_double ? double_flops : float_flops;
        const double by_flops = peak > 0 ? w.flops / peak : 0;
        const double bandwidth = std::max(read_bytes, triad_bytes);
        const double by_bytes = w.bytes > cache_bytes && bandwidth > 0 ? w.bytes / bandwidth : 0;
        return std::max(by_flops, by_bytes);
    }
};

namespace detail {

/// The shortest of a few runs, in seconds.
template <class Run>
[[nodiscard]] double best_seconds(int runs, Run run) {
    using clock = std::chrono::steady_clock;
    double best = 1e300;
    for (int i = 0; i < runs; ++i) {
        const auto start = clock::now();
        run();
        best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
    }
    return best;
}

/// Multiply-adds per second of all threads, each counted as two.
template <class S>
[[nodiscard]] double measure_flops() {
    constexpr index rounds = 2'000'000;
    const auto chains = DDPM_DISPATCH(run_fma_chains<S>);
    const index threads = thread_count();
    const auto all_threads = [&] {
        parallel_for(threads, 1, [&](index, index) { benchmark::DoNotOptimize(chains(rounds)); });
    };
    const index operations = threads * DDPM_DISPATCH(operations_of_fma_chains<S>)(rounds);
    return static_cast<double>(operations) / best_seconds(5, all_threads);
}

}  // namespace detail

/// Measures the roofline: under a second, and 192 MiB of memory, or six times the largest cache if that is more.
[[nodiscard]] inline roofline measure_roofline() {
    roofline roof;
    roof.threads = thread_count();
    for (const auto& cache : benchmark::CPUInfo::Get().caches) {
        roof.cache_bytes = std::max(roof.cache_bytes, static_cast<double>(cache.size));
    }
    roof.float_flops = detail::measure_flops<float>();
    roof.double_flops = detail::measure_flops<double>();

    const index size = std::max(index{16} << 20, static_cast<index>(roof.cache_bytes) / 2);
    constexpr index chunk = index{1} << 18;
    std::vector<float> x(static_cast<std::size_t>(size), 1.0F), y(x), out(x);
    const auto triad = DDPM_DISPATCH(triad);
    const auto read_sum = DDPM_DISPATCH(read_sum);
    const double bytes = static_cast<double>(size) * sizeof(float);
    const auto triad_all = [&] {
        parallel_for(size, chunk, [&](index first, index last) {
            triad(x.data() + first, y.data() + first, 0.5F, out.data() + first, last - first);
        });
        benchmark::ClobberMemory();
    };
    const auto read_all = [&] {
        parallel_for(size, chunk, [&](index first, index last) {
            benchmark::DoNotOptimize(read_sum(x.data() + first, last - first));
        });
    };
    roof.triad_bytes = 3 * bytes / detail::best_seconds(5, triad_all);
    roof.read_bytes = bytes / detail::best_seconds(5, read_all);
    return roof;
}

/// The roofline of this program's run, measured at the first call.
[[nodiscard]] inline const roofline& machine_roofline() {
    static const roofline roof = measure_roofline();
    return roof;
}

}  // namespace ddpm::bench
