// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/usable_cores.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ddpm::test {

/// Gives the tests that follow the pool's thread count that they found.
struct thread_count_guard {
    isize before = thread_count();
    ~thread_count_guard() { set_thread_count(before); }
};

/// How often each of `size` elements is visited.
std::vector<int> visits(isize size, isize grain) {
    std::vector<int> count(static_cast<std::size_t>(size), 0);
    parallel_for(size, grain, [&](isize first, isize last) {
        for (isize i = first; i < last; ++i) {
            ++count[static_cast<std::size_t>(i)];
        }
    });
    return count;
}

TEST_CASE("parallel_for visits every element once, for every thread count", "[core]") {
    const thread_count_guard guard;
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        REQUIRE(thread_count() == threads);
        for (const isize size : {1, 2, 5, 64, 1000}) {
            for (const isize grain : {1, 3, 64, 5000}) {
                const std::vector<int> count = visits(size, grain);
                CHECK(count == std::vector<int>(count.size(), 1));
            }
        }
    }
}

TEST_CASE("the chunks are fixed by size and grain", "[core]") {
    const thread_count_guard guard;
    const std::set<std::pair<isize, isize>> expected{{0, 4}, {4, 8}, {8, 10}};
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        std::mutex mutex;
        std::set<std::pair<isize, isize>> chunks;
        parallel_for(10, 4, [&](isize first, isize last) {
            const std::scoped_lock lock(mutex);
            chunks.emplace(first, last);
        });
        CHECK(chunks == expected);
    }
}

TEST_CASE("no element is no call", "[core]") {
    int calls = 0;
    parallel_for(0, 4, [&](isize, isize) { ++calls; });
    parallel_for(-3, 4, [&](isize, isize) { ++calls; });
    CHECK(calls == 0);
}

TEST_CASE("one chunk runs on the caller", "[core]") {
    std::thread::id id;
    parallel_for(4, 4, [&](isize, isize) { id = std::this_thread::get_id(); });
    CHECK(id == std::this_thread::get_id());
}

TEST_CASE("the threads work side by side", "[core]") {
    const thread_count_guard guard;
    set_thread_count(3);
    // Each task waits for the other two: this returns only if all three run at the same time.
    std::atomic<int> arrived = 0;
    parallel_for(3, 1, [&](isize, isize) {
        ++arrived;
        while (arrived < 3) {
            std::this_thread::yield();
        }
    });
    CHECK(arrived == 3);
}

TEST_CASE("parallel work inside parallel work runs on its caller", "[core]") {
    const thread_count_guard guard;
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        std::vector<int> count(100, 0);
        std::atomic<bool> moved = false;
        parallel_for(10, 1, [&](isize outer, isize) {
            const std::thread::id caller = std::this_thread::get_id();
            parallel_for(10, 1, [&](isize inner, isize) {
                moved = moved || std::this_thread::get_id() != caller;
                ++count[static_cast<std::size_t>(10 * outer + inner)];
            });
        });
        CHECK(count == std::vector<int>(100, 1));
        CHECK_FALSE(moved);
    }
}

TEST_CASE("an exception in a task reaches the caller, and the pool works on", "[core]") {
    const thread_count_guard guard;
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        const auto throws_at = [](isize which) {
            parallel_for(20, 1, [&](isize i, isize) {
                if (i == which) {
                    throw std::out_of_range(std::to_string(i));
                }
            });
        };
        for (const isize which : {0, 7, 19}) {
            try {
                throws_at(which);
                FAIL("no exception");
            } catch (const std::out_of_range& e) {
                CHECK(std::string(e.what()) == std::to_string(which));
            }
        }
        CHECK_THROWS_AS(parallel_for(20, 1, [](isize, isize) { throw value_error("task", "all fail"); }), value_error);
        CHECK(visits(100, 7) == std::vector<int>(100, 1));
    }
}

