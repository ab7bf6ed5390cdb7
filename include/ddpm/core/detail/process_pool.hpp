// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/thread_pool.hpp>

#include <pthread.h>

#include <atomic>
#include <memory>

namespace ddpm::detail {

/// The pool of this process, made at first use and never destroyed: a process may end on any thread and while tasks run, so
/// its end waits for no thread.
///
/// In a child of fork only the thread that called fork goes on; what the others held stays locked for ever. So the child leaves
/// the pool of its parent alone, and makes its own at first use.
struct process_pool_state {
    std::atomic<thread_pool*> pool{nullptr};  // of this process
    thread_pool* inherited = nullptr;         // of the process that forked this one, if it had one

    void enter_child() noexcept {
        inside_job() = false;
        if (thread_pool* const parents = pool.exchange(nullptr)) {
            parents->older = inherited;
            inherited = parents;
        }
    }
};

inline constinit process_pool_state process_pools{};

/// Installed before main, so that no fork comes before it.
inline const bool fork_is_seen = pthread_atfork(nullptr, nullptr, [] { process_pools.enter_child(); }) == 0;

inline thread_pool& make_process_pool() {
    auto made = std::make_unique<thread_pool>(process_pools.inherited != nullptr ? process_pools.inherited->wanted() : 0);
    thread_pool* first = nullptr;
    if (process_pools.pool.compare_exchange_strong(first, made.get())) {
        return *made.release();
    }
    return *first;  // another thread made one meanwhile. No lock is held here, which a fork would leave locked.
}

[[nodiscard]] inline thread_pool& process_pool() {
    thread_pool* const pool = process_pools.pool.load(std::memory_order_acquire);
    return pool != nullptr ? *pool : make_process_pool();
}

}  // namespace ddpm::detail
