// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/scratch.hpp>
#include <ddpm/bench/work.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#define DDPM_KERNEL_BODY <ddpm/bench/detail/roofline.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

// What bounds a kernel, as bodies of benchmarks: they do its flops, or run through its streams, and nothing else, on
// the active instruction set and all threads.

namespace ddpm::bench {

/// At least this many multiply-adds, counted twice, in registers.
template <Scalar S>
[[nodiscard]] auto flops_probe(double flops) {
    return [flops] {
        const isize threads = thread_count();
        const auto each = static_cast<double>(threads * DDPM_DISPATCH(operations_of_fma_chains<S>)(1));
        const auto rounds = static_cast<isize>(std::ceil(flops / each));
        const auto chains = DDPM_DISPATCH(run_fma_chains<S>);
        parallel_for(threads, 1, [&](isize, isize) { benchmark::DoNotOptimize(chains(rounds)); });
    };
}

namespace detail {

using streams_body = float (*)(const float* const* in, float* const* out, float* const* both, isize first, isize size);

inline constexpr int most_read = 4, most_written = 2, most_updated = 3;

/// The body for so many arrays.
template <bool Stream, int Reads = 0, int Writes = 0, int Updates = 0>
[[nodiscard]] streams_body body_of(const memory_streams& streams) {
    if constexpr (Reads < most_read) {
        if (streams.read > Reads) {
            return body_of<Stream, Reads + 1, Writes, Updates>(streams);
        }
    }
    if constexpr (Writes < most_written) {
        if (streams.written > Writes) {
            return body_of<Stream, Reads, Writes + 1, Updates>(streams);
        }
    }
    if constexpr (Updates < most_updated) {
        if (streams.updated > Updates) {
            return body_of<Stream, Reads, Writes, Updates + 1>(streams);
        }
    }
    return DDPM_DISPATCH(run_streams<Reads, Writes, Updates, Stream>);
}

}  // namespace detail

/// The passes, one after another, in shared memory. `past_caches`: what is only written is written past the caches, and
/// so its lines are not read before.
/// @throws value_error for more than 4 arrays read, 2 written or 3 updated in a pass
[[nodiscard]] inline auto streams_probe(const std::vector<memory_streams>& passes, bool past_caches) {
    double floats = 0;
    int arrays = 0;
    for (const memory_streams& pass : passes) {
        if (pass.read > detail::most_read || pass.written > detail::most_written ||
            pass.updated > detail::most_updated) {
            throw value_error("streams_probe", "arrays read, written and updated", "at most 4, 2 and 3",
                              ddpm::detail::text(pass.read, ", ", pass.written, " and ", pass.updated));
        }
        floats = std::max(floats, pass.floats);
        arrays = std::max(arrays, pass.read + pass.written + pass.updated);
    }
    std::vector<float*> memory;
    memory.reserve(static_cast<std::size_t>(arrays));
    for (int number = 0; number < arrays; ++number) {
        memory.push_back(scratch(number, static_cast<isize>(floats)));
    }
    return [=] {
        for (const memory_streams& pass : passes) {
            const auto body = past_caches ? detail::body_of<true>(pass) : detail::body_of<false>(pass);
            const float* const* const in = memory.data();
            float* const* const out = memory.data() + pass.read;
            float* const* const both = out + pass.written;
            const auto size = static_cast<isize>(pass.floats);
            parallel_for(size, thread_count() == 1 ? size : isize{1} << 16, [&](isize first, isize last) {
                benchmark::DoNotOptimize(body(in, out, both, first, last - first));
            });
        }
    };
}

}  // namespace ddpm::bench