TEST_CASE("several threads of the program may call at the same time", "[core]") {
    const thread_count_guard guard;
    for (const isize threads : {1, 2, 7}) {
        set_thread_count(threads);
        std::vector<int> wrong(4, 0);
        std::vector<std::thread> callers;
        for (std::size_t c = 0; c < wrong.size(); ++c) {
            callers.emplace_back([&wrong, c] {
                for (int round = 0; round < 100; ++round) {
                    if (visits(100, 3) != std::vector<int>(100, 1)) {
                        ++wrong[c];
                    }
                }
            });
        }
        for (std::thread& caller : callers) {
            caller.join();
        }
        CHECK(wrong == std::vector<int>(4, 0));
    }
}

TEST_CASE("many small jobs in a row lose no task", "[core]") {
    const thread_count_guard guard;
    set_thread_count(3);
    std::atomic<isize> total = 0;
    for (int round = 0; round < 5000; ++round) {
        parallel_for(4, 1, [&](isize first, isize last) { total += last - first; });
    }
    CHECK(total == 20000);
}

TEST_CASE("the thread count may change between jobs, also while others work", "[core]") {
    const thread_count_guard guard;
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::thread other([&] {
        while (!stop) {
            wrong += visits(50, 1) == std::vector<int>(50, 1) ? 0 : 1;
        }
    });
    for (int round = 0; round < 200; ++round) {
        for (const isize threads : {1, 4, 2}) {
            set_thread_count(threads);
            CHECK(visits(50, 1) == std::vector<int>(50, 1));
        }
    }
    stop = true;
    other.join();
    CHECK(wrong == 0);
}

TEST_CASE("set_thread_count refuses a negative count and a call from inside parallel work", "[core]") {
    const thread_count_guard guard;
    CHECK_THROWS_AS(set_thread_count(-1), value_error);
    set_thread_count(2);
    CHECK_THROWS_AS(parallel_for(8, 1, [](isize, isize) { set_thread_count(3); }), value_error);
    CHECK(thread_count() == 2);
}

TEST_CASE("a thread count of 0 means as many as there are usable cores", "[core]") {
    const thread_count_guard guard;
    set_thread_count(5);
    set_thread_count(0);
    CHECK(thread_count() == detail::usable_cores());
}

/// The smallest executor: one task after another, backwards.
class backwards final : public executor {
public:
    void run(isize count, function_ref<void(isize)> task) override {
        ++jobs;
        for (isize i = count - 1; i >= 0; --i) {
            order.push_back(i);
            task(i);
        }
    }
    [[nodiscard]] isize concurrency() const override { return 42; }
    int jobs = 0;
    std::vector<isize> order;
};

TEST_CASE("an executor of the user's takes the work, until it is taken away", "[core]") {
    backwards mine;
    set_executor(&mine);
    const isize concurrency = thread_count();
    const std::vector<int> count = visits(10, 4);
    const double sum = parallel_sum(10, 4, [](isize first, isize last) { return static_cast<double>(last - first); });
    bool passed_on = false;
    try {
        parallel_for(10, 4, [](isize, isize) { throw std::out_of_range("task"); });
    } catch (const std::out_of_range&) {
        passed_on = true;
    }
    set_executor(nullptr);
    CHECK(concurrency == 42);
    CHECK(count == std::vector<int>(10, 1));
    CHECK(sum == 10);
    CHECK(passed_on);
    CHECK(mine.jobs == 3);
    CHECK(std::vector<isize>(mine.order.begin(), mine.order.begin() + 3) == std::vector<isize>{2, 1, 0});
    CHECK(visits(10, 4) == std::vector<int>(10, 1));
    CHECK(mine.jobs == 3);
}

/// Runs tasks in order and says what it is told to of its concurrency.
class claims final : public executor {
public:
    explicit claims(isize first, isize second) : claims_{first, second} {}
    void run(isize count, function_ref<void(isize)> task) override {
        for (isize i = 0; i < count; ++i) {
            task(i);
        }
    }
    [[nodiscard]] isize concurrency() const override { return claims_[static_cast<std::size_t>(calls_++ % 2)]; }

private:
    std::array<isize, 2> claims_;
    mutable int calls_ = 0;
};

