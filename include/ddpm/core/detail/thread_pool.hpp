// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/function_ref.hpp>
#include <ddpm/core/detail/usable_cores.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace ddpm::detail {

/// The largest thread count that is accepted or assumed.
inline constexpr isize most_threads = 1 << 16;

/// Whether the calling thread is inside a task of a parallel job. In a forked child it is false at first, even if fork
/// was called inside a task.
[[nodiscard]] inline bool& inside_job() noexcept {
    thread_local bool inside = false;
    return inside;
}

/// Worker threads that execute the tasks of one job at a time, together with the caller. A second caller's job
/// meanwhile is executed by that caller alone. If the system refuses a thread, the pool works with those it has.
class thread_pool {
public:
    /// @param wanted the number of threads including the caller; 0 means one for each usable core
    explicit thread_pool(isize wanted) : wanted_(wanted) { start(wanted == 0 ? machine_size() : wanted); }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool() { stop_beyond(1); }

    thread_pool* older = nullptr;  ///< the pool of an earlier ancestor process, kept reachable for process_pool

    /// The number of threads, including the caller.
    [[nodiscard]] isize size() const noexcept { return size_.load(std::memory_order_relaxed); }

    /// The number of threads that was asked for; 0 means one for each usable core.
    [[nodiscard]] isize wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

    /// @throws value_error if the system refuses a thread, unless wanted is 0; the pool is then unchanged
    void resize(isize wanted) {
        const std::scoped_lock only_job(job_mutex_);
        const isize before = size(), count = wanted == 0 ? machine_size() : wanted;
        stop_beyond(count);
        start(count);
        if (const isize possible = size(); wanted != 0 && possible < count) {
            stop_beyond(before);
            throw value_error("set_thread_count", "the system does not start so many threads",
                              text("at most ", possible), count);
        }
        wanted_ = wanted;
    }

    /// Calls task(0) … task(count − 1). Must be called from outside any job of the pool.
    /// @throws the first exception of a task; error in a child that was forked inside a task and returns from it
    void run(isize count, function_ref<void(isize)> task) {
        std::unique_lock only_job(job_mutex_, std::defer_lock);
        if (size() == 1 || !only_job.try_lock()) {
            for (isize i = 0; i < count; ++i) {
                task(i);
            }
            return;
        }
        job current{task, count, {}, {}};
        {
            const std::scoped_lock lock(mutex_);
            job_ = &current;
            epoch_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
        if (!take_tasks(current)) {
            throw base_error("parallel_for",
                             "a process forked inside a task returned from it: the other threads' tasks are lost");
        }
        {
            std::unique_lock lock(mutex_);
            job_ = nullptr;  // no more workers may join
            const auto done = [&] { return active_.load(std::memory_order_acquire) == 0; };
            if (!done()) {
                lock.unlock();
                spin_until(done);
                lock.lock();
                idle_.wait(lock, done);
            }
        }
        if (current.failure) {
            std::rethrow_exception(current.failure);
        }
    }

private:
    struct job {
        function_ref<void(isize)> task;
        isize count;
        std::atomic<isize> next;
        std::exception_ptr failure;
    };

    static isize machine_size() { return std::min(usable_cores(), most_threads); }

    /// Starts workers until there are `count` threads, or the system refuses one.
    void start(isize count) {
        const isize before = size();
        keep(count);
        try {
            for (isize number = before; number < count; ++number) {
                workers_.emplace_back([this, number] { work(number); });
            }
        } catch (const std::system_error&) {
            // Go on with those that started.
        } catch (...) {
            stop_beyond(before);
            throw;
        }
        size_ = static_cast<isize>(workers_.size()) + 1;
    }

    void keep(isize count) {
        {
            const std::scoped_lock lock(mutex_);
            kept_ = count;
            epoch_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
    }

    /// Stops the workers with number `count` and above; the caller is number 0.
    void stop_beyond(isize count) {
        keep(count);
        while (static_cast<isize>(workers_.size()) >= count) {
            workers_.back().join();
            workers_.pop_back();
        }
        size_ = static_cast<isize>(workers_.size()) + 1;
    }

    /// Returns false in a child that was forked inside a task: there, locks held by other threads stay locked forever,
    /// so the pool must not be touched.
    [[nodiscard]] bool take_tasks(job& current) {
        inside_job() = true;
        for (isize i = current.next++; i < current.count; i = current.next++) {
            try {
                current.task(i);
            } catch (...) {
                if (!inside_job()) {
                    return false;
                }
                const std::scoped_lock lock(mutex_);
                if (!current.failure) {
                    current.failure = std::current_exception();
                }
            }
            if (!inside_job()) {
                return false;
            }
        }
        inside_job() = false;
        return true;
    }

    void work(isize number) {
        std::uint32_t seen = epoch_.load(std::memory_order_acquire);
        for (;;) {
            spin_until([&] { return epoch_.load(std::memory_order_acquire) != seen; });
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] {
                return number >= kept_ || job_ != nullptr || epoch_.load(std::memory_order_relaxed) != seen;
            });
            seen = epoch_.load(std::memory_order_relaxed);
            if (number >= kept_) {
                return;
            }
            if (job_ == nullptr) {
                continue;
            }
            job& current = *job_;
            active_.fetch_add(1, std::memory_order_relaxed);
            lock.unlock();
            if (!take_tasks(current)) {
                return;
            }
            lock.lock();
            if (job_ == &current) {
                job_ = nullptr;  // all its tasks are taken: no more workers need to join
            }
            if (active_.fetch_sub(1, std::memory_order_release) == 1) {
                idle_.notify_one();
            }
        }
    }

    /// Polls a condition for about 100 µs, since it often holds soon and waking from sleep takes about as long.
    template <class Condition>
    static void spin_until(const Condition& condition) {
        constexpr int longest = 10000;
        for (int spin = 0; spin < longest && !condition(); ++spin) {
            pause();
        }
    }

    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    std::mutex job_mutex_;  // held by the caller whose job is running
    std::mutex mutex_;      // guards job_, active_, kept_ and failures
    std::condition_variable wake_;
    std::condition_variable idle_;
    std::atomic<std::uint32_t> epoch_{0};
    job* job_ = nullptr;
    std::atomic<isize> active_{0};  // changed only while mutex_ is held
    isize kept_ = 1;                // workers with this number or above stop
    std::atomic<isize> size_{1};
    std::atomic<isize> wanted_;
    std::vector<std::thread> workers_;
};

}  // namespace ddpm::detail
