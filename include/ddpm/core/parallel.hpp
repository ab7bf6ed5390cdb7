// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/detail/function_ref.hpp>
#include <ddpm/core/detail/process_pool.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <type_traits>

namespace ddpm {

/// Runs tasks side by side. Derive from it and give it to `set_executor` to use a program's own threads.
class executor {
public:
    executor() = default;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;
    virtual ~executor() = default;

    /// Calls task(0) … task(count − 1), in any order and on any threads, and returns when all have ended. The first
    /// exception that a task throws is thrown again here. It is not called from inside a task.
    virtual void run(isize count, detail::function_ref<void(isize)> task) = 0;

    /// How many tasks may run at the same time, as advice for cutting the work: it may change, be exceeded, and be unknown,
    /// which is 0 and counts as 1.
    [[nodiscard]] virtual isize concurrency() const = 0;
};

namespace detail {

/// The user's executor; none means the process's own pool.
inline constinit std::atomic<executor*> user_executor{nullptr};

/// Marks the calling thread as inside a job.
class job_scope {
public:
    job_scope() noexcept : before_(inside_job()) { inside_job() = true; }
    job_scope(const job_scope&) = delete;
    job_scope& operator=(const job_scope&) = delete;
    ~job_scope() { inside_job() = before_; }

private:
    bool before_;
};

}  // namespace detail

/// Sets how many threads the library's own pool uses, the caller's included; 0 means as many as the machine has and the
/// system starts. Results do not depend on it. Waits for work under way. A child of fork keeps the setting.
/// @throws value_error if negative or beyond 65536, if the system does not start so many threads, or if called from work that
/// runs on several threads; the count stays as it was
inline void set_thread_count(isize count) {
    if (count < 0 || count > detail::most_threads) {
        throw value_error("set_thread_count", "count", detail::text("0 ... ", detail::most_threads), count);
    }
    if (detail::inside_job()) {
        throw value_error("set_thread_count", "called from inside parallel work");
    }
    detail::process_pool().resize(count);
}

/// How many threads work side by side, 1 at least.
[[nodiscard]] inline isize thread_count() {
    if (const executor* const user = detail::user_executor.load()) {
        return std::clamp<isize>(user->concurrency(), 1, detail::most_threads);
    }
    return detail::process_pool().size();
}

/// Makes the library run its parallel work on the user's threads; nullptr goes back to its own pool. The executor must
/// outlive its use.
inline void set_executor(executor* user) { detail::user_executor = user; }

namespace detail {

/// parallel_for, compiled once for all bodies.
inline void run_chunks(isize size, isize grain, function_ref<void(isize, isize)> body) {
    DDPM_ASSERT(grain > 0);
    if (size <= 0) {
        return;
    }
    const isize chunks = (size - 1) / grain + 1;
    if (chunks == 1) {
        body(0, size);
        return;
    }
    const auto task = [&](isize chunk) { body(chunk * grain, std::min(size, (chunk + 1) * grain)); };
    if (inside_job()) {
        for (isize chunk = 0; chunk < chunks; ++chunk) {
            task(chunk);
        }
    } else if (executor* const user = user_executor.load()) {
        user->run(chunks, [&](isize chunk) {
            const job_scope inside;
            task(chunk);
        });
    } else {
        process_pool().run(chunks, task);
    }
}

/// parallel_sum: compiled once for all sums of one type.
template <class Sum>
[[nodiscard]] Sum sum_of_chunks(isize size, isize grain, function_ref<Sum(isize, isize)> part) {
    constexpr isize most_chunks = 256;
    const isize length = std::max(grain, (size + most_chunks - 1) / most_chunks);
    if (size <= length) {
        return size > 0 ? part(0, size) : Sum{};
    }
    std::array<Sum, most_chunks> sums{};
    run_chunks(size, length, [&](isize first, isize last) { sums[static_cast<std::size_t>(first / length)] = part(first, last); });
    Sum total{};
    for (const Sum& sum : sums) {
        total += sum;
    }
    return total;
}

}  // namespace detail

/// Calls body(first, last) for the fixed chunks [0, grain), [grain, 2·grain), … of [0, size), side by side. The chunks do
/// not depend on the thread count, so neither do results that a chunk computes by itself. One chunk runs on the caller, and so
/// do all chunks of a call from inside a chunk: what a thread began goes on before it begins anything else.
///
/// A child of fork has threads of its own, also where fork was called in a chunk; the child must then end in that chunk. The
/// process may end anywhere, by exit in a chunk too. Threads are never taken down: a shared library that holds them must stay
/// loaded.
/// @throws the first exception of a chunk; error in a child of fork that returns from a chunk which its parent shared out
template <class Body>
void parallel_for(isize size, isize grain, Body&& body) {
    detail::run_chunks(size, grain, body);
}

/// The sum of part(first, last), a number or a value that has +=, over fixed chunks of [0, size), each at least `grain` long,
/// added in the order of the chunks: the same bits for every thread count. Allocates nothing.
template <class Part>
[[nodiscard]] auto parallel_sum(isize size, isize grain, Part&& part) {
    return detail::sum_of_chunks<std::invoke_result_t<Part&, isize, isize>>(size, grain, part);
}

}  // namespace ddpm
