// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A source file that takes the place of pthread_create: it refuses when support/thread_creation.hpp says so, and else
// hands on to the system's own, or to the sanitizer's, which must see every thread.

#include "support/thread_creation.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>

namespace ddpm::test {

std::atomic<int> threads_left{-1};

}  // namespace ddpm::test

// Clang links its sanitizers into the program, where this is their function in place of the system's.
extern "C" __attribute__((weak)) int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*),
                                                                  void*);

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
    using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const function system = __interceptor_pthread_create != nullptr
                                       ? __interceptor_pthread_create
                                       : reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
    if (ddpm::test::threads_left == 0) {
        return EAGAIN;
    }
    if (ddpm::test::threads_left > 0) {
        --ddpm::test::threads_left;
    }
    return system(thread, attributes, start, argument);
}
