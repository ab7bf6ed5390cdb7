// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <atomic>
#include <thread>

namespace ddpm::test {

/// Calls f() once on each thread that the library works with. What f() starts runs on its own thread. Nothing else may
/// run in parallel meanwhile.
template <class F>
void on_every_thread(const F& f) {
    const isize threads = thread_count();
    std::atomic<isize> arrived{0};
    parallel_for(threads, 1, [&](isize, isize) {
        ++arrived;
        while (arrived < threads) {  // no thread takes two
            std::this_thread::yield();
        }
        f();
    });
}

}  // namespace ddpm::test
