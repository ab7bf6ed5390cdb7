// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/usable_cores.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/function_ref.hpp>
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
///
/// Each thread takes one task after another, and the caller waits only for workers that are in a task: one that still
/// sleeps, or that waits for its core, delays nothing. Threads that wait offer their core to others again and again, so
/// that the system seldom stops one inside a task to let others have their share.
///
/// Threads sleep at condition variables, not by std::atomic's `wait`: where a system has no futex, libstdc++ can lose such
/// a wakeup (its `notify` does not lock the mutex under which the waiting thread should compare the value).
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
    /// @throws the first exception of a task; base_error in a child that was forked inside a task and returns from it
    void run(isize count, function_ref<void(isize)> task) {
        std::unique_lock only_job(job_mutex_, std::defer_lock);
        if (size() == 1 || !only_job.try_lock()) {
            for (isize i = 0; i < count; ++i) {
                task(i);
            }
            return;
        }
        job current{task, count, {}, {}, {}};
        job_ = &current;
        gate_.store(gate_open, std::memory_order_release);
        epoch_.fetch_add(1);
        wake(count - 1);
        if (!take_tasks(current)) {
            throw base_error("parallel_for",
                             "a process forked inside a task returned from it: the other threads' tasks are lost");
        }
        wait_for_workers();
        if (current.failure) {
            std::rethrow_exception(current.failure);
        }
    }

private:
    struct alignas(64) job {
        function_ref<void(isize)> task;
        isize count;
        std::atomic<isize> next;
        std::atomic<bool> failed;
        std::exception_ptr failure;  // of the thread that set `failed`
    };

    // The bits of gate_; the others are the number of workers in the job.
    static constexpr std::uint32_t gate_open = std::uint32_t{1} << 31;  // more workers may enter
    static constexpr std::uint32_t caller_sleeps = std::uint32_t{1} << 30;
    static constexpr std::uint32_t workers_inside = caller_sleeps - 1;

    // Rounds of polling before a waiting thread offers its core: few for a worker, since one that loses its core while it
    // has no task delays nobody; more for the caller, since the whole program waits for it, and mostly not for long.
    static constexpr int worker_spins = 12, caller_spins = 60;

    static isize machine_size() { return std::min(usable_cores(), most_threads); }

    /// Starts workers until there are `count` threads, or the system refuses one.
    void start(isize count) {
        const isize before = size();
        keep(count);
        try {
            for (isize number = before; number < count; ++number) {
                workers_.emplace_back([this, number] { work(number); });
            }
        } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): go on with those that started
        } catch (...) {
            stop_beyond(before);
            throw;
        }
        size_ = static_cast<isize>(workers_.size()) + 1;
    }

    void keep(isize count) {
        kept_ = count;
        epoch_.fetch_add(1);
        wake(most_threads);
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

    /// Wakes sleeping workers so that, with those that are awake, at least `useful` are. To be called after a change of
    /// epoch_: a worker counts itself as asleep before it looks at epoch_ for the last time, so one of the two is seen.
    void wake(isize useful) {
        const isize asleep = asleep_.load(), awake = size() - 1 - asleep;
        if (asleep == 0 || useful <= awake) {
            return;
        }
        { const std::scoped_lock until_they_sleep(sleep_mutex_); }
        if (useful - awake >= asleep) {
            work_.notify_all();
            return;
        }
        for (isize woken = awake; woken < useful; ++woken) {
            work_.notify_one();
        }
    }

    /// Sleeps until epoch_ differs from `seen`.
    void sleep(std::uint32_t seen) {
        std::unique_lock lock(sleep_mutex_);
        asleep_.fetch_add(1);
        work_.wait(lock, [&] { return epoch_.load() != seen; });
        asleep_.fetch_sub(1);
    }

    /// Returns false in a child that was forked inside a task: there the other threads do not exist, so the pool must
    /// not be touched.
    [[nodiscard]] static bool take_tasks(job& current) {
        inside_job() = true;
        for (isize i = current.next++; i < current.count; i = current.next++) {
            try {
                current.task(i);
            } catch (...) {
                if (!inside_job()) {
                    return false;
                }
                if (!current.failed.exchange(true)) {
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

    /// Lets no more workers into the job, and waits until those inside have left.
    void wait_for_workers() {
        const std::uint32_t state = gate_.fetch_and(~gate_open, std::memory_order_acq_rel) & ~gate_open;
        if (state == 0 || spin_until([&] { return gate_.load(std::memory_order_acquire) == 0; }, caller_spins)) {
            return;
        }
        std::unique_lock lock(sleep_mutex_);
        gate_.fetch_or(caller_sleeps, std::memory_order_acq_rel);
        all_left_.wait(lock, [&] { return (gate_.load(std::memory_order_acquire) & workers_inside) == 0; });
    }

    /// Enters the running job. Returns false if there is none, or none that needs more workers.
    [[nodiscard]] bool enter() {
        std::uint32_t state = gate_.load(std::memory_order_relaxed);
        while ((state & gate_open) != 0) {
            if (gate_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }

    /// Leaves a job, all whose tasks are taken: no more workers need to enter.
    void leave() {
        std::uint32_t state = gate_.load(std::memory_order_relaxed);
        while (!gate_.compare_exchange_weak(state, (state & ~gate_open) - 1, std::memory_order_acq_rel,
                                            std::memory_order_relaxed)) {
        }
        if ((state & (caller_sleeps | workers_inside)) == (caller_sleeps | 1)) {
            {
                const std::scoped_lock until_it_sleeps(sleep_mutex_);
            }
            all_left_.notify_one();
        }
    }

    void work(isize number) {
        for (;;) {
            const std::uint32_t seen = epoch_.load();
            if (number >= kept_.load()) {
                return;
            }
            if (enter()) {
                if (!take_tasks(*job_)) {
                    return;
                }
                leave();
            } else if (!spin_until([&] { return epoch_.load(std::memory_order_relaxed) != seen; }, worker_spins)) {
                sleep(seen);
            }
        }
    }

    /// Polls a condition for 100 … 300 µs, since it often holds soon and waking from sleep takes about as long. After
    /// `spins` rounds each further one offers the core to the other threads that could run there. Returns whether the
    /// condition holds.
    template <class Condition>
    [[nodiscard]] static bool spin_until(const Condition& condition, int spins) {
        constexpr int rounds = 240, polls = 16;
        for (int round = 0; round < rounds; ++round) {
            for (int poll = 0; poll < polls; ++poll) {
                if (condition()) {
                    return true;
                }
                pause();
            }
            if (round >= spins) {
                std::this_thread::yield();
            }
        }
        return condition();
    }

    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    std::mutex job_mutex_;  // held by the caller whose job is running, and while the number of threads changes
    job* job_ = nullptr;    // the running job, for the workers that have entered
    std::atomic<isize> size_{1};
    std::atomic<isize> wanted_;
    std::atomic<isize> kept_{1};  // workers with this number or above stop
    std::vector<std::thread> workers_;
    alignas(64) std::atomic<std::uint32_t> gate_{0};
    alignas(64) std::atomic<std::uint32_t> epoch_{0};  // changes with each job and each value of kept_
    std::atomic<isize> asleep_{0};                     // workers that sleep until epoch_ changes, or are about to
    std::mutex sleep_mutex_;                           // held between a sleeper's last look and its sleep
    std::condition_variable work_;                     // epoch_ has changed
    std::condition_variable all_left_;                 // the last worker has left the job whose caller sleeps
};

}  // namespace ddpm::detail
