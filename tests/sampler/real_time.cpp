// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/sanitizer.hpp"

// What a step on one thread does not do. The sanitizers make system calls and take locks of their own.
#if defined(__linux__) && !defined(DDPM_TEST_SANITIZER)

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/inference/packed_mlp.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/lock_count.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>

namespace ddpm::test {
namespace {

/// From now on the system kills the process at any system call but read, write, and the end of the thread.
/// @returns whether the system offers that
bool forbid_system_calls() { return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0; }

/// Ends the process; std::exit and _exit make a forbidden call.
[[noreturn]] void end_thread(int code) {
    ::syscall(SYS_exit, code);
    __builtin_unreachable();
}

constexpr int ended_quietly = 0, took_a_lock = 1, not_offered = 2;

/// Runs a sampler in a child process, all but the first step without system calls.
template <class Net>
int run_without_calls(const any_sampler& sampler, const Net& net, isize count) {
    return in_child([&] {
        set_thread_count(1);
        const sampling_plan plan = make_plan(sampler, noise_schedule{linear_beta{}, 1000}, make_timesteps(1000, 12));
        philox_noise noise(1, noise_stream::sampler);
        batch<float> start(net.shape().size(), count);
        noise.normal<float>(start, 0);
        sampling_run<float, const Net, philox_noise> run(plan, net, noise, start);
        run.step();  // this thread's scratch memory
        if (!forbid_system_calls()) {
            end_thread(not_offered);
        }
        const long before = locks_taken;
        while (!run.done()) {
            run.step();
        }
        end_thread(locks_taken == before ? ended_quietly : took_a_lock);
    });
}

TEST_CASE("a step on one thread makes no system call and takes no lock", "[sampler]") {
    const int offered = in_child([] { end_thread(forbid_system_calls() ? ended_quietly : not_offered); });
    if (offered == not_offered) {
        WARN("skipped: this system cannot forbid system calls");
        return;
    }
    REQUIRE(offered == ended_quietly);
    // What the checks are worth: both are seen.
    CHECK(in_child([] {
              forbid_system_calls();
              end_thread(::getppid() != 0 ? ended_quietly : took_a_lock);
          }) < 0);
    const long before = locks_taken;
    std::mutex mutex;
    { const std::lock_guard lock(mutex); }
    CHECK(locks_taken == before + 1);

    const nn::mlp<float> net{{.dim = 64, .hidden = 32, .blocks = 2}};
    for (const named_sampler& one : named_samplers()) {
        INFO(one.name);
        CHECK(run_without_calls(one.sampler, net, 1) == ended_quietly);
    }
    const nn::mlp<float> large{{.dim = 64, .hidden = 256, .blocks = 3}};
    CHECK(run_without_calls(ddim{}, large, 128) == ended_quietly);
    CHECK(run_without_calls(ancestral{}, nn::packed_mlp<float>(large), 128) == ended_quietly);
    CHECK(run_without_calls(ancestral{}, nn::packed_mlp<bfloat16>(large), 128) == ended_quietly);
}

}  // namespace
}  // namespace ddpm::test

#endif
