// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What becomes of the pool when a process forks or ends.
#include <ddpm/core/detail/process_pool.hpp>

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/contains.hpp"
#include "support/sanitizer.hpp"
#include "support/thread_creation.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace ddpm::test {
namespace {

// ThreadSanitizer does not know threads in a child of fork; there the parent is what the tests look at.
#if defined(DDPM_TEST_THREAD_SANITIZER)
constexpr bool children_have_threads = false;
#else
constexpr bool children_have_threads = true;
#endif

// The C library's allocator works in a child of fork whatever the parent's threads were doing. AddressSanitizer's may
// stay locked there for ever, if one of them was allocating.
#if defined(DDPM_TEST_ADDRESS_SANITIZER)
constexpr bool children_have_memory = false;
#else
constexpr bool children_have_memory = true;
#endif

const pid_t test_process = ::getpid();

/// Gives the tests that follow the pool's thread count that they found.
struct thread_count_guard {
    isize before = thread_count();
    ~thread_count_guard() { set_thread_count(before); }
};

/// How many of 100 tasks are done, each a sum over the chunk's own scratch memory.
int tasks_done() {
    struct tag {};
    std::atomic<int> done = 0;
    parallel_for(100, 1, [&](isize first, isize) {
        double* const mine = thread_scratch<tag, double>(1000);
        std::fill_n(mine, 1000, static_cast<double>(first));
        done += mine[999] == static_cast<double>(first) ? 1 : 0;
    });
    return done;
}

/// Whether three threads work at the same time.
bool three_work() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::atomic<int> arrived = 0;
    parallel_for(3, 1, [&](isize, isize) {
        ++arrived;
        while (arrived < 3 && std::chrono::steady_clock::now() < end) {
            std::this_thread::yield();
        }
    });
    return arrived == 3;
}

/// What a child does that uses everything: exits with 0 if all is right.
[[noreturn]] void use_everything() {
    if (!children_have_threads) {
        std::exit(0);
    }
    if (thread_count() != 3 || !three_work() || tasks_done() != 100) {
        std::exit(1);
    }
    set_thread_count(2);
    if (thread_count() != 2 || tasks_done() != 100) {
        std::exit(2);
    }
    set_thread_count(3);
    std::exit(three_work() ? 0 : 3);
}

/// Runs body() in a task on the caller, or on a worker, while each other thread is in a task too.
template <class Body>
void in_a_task(bool on_worker, const Body& body) {
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<bool> taken = false, ended = false;
    parallel_for(thread_count(), 1, [&](isize, isize) {
        if ((std::this_thread::get_id() != caller) == on_worker && !taken.exchange(true)) {
            body();
            ended = true;
        }
        while (!ended) {
            std::this_thread::yield();
        }
    });
}

}  // namespace

// What LeakSanitizer asks: in a child of fork it takes for leaked what the parent's other threads hold.
extern "C" int __lsan_is_turned_off() { return ::getpid() == test_process ? 0 : 1; }

TEST_CASE("a child of fork that only exits ends", "[core]") {
    const thread_count_guard guard;
    for (const isize threads : {2, 4}) {
        set_thread_count(threads);
        CHECK(tasks_done() == 100);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the workers sleep
        CHECK(in_child([] { std::exit(5); }) == 5);
        CHECK(in_child([] { std::quick_exit(6); }) == 6);
    }
}

