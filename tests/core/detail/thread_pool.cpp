// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/thread_pool.hpp>
#include <ddpm/core/detail/usable_cores.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/thread_creation.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace ddpm::test {
namespace {

/// Whether a job of ten tasks does each of them once.
bool works(detail::thread_pool& pool) {
    std::vector<int> count(10, 0);
    const auto task = [&](isize i) { ++count[static_cast<std::size_t>(i)]; };
    pool.run(10, task);
    return count == std::vector<int>(10, 1);
}

std::string message_of_resize(detail::thread_pool& pool, isize count) {
    try {
        pool.resize(count);
    } catch (const base_error& e) {
        return e.what();
    }
    return "no error";
}

/// Whether all tasks of a job run at the same time.
bool side_by_side(detail::thread_pool& pool, int tasks) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::atomic<int> arrived = 0;
    const auto task = [&](isize) {
        ++arrived;
        while (arrived < tasks && std::chrono::steady_clock::now() < end) {
            std::this_thread::yield();
        }
    };
    pool.run(tasks, task);
    return arrived == tasks;
}

/// The processor time that a clock of the system has counted, in seconds.
double seconds_of(clockid_t clock) {
    timespec time{};
    REQUIRE(::clock_gettime(clock, &time) == 0);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

TEST_CASE("a pool works with the threads that the system starts, alone at worst", "[core]") {
    for (const int started : {0, 1, 3}) {
        const scoped_thread_limit limit(started);
        detail::thread_pool pool(8);
        CHECK(pool.size() == 1 + started);
        CHECK(pool.wanted() == 8);
        CHECK(works(pool));
    }
    const scoped_thread_limit limit(0);
    detail::thread_pool pool(0);
    CHECK(pool.size() == 1);
    CHECK(works(pool));
}

TEST_CASE("where not all threads of a new count start, the pool stays as it was", "[core]") {
    for (const isize before : {1, 2, 5}) {
        detail::thread_pool pool(before);
        {
            const scoped_thread_limit limit(2);
            CHECK(message_of_resize(pool, 10000) ==
                  "set_thread_count: the system does not start so many threads; expected at most " +
                      std::to_string(before + 2) + ", got 10000");
            CHECK(pool.size() == before);
            CHECK(pool.wanted() == before);
            CHECK(works(pool));
        }
        pool.resize(7);
        CHECK(pool.size() == 7);
        CHECK(works(pool));
    }
}

TEST_CASE("fewer threads, and as many as there are usable cores, need no thread more than the system starts",
          "[core]") {
    detail::thread_pool pool(5);
    const scoped_thread_limit limit(0);
    pool.resize(2);
    CHECK(pool.size() == 2);
    CHECK(works(pool));
    pool.resize(0);
    CHECK(pool.size() == std::min<isize>(2, detail::usable_cores()));
    CHECK(works(pool));
}

TEST_CASE("a job has a thread for each task, whether the workers sleep or not", "[core]") {
    detail::thread_pool pool(5);
    for (const int pause : {30, 0}) {
        for (const int tasks : {2, 5, 3, 4, 5, 5, 2, 2}) {
            std::this_thread::sleep_for(std::chrono::milliseconds(pause));
            CHECK(side_by_side(pool, tasks));
        }
    }
}

TEST_CASE("a caller that waits long for a worker's task sleeps, and wakes at its end", "[core]") {
    detail::thread_pool pool(2);
    for (const bool fails : {false, true}) {
        std::atomic<int> arrived = 0;
        const std::thread::id caller = std::this_thread::get_id();
        const auto task = [&](isize) {
            ++arrived;
            while (arrived < 2) {
                std::this_thread::yield();
            }
            if (std::this_thread::get_id() != caller) {
                std::this_thread::sleep_for(std::chrono::milliseconds(300));
                if (fails) {
                    throw value_error("task", "fails");
                }
            }
        };
        const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        if (fails) {
            CHECK_THROWS_AS(pool.run(2, task), value_error);
        } else {
            pool.run(2, task);
        }
        CHECK(seconds_of(CLOCK_THREAD_CPUTIME_ID) - before < 0.15);
    }
    CHECK(works(pool));
}

TEST_CASE("workers without work sleep", "[core]") {
    detail::thread_pool pool(4);
    CHECK(works(pool));
    const double before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before < 0.25);
    CHECK(side_by_side(pool, 4));
}

TEST_CASE("set_thread_count refuses what the system does not start, and the old count works", "[core]") {
    set_thread_count(2);
    {
        const scoped_thread_limit limit(3);
        CHECK_THROWS_AS(set_thread_count(10000), value_error);
        CHECK(thread_count() == 2);
    }
    CHECK_THROWS_AS(set_thread_count(65537), value_error);
    CHECK(thread_count() == 2);
    std::atomic<int> calls = 0;
    parallel_for(100, 1, [&](isize, isize) { ++calls; });
    CHECK(calls == 100);
    set_thread_count(0);
}

}  // namespace ddpm::test
