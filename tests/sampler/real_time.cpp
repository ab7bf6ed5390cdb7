// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/sanitizer.hpp"

// What a step on one thread does not do. The sanitizers make system calls and take locks of their own.
#if defined(__linux__) && !defined(DDPM_TEST_SANITIZER)

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/nn/inference/packed_mlp.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/gradient_check.hpp"
#include "support/lock_count.hpp"
#include "support/small_unet_options.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <mutex>
#include <type_traits>

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

constexpr int ended_quietly = 0, took_a_lock = 1, not_offered = 2, too_few_steps = 3;

/// Takes the first step, then the others without system calls, and ends the process. step() says whether another one
/// follows.
template <class Step>
[[noreturn]] void end_after_quiet_steps(const Step& step) {
    bool more = step();  // sets up this thread's scratch memory
    if (!forbid_system_calls()) {
        end_thread(not_offered);
    }
    const long before = locks_taken;
    isize steps = 0;
    for (; more; ++steps) {
        more = step();
    }
    end_thread(locks_taken != before ? took_a_lock : steps < 5 ? too_few_steps : ended_quietly);
}

template <class Net>
batch<float> start_of(const Net& net, philox_noise& noise, isize count) {
    batch<float> start(net.shape().size(), count);
    noise.normal<float>(start, 0);
    return start;
}

/// Runs a sampler in a child process, all steps but the first without system calls.
template <class Net>
int run_without_calls(const any_sampler& sampler, const Net& net, isize count) {
    return in_child([&] {
        set_thread_count(1);
        const sampling_plan plan = make_plan(sampler, noise_schedule{linear_beta{}, 1000}, make_timesteps(1000, 12));
        philox_noise noise(1, noise_stream::sampler);
        sampling_run<float, const Net, philox_noise> run(plan, net, noise, start_of(net, noise, count));
        end_after_quiet_steps([&] {
            run.step();
            return !run.done();
        });
    });
}

template <class Net>
int run_without_calls(const predictor_corrector& sampler, const Net& net, isize count) {
    return in_child([&] {
        set_thread_count(1);
        const time_grid grid = make_grid(noise_schedule{linear_beta{}, 1000}, make_timesteps(1000, 12));
        philox_noise noise(1, noise_stream::sampler);
        decltype(auto) session = session_of(net, count);
        detail::predictor_corrector_run<float, std::remove_reference_t<decltype(session)>, philox_noise> run(
            sampler, session, prediction::epsilon, noise, start_of(net, noise, count), 0);
        isize k = 0;
        end_after_quiet_steps([&] {
            run.step(grid[k], grid[k + 1]);
            return ++k < grid.steps();
        });
    });
}

template <class Net>
int run_without_calls(const adaptive_dpm_solver& solver, const Net& net, isize count) {
    return in_child([&] {
        set_thread_count(1);
        const std::function<grid_point(double)> point_at = [](double lambda) {
            return grid_point{100 - 30 * lambda, variance_preserving_level(std::exp(-lambda))};
        };
        philox_noise noise(1, noise_stream::sampler);
        decltype(auto) session = session_of(net, count);
        auto run = detail::adaptive_run_of<float>(solver, point_at, -3, 3, session, prediction::epsilon,
                                                  start_of(net, noise, count));
        end_after_quiet_steps([&] {
            run.step();
            return !run.done();
        });
    });
}

/// Runs a sampler of each kind.
template <class Net>
void check_every_kind(const Net& net, isize count) {
    CHECK(run_without_calls(ancestral{}, net, count) == ended_quietly);
    for (const bool batch_norms : {false, true}) {
        CHECK(run_without_calls(predictor_corrector{.batch_norms = batch_norms}, net, count) == ended_quietly);
    }
    for (const isize order : {2, 3}) {
        CHECK(run_without_calls(adaptive_dpm_solver{.order = order, .relative_tolerance = 1e-3}, net, count) ==
              ended_quietly);
    }
}

/// A U-Net whose 3 × 3 convolutions are computed by Winograd's algorithm too.
nn::unet_options larger_unet_options() {
    nn::unet_options options = small_unet_options();
    options.height = options.width = 16;
    options.channels = {32, 32};
    return options;
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
    nn::mlp<float> large{{.dim = 64, .hidden = 256, .blocks = 3}};
    CHECK(run_without_calls(ddim{}, large, 128) == ended_quietly);
    disturb(large, 0.05, 1);
    check_every_kind(large, 128);
    check_every_kind(nn::packed_mlp<float>(large), 128);
    check_every_kind(nn::packed_mlp<bfloat16>(large), 128);
    for (const nn::unet_options& options : {small_unet_options(), larger_unet_options()}) {
        CAPTURE(options.height);
        nn::unet<float> unet(options);
        disturb(unet, 0.05, 1);
        check_every_kind(unet, 2);
        check_every_kind(nn::packed_unet<float>(unet), 2);
        check_every_kind(nn::packed_unet<bfloat16>(unet), 2);
    }
}

}  // namespace
}  // namespace ddpm::test

#endif
