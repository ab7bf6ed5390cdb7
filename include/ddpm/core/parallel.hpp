// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/detail/function_ref.hpp>
#include <ddpm/core/detail/thread_pool.hpp>
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
    /// exception that a task throws is thrown again here.
    virtual void run(index count, detail::function_ref<void(index)> task) = 0;

    /// How many tasks may run at the same time.
    [[nodiscard]] virtual index concurrency() const = 0;
};

namespace detail {

class pool_executor final : public executor {
public:
    void run(index count, function_ref<void(index)> task) override { pool.run(count, task); }
    [[nodiscard]] index concurrency() const override { return pool.size(); }
    thread_pool pool;
};

inline pool_executor& default_executor() {
    static pool_executor instance;
    return instance;
}

inline std::atomic<executor*>& current_executor() {
    static std::atomic<executor*> instance{&default_executor()};
    return instance;
}

}  // namespace detail

/// Sets how many threads the library's own pool uses, the caller's included; 0 means as many as the machine has. Results do
/// not depend on it. Waits for work under way.
/// @throws value_error if negative, or called from work that the pool runs on several threads
inline void set_thread_count(index count) { detail::default_executor().pool.resize(count); }

/// How many threads work side by side.
[[nodiscard]] inline index thread_count() { return detail::current_executor().load()->concurrency(); }

/// Makes the library run its parallel work on the user's threads; nullptr goes back to its own pool. The executor must
/// outlive its use.
inline void set_executor(executor* user) { detail::current_executor() = user ? user : &detail::default_executor(); }

/// Calls body(first, last) for the fixed chunks [0, grain), [grain, 2·grain), … of [0, size), side by side. The chunks do
/// not depend on the thread count, so neither do results that a chunk computes by itself. One chunk runs on the caller.
template <class Body>
void parallel_for(index size, index grain, Body&& body) {
    DDPM_ASSERT(grain > 0);
    if (size <= 0) {
        return;
    }
    const index chunks = (size - 1) / grain + 1;
    if (chunks == 1) {
        body(index{0}, size);
        return;
    }
    detail::current_executor().load()->run(
        chunks, [&](index chunk) { body(chunk * grain, std::min(size, (chunk + 1) * grain)); });
}

/// The sum of part(first, last), a number or a value that has +=, over fixed chunks of [0, size), each at least `grain` long,
/// added in the order of the chunks: the same bits for every thread count. Allocates nothing.
template <class Part>
[[nodiscard]] auto parallel_sum(index size, index grain, Part&& part) {
    using sum_type = std::invoke_result_t<Part&, index, index>;
    constexpr index most_chunks = 256;
    const index length = std::max(grain, (size + most_chunks - 1) / most_chunks);
    if (size <= length) {
        return size > 0 ? part(index{0}, size) : sum_type{};
    }
    std::array<sum_type, most_chunks> sums{};
    parallel_for(size, length, [&](index first, index last) { sums[static_cast<std::size_t>(first / length)] = part(first, last); });
    sum_type total{};
    for (const sum_type& sum : sums) {
        total += sum;
    }
    return total;
}

}  // namespace ddpm
