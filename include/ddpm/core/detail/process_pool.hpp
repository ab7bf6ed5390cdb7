// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/thread_pool.hpp>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <atomic>
#include <memory>

namespace ddpm::detail {

/// The pool of this process, created at first use and never destroyed: the process may exit on any thread and while
/// tasks run, so its exit waits for no thread.
///
/// In a forked child only the thread that called fork runs; locks held by the other threads stay locked forever. So the
/// child leaves its parent's pool untouched and creates its own at first use.
struct process_pool_state {
    std::atomic<thread_pool*> pool{nullptr};  // of this process
    thread_pool* inherited = nullptr;         // of the parent process, if it had one

    void enter_child() noexcept {
        inside_job() = false;
        if (thread_pool* const parents = pool.exchange(nullptr)) {
            parents->older = inherited;
            inherited = parents;
        }
    }
};

inline constinit process_pool_state process_pools{};

#if !defined(_WIN32)
/// Registered before main, so that it handles every fork.
inline const bool fork_is_seen = pthread_atfork(nullptr, nullptr, [] { process_pools.enter_child(); }) == 0;
#endif

inline thread_pool& make_process_pool() {
    auto made =
        std::make_unique<thread_pool>(process_pools.inherited != nullptr ? process_pools.inherited->wanted() : 0);
    thread_pool* first = nullptr;
    if (process_pools.pool.compare_exchange_strong(first, made.get())) {
        return *made.release();
    }
    return *first;  // another thread was faster. This function holds no lock, since a fork would leave it locked.
}

[[nodiscard]] inline thread_pool& process_pool() {
    thread_pool* const pool = process_pools.pool.load(std::memory_order_acquire);
    return pool != nullptr ? *pool : make_process_pool();
}

}  // namespace ddpm::detail