TEST_CASE("an executor that does not know its concurrency counts as one thread, one without a limit as 65536",
          "[core]") {
    for (const auto& [said, counted] : {std::pair<isize, isize>{0, 1},
                                        {-3, 1},
                                        {1, 1},
                                        {65536, 65536},
                                        {65537, 65536},
                                        {std::numeric_limits<isize>::max(), 65536}}) {
        claims mine(said, said);
        set_executor(&mine);
        const isize count = thread_count();
        const std::vector<int> all = visits(100, 7);
        set_executor(nullptr);
        CHECK(count == counted);
        CHECK(all == std::vector<int>(100, 1));
    }
}

/// An executor whose waiting caller begins other tasks, as those that steal do: the task that it is in waits meanwhile.
class stealing final : public executor {
public:
    void run(isize count, function_ref<void(isize)> task) override {
        if (depth_ > 0 && next_ < count_) {
            (*outer_)(next_++);
        }
        ++depth_;
        if (depth_ == 1) {
            outer_ = &task;
            count_ = count;
            for (next_ = 0; next_ < count_;) {
                task(next_++);
            }
        } else {
            for (isize i = 0; i < count; ++i) {
                task(i);
            }
        }
        --depth_;
    }
    [[nodiscard]] isize concurrency() const override { return 2; }

private:
    int depth_ = 0;
    isize next_ = 0, count_ = 0;
    const function_ref<void(isize)>* outer_ = nullptr;
};

TEST_CASE("an executor gets no work from inside a task, so that no task begins while another waits on its thread",
          "[core]") {
    stealing mine;
    set_executor(&mine);
    int open = 0, most = 0;
    std::vector<int> count(30, 0);
    parallel_for(10, 1, [&](isize outer, isize) {
        most = std::max(most, ++open);
        parallel_for(3, 1, [&](isize inner, isize) { ++count[static_cast<std::size_t>(3 * outer + inner)]; });
        --open;
    });
    set_executor(nullptr);
    CHECK(most == 1);
    CHECK(count == std::vector<int>(30, 1));
}

TEST_CASE("parallel_sum gives the same bits for every thread count", "[core]") {
    const thread_count_guard guard;
    std::vector<double> values(100'003);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 1.0 / static_cast<double>(3 * i + 1);
    }
    const auto sum = [&](isize grain) {
        return parallel_sum(static_cast<isize>(values.size()), grain, [&](isize first, isize last) {
            return std::accumulate(values.begin() + first, values.begin() + last, 0.0);
        });
    };
    for (const isize grain : {1, 1000, 1'000'000}) {
        set_thread_count(1);
        const double expected = sum(grain);
        CHECK(std::abs(expected - std::accumulate(values.begin(), values.end(), 0.0)) <= 1e-12 * expected);
        for (const isize threads : {2, 3, 7}) {
            set_thread_count(threads);
            for (int round = 0; round < 20; ++round) {
                REQUIRE(sum(grain) == expected);
            }
        }
    }
    CHECK(parallel_sum(0, 4, [](isize, isize) { return 1.0; }) == 0);
}

TEMPLATE_TEST_CASE("parallel_sum keeps its bound of roundings", "[core]", float, double) {
    using S = TestType;
    random_numbers random;
    for (const isize size : {1, 100, 257, 100000}) {
        const batch<S> parts = random.values<S>(size, 1);
        std::vector<char> met(static_cast<std::size_t>(size));
        const S sum = parallel_sum(size, 1, [&](isize first, isize) {
            met[static_cast<std::size_t>(first)] = 1;
            return parts(first);
        });
        long double exact = 0, magnitude = 0;
        for (isize i = 0; i < size; ++i) {
            if (met[static_cast<std::size_t>(i)] != 0) {
                exact += parts(i);
                magnitude += std::abs(parts(i));
            }
        }
        CHECK(within(sum, exact, roundings<S>(255) * magnitude));
    }
}

}  // namespace ddpm::test
