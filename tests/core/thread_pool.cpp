// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/thread_pool.hpp>
#include <ddpm/core/detail/usable_cores.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/thread_creation.hpp"

#include <algorithm>
#include <atomic>
#include <string>
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