TEST_CASE("a child of fork has the parent's thread count, and threads that work", "[core]") {
    if (!children_have_threads) {
        return;
    }
    const thread_count_guard guard;
    set_thread_count(3);
    CHECK(three_work());
    CHECK(in_child(use_everything) == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(in_child(use_everything) == 0);
    CHECK(in_child([] { std::exit(in_child(use_everything)); }) == 0);
    CHECK(in_child([] {
              const bool first = three_work();
              std::exit(first ? in_child(use_everything) : 4);
          }) == 0);
    CHECK(three_work());
    CHECK(thread_count() == 3);
}

TEST_CASE("a fork while the pool works leaves parent and child a pool that works", "[core]") {
    const thread_count_guard guard;
    set_thread_count(3);
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::thread other([&] {
        while (!stop) {
            wrong += tasks_done() == 100 ? 0 : 1;
        }
    });
    std::vector<int> codes;
    for (int round = 0; round < 30; ++round) {
        codes.push_back(in_child(use_everything));
    }
    stop = true;
    other.join();
    CHECK(codes == std::vector<int>(30, 0));
    CHECK(wrong == 0);
    CHECK(three_work());
}

TEST_CASE("a fork while the thread count changes leaves parent and child a pool that works", "[core]") {
    if (!children_have_memory) {
        return;
    }
    const thread_count_guard guard;
    std::atomic<bool> stop = false;
    std::thread other([&] {
        while (!stop) {
            set_thread_count(4);
            set_thread_count(1);
        }
    });
    std::vector<int> codes;
    for (int round = 0; round < 30; ++round) {
        codes.push_back(in_child([] {
            if (children_have_threads) {
                set_thread_count(3);
            }
            use_everything();
        }));
    }
    stop = true;
    other.join();
    CHECK(codes == std::vector<int>(30, 0));
}

TEST_CASE("fork may be called in a task, and the child is outside of it", "[core]") {
    const thread_count_guard guard;
    set_thread_count(3);
    for (const bool on_worker : {false, true}) {
        int code = -1;
        in_a_task(on_worker, [&] { code = in_child(use_everything); });
        CHECK(code == 0);
        CHECK(three_work());
    }
}

TEST_CASE("a child that returns from its parent's task does not hang", "[core]") {
    if (!children_have_threads) {
        return;
    }
    const thread_count_guard guard;
    set_thread_count(3);
    for (const bool by_exception : {false, true}) {
        pid_t child = -1;
        try {
            in_a_task(false, [&] {
                child = guarded_fork();
                if (child == 0 && by_exception) {
                    throw value_error("task", "fails");
                }
            });
            REQUIRE(child > 0);
        } catch (const base_error& e) {
            ::_exit(child == 0 && contains(e.what(), "forked inside a task") && tasks_done() == 100 ? 7 : 8);
        }
        CHECK(exit_code(child) == 7);
    }
    // On a worker there is nothing to return to: the thread ends, and with it the process.
    CHECK(in_child([] {
              pid_t grandchild = -1;
              in_a_task(true, [&] { grandchild = guarded_fork(); });
              std::exit(exit_code(grandchild));
          }) == 0);
    CHECK(three_work());
}

TEST_CASE("exit may be called in a task, on any thread, while others work", "[core]") {
    if (!children_have_threads) {
        return;
    }
    const thread_count_guard guard;
    set_thread_count(3);
    for (const bool on_worker : {false, true}) {
        CHECK(in_child([&] { in_a_task(on_worker, [] { std::exit(5); }); }) == 5);
        CHECK(in_child([&] { in_a_task(on_worker, [] { std::quick_exit(6); }); }) == 6);
        // What runs at exit may use the library.
        CHECK(in_child([&] {
                  std::atexit([] { ::_exit(tasks_done() == 100 ? 7 : 8); });
                  in_a_task(on_worker, [] { std::exit(5); });
              }) == 7);
    }
    CHECK(in_child([] {
              std::thread other([] {
                  for (;;) {
                      static_cast<void>(tasks_done());
                  }
              });
              std::this_thread::sleep_for(std::chrono::milliseconds(5));
              std::exit(5);
          }) == 5);
}

TEST_CASE("what runs after main may use the pool and the main thread's scratch memory", "[core]") {
    if (!children_have_threads) {
        return;
    }
    CHECK(in_child([] {
              std::atexit([] { ::_exit(tasks_done() == 100 ? 7 : 8); });
              std::exit(tasks_done() == 100 ? 0 : 1);
          }) == 7);
}

TEST_CASE("a child that may start no thread works alone", "[core]") {
    if (!children_have_threads) {
        return;
    }
    const thread_count_guard guard;
    set_thread_count(3);
    CHECK(in_child([] {
              const scoped_thread_limit limit(0);
              std::exit(thread_count() == 1 && tasks_done() == 100 ? 0 : 1);
          }) == 0);
    CHECK(in_child([] {
              const scoped_thread_limit limit(1);
              std::exit(thread_count() == 2 && tasks_done() == 100 ? 0 : 1);
          }) == 0);
}

TEST_CASE("little address space is no error but for a count that does not fit in", "[core]") {
    const thread_count_guard guard;
    set_thread_count(3);
    CHECK(in_child([] {
              long pages = 0;
              std::ifstream("/proc/self/statm") >> pages;
              if (pages > long{1} << 28) {
                  std::exit(0);  // a sanitizer's: it needs all of it
              }
              const rlim_t bytes = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE)) + (rlim_t{100} << 20);
              const rlimit limit{bytes, bytes};
              if (pages == 0 || ::setrlimit(RLIMIT_AS, &limit) != 0) {
                  std::exit(1);
              }
              try {
                  set_thread_count(10000);
                  std::exit(2);
              } catch (const base_error&) {
              }
              use_everything();
          }) == 0);
}

}  // namespace ddpm::test
