// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace ddpm::test {

/// How many more threads the system starts; negative means any number. The test program must hold a source that
/// includes support/refuse_threads.inl.hpp.
extern std::atomic<int> threads_left;

/// The system starts `count` threads in this scope, and refuses the next.
struct scoped_thread_limit {
    explicit scoped_thread_limit(int count) { threads_left = count; }
    scoped_thread_limit(const scoped_thread_limit&) = delete;
    scoped_thread_limit& operator=(const scoped_thread_limit&) = delete;
    ~scoped_thread_limit() { threads_left = -1; }
};

}  // namespace ddpm::test
