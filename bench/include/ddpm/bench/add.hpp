// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/roofline.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace ddpm::bench {

/// Sets what a benchmark reports beside its time: items, bytes and flops per second, and `roof`, its share of the
/// machine's limit, each where the work says so. Call it after the loop over `state`, which took `seconds` in all.
inline void report(benchmark::State& state, const work& w, double seconds) {
    using benchmark::Counter;
    const auto times = static_cast<double>(state.iterations());
    if (w.items > 0) {
        state.SetItemsProcessed(static_cast<std::int64_t>(w.items * times));
    }
    if (w.bytes > 0) {
        state.SetBytesProcessed(static_cast<std::int64_t>(w.bytes * times));
    }
    if (w.flops > 0) {
        state.counters["flops"] = Counter(w.flops, Counter::kIsIterationInvariantRate);
    }
    if (const double least = machine_roofline().least_seconds(w); least > 0) {
        state.counters["roof"] = Counter(least * times / seconds);
    }
}

/// Registers the benchmark `area/operation/size`, say "forward/q_sample/3072x64". When it runs, `make()` sets it up,
/// outside the measured time, and returns the body, a callable that does the work once. Wall time counts, since the
/// library's own threads share the work.
/// @returns the registered benchmark, for further settings
template <class Make>
benchmark::internal::Benchmark* add(const std::string& area, const std::string& operation, const std::string& size,
                                    const work& w, Make make) {
    using clock = std::chrono::steady_clock;
    const std::string name = area + "/" + operation + "/" + size;
    const auto measure = [w, make = std::move(make)](benchmark::State& state) {
        static_cast<void>(machine_roofline());  // measured before the clock starts
        auto body = make();
        body();  // the first touch of memory is not the work
        const auto start = clock::now();
        for ([[maybe_unused]] const auto _ : state) {
            body();
            benchmark::ClobberMemory();
        }
        report(state, w, std::chrono::duration<double>(clock::now() - start).count());
    };
    return benchmark::RegisterBenchmark(name.c_str(), measure)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

/// Registers benchmarks when the program starts, from any of its files. At namespace scope:
/// `const ddpm::bench::group mine{[] { ddpm::bench::add(…); }};`
class group {
public:
    explicit group(const std::function<void()>& registers) { registers(); }
};

}  // namespace ddpm::bench
