// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/probe.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

namespace ddpm::bench {

/// What this machine can do at most with the library's active instruction set and some threads, measured.
struct roofline {
    isize threads = 1;
    double float_flops = 0;    ///< multiply-adds in single precision, as operations per second
    double double_flops = 0;   ///< the same in double precision
    double read_bytes = 0;     ///< bytes per second read from memory
    double written_bytes = 0;  ///< bytes per second written to it, past the caches
    double triad_bytes = 0;    ///< bytes per second of two arrays read and one written past the caches
};

namespace detail {

/// The shortest of a few runs after a first one, in seconds.
template <class Run>
[[nodiscard]] double best_seconds(int runs, const Run& run) {
    using clock = std::chrono::steady_clock;
    run();
    double best = 1e300;
    for (int i = 0; i < runs; ++i) {
        const auto start = clock::now();
        run();
        benchmark::ClobberMemory();
        best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
    }
    return best;
}

}  // namespace detail

/// Measures the roofline of the library's thread count: under a second, and 192 MiB of memory, or six times the largest
/// cache if that is more.
[[nodiscard]] inline roofline measure_roofline() {
    constexpr int runs = 5;
    const auto per_second = [](double amount, const auto& run) { return amount / detail::best_seconds(runs, run); };
    double cache = 0;
    for (const auto& level : benchmark::CPUInfo::Get().caches) {
        cache = std::max(cache, static_cast<double>(level.size));
    }
    const double floats = std::max(0x1p24, cache / 2);
    const auto bytes_of = [&](const memory_streams& streams) {
        return per_second(streams.bytes(), streams_probe({streams}, true));
    };
    constexpr double flops = 1e9;
    return {.threads = thread_count(),
            .float_flops = per_second(flops, flops_probe<float>(flops)),
            .double_flops = per_second(flops, flops_probe<double>(flops)),
            .read_bytes = bytes_of({.floats = floats, .read = 1}),
            .written_bytes = bytes_of({.floats = floats, .written = 1}),
            .triad_bytes = bytes_of({.floats = floats, .read = 2, .written = 1})};
}

}  // namespace ddpm::bench
