// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/function_ref.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace ddpm::detail {

/// Workers that take the tasks of one job at a time; the caller takes tasks too. A job started from inside a job, or while
/// another caller's job runs, is done by its caller alone.
class thread_pool {
public:
    thread_pool() { start(default_size()); }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool() { stop(); }

    [[nodiscard]] index size() const noexcept { return size_.load(std::memory_order_relaxed); }

    void resize(index count) {
        if (count < 0) {
            throw value_error("set_thread_count", "negative count", ">= 0", count);
        }
        if (inside_job()) {
            throw value_error("set_thread_count", "called from inside parallel work");
        }
        const std::scoped_lock only_job(job_mutex_);
        stop();
        start(count == 0 ? default_size() : count);
    }

    void run(index count, function_ref<void(index)> task) {
        std::unique_lock only_job(job_mutex_, std::defer_lock);
        if (size() == 1 || inside_job() || !only_job.try_lock()) {
            for (index i = 0; i < count; ++i) {
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
        take_tasks(current);
        {
            std::unique_lock lock(mutex_);
            job_ = nullptr;  // nobody joins any more
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
        function_ref<void(index)> task;
        index count;
        std::atomic<index> next;
        std::exception_ptr failure;
    };

    static index default_size() { return std::max<index>(1, static_cast<index>(std::thread::hardware_concurrency())); }

    static bool& inside_job() {
        thread_local bool inside = false;
        return inside;
    }

    void start(index count) {
        stopping_ = false;
        size_ = count;
        for (index i = 1; i < count; ++i) {
            workers_.emplace_back([this] { work(); });
        }
    }

    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
            epoch_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) {
            worker.join();
        }
        workers_.clear();
    }

    void take_tasks(job& current) {
        inside_job() = true;
        for (index i = current.next++; i < current.count; i = current.next++) {
            try {
                current.task(i);
            } catch (...) {
                const std::scoped_lock lock(mutex_);
                if (!current.failure) {
                    current.failure = std::current_exception();
                }
            }
        }
        inside_job() = false;
    }

    void work() {
        std::uint32_t seen = epoch_.load(std::memory_order_acquire);
        for (;;) {
            spin_until([&] { return epoch_.load(std::memory_order_acquire) != seen; });
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || job_ != nullptr || epoch_.load(std::memory_order_relaxed) != seen; });
            seen = epoch_.load(std::memory_order_relaxed);
            if (stopping_) {
                return;
            }
            if (job_ == nullptr) {
                continue;
            }
            job& current = *job_;
            active_.fetch_add(1, std::memory_order_relaxed);
            lock.unlock();
            take_tasks(current);
            lock.lock();
            if (job_ == &current) {
                job_ = nullptr;  // all its tasks are taken: nobody else need join
            }
            if (active_.fetch_sub(1, std::memory_order_release) == 1) {
                idle_.notify_one();
            }
        }
    }

    /// What is awaited often follows at once: look for it some 100 µs before going to sleep, which takes about as long to
    /// wake from.
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

    std::mutex job_mutex_;  // held by the caller whose job runs
    std::mutex mutex_;      // guards job_, active_, stopping_ and failures
    std::condition_variable wake_;
    std::condition_variable idle_;
    std::atomic<std::uint32_t> epoch_{0};
    job* job_ = nullptr;
    std::atomic<index> active_{0};  // changes while mutex_ is held
    bool stopping_ = false;
    std::atomic<index> size_{1};
    std::vector<std::thread> workers_;
};

}  // namespace ddpm::detail
