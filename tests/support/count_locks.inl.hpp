// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A source file that takes the place of pthread_mutex_lock: it counts, and hands on to the system's own.

#include "support/lock_count.hpp"

#include <dlfcn.h>
#include <pthread.h>

namespace ddpm::test {

std::atomic<long> locks_taken{0};

}  // namespace ddpm::test

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    using function = int (*)(pthread_mutex_t*);
    static std::atomic<function> system{nullptr};  // a static that is initialized at the first call would take a lock
    function next = system.load(std::memory_order_relaxed);
    if (next == nullptr) {
        next = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_mutex_lock"));
        system.store(next, std::memory_order_relaxed);
    }
    ++ddpm::test::locks_taken;
    return next(mutex);
}
