// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/detail/process_pool.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <type_traits>

namespace ddpm {

/// Runs tasks in parallel. To use a program's own threads, derive from it and pass the object to `set_executor`.
class executor {
public:
    executor() = default;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;
    virtual ~executor() = default;

    /// Calls task(0) … task(count − 1), in any order and on any threads, and returns when all have ended. Rethrows the
    /// first exception of a task. It is never called from inside a task. While it waits, the calling thread may run tasks
    /// of this call only.
    virtual void run(isize count, function_ref<void(isize)> task) = 0;

    /// How many tasks may run at the same time: a hint for dividing the work. The value may change, and the number of
    /// running tasks may exceed it. 0 means unknown and counts as 1.
    [[nodiscard]] virtual isize concurrency() const = 0;
};

namespace detail {

/// The executor set by the user; if null, the process's own pool is used.
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

/// Sets how many threads the library's own pool uses, including the caller; 0, as at the start, means one for each core
/// that the calling thread may run on (its affinity), or fewer if its container's quota of processor time, rounded up to
/// whole cores, grants less or the system starts no more. Results do not depend on it. Waits until running work has
/// ended. A forked child keeps the setting.
/// @throws value_error if count is negative or above 65536, if the system does not start so many threads, or if called
/// inside parallel work; the count is then unchanged
inline void set_thread_count(isize count) {
    if (count < 0 || count > detail::most_threads) {
        throw value_error("set_thread_count", "count", detail::text("0 ... ", detail::most_threads), count);
    }
    if (detail::inside_job()) {
        throw value_error("set_thread_count", "called from inside parallel work");
    }
    detail::process_pool().resize(count);
}

/// How many threads work in parallel, at least 1.
[[nodiscard]] inline isize thread_count() {
    if (const executor* const user = detail::user_executor.load()) {
        return std::clamp<isize>(user->concurrency(), 1, detail::most_threads);
    }
    return detail::process_pool().size();
}

/// Makes the library run its parallel work on the user's executor; nullptr restores its own pool. The executor must
/// outlive its use.
inline void set_executor(executor* user) { detail::user_executor = user; }

namespace detail {

/// parallel_for, compiled once for all bodies.
inline void run_chunks(isize size, isize grain, function_ref<void(isize, isize)> body) {
    DDPM_ASSERT(grain > 0);
    if (size <= 0) {
        return;
    }
    const isize chunks = detail::divided_up(size, grain);
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
    const isize length = std::max(grain, detail::divided_up(size, most_chunks));
    if (size <= length) {
        return size > 0 ? part(0, size) : Sum{};
    }
    std::array<Sum, most_chunks> sums{};
    run_chunks(size, length,
               [&](isize first, isize last) { sums[static_cast<std::size_t>(first / length)] = part(first, last); });
    Sum total{};
    for (const Sum& sum : sums) {
        total += sum;
    }
    return total;
}

}  // namespace detail

/// Calls body(first, last) in parallel for the chunks [0, grain), [grain, 2·grain), … of [0, size). The chunks do not
/// depend on the thread count, so neither do results that each chunk computes by itself. A single chunk runs on the
/// calling thread. So do all chunks of a call from inside a chunk: a thread ends its chunk before it starts other work.
///
/// A forked child has threads of its own. If fork was called inside a chunk, the child must end inside that chunk. The
/// process may exit anywhere, also inside a chunk. Threads are never stopped: a shared library that uses them must stay
/// loaded.
/// @throws the first exception of a chunk; base_error in a child that was forked inside a parallel chunk and returns from it
template <class Body>
    requires std::invocable<Body&, isize, isize>
void parallel_for(isize size, isize grain, Body&& body) {
    detail::run_chunks(size, grain, body);
}

/// The sum of part(first, last) over fixed chunks of [0, size), each at least `grain` long, added in the order of the
/// chunks: the same bits for every thread count. A part is a number or has +=. Allocates nothing.
/// @accuracy at most 255 roundings (2⁻²⁴ for parts of float, 2⁻⁵³ of double) of Σ |part|
template <class Part>
    requires std::invocable<Part&, isize, isize>
[[nodiscard]] auto parallel_sum(isize size, isize grain, Part&& part) {
    return detail::sum_of_chunks<std::invoke_result_t<Part&, isize, isize>>(size, grain, part);
}

}  // namespace ddpm
