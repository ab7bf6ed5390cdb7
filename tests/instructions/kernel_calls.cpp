// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Calls a kernel: kernel_calls NAME COUNT. Without arguments it prints the names. What valgrind counts for several calls less
// what it counts for one is the kernel's own.
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>

namespace {

using namespace ddpm;

constexpr isize rows = 1024, columns = 16, size = rows * columns;

struct kernel {
    const char* name;
    std::function<void()> call;
};

}  // namespace

int main(int count, char** arguments) {
    set_thread_count(1);
    const philox_noise noise(1, noise_stream::sampler);
    const auto normals = [&](isize d, isize n) {
        batch<float> out(d, n);
        noise.normal<float>(out, 0);
        return out;
    };
    const batch<float> x = normals(rows, columns), y = normals(rows, columns), a = normals(128, 128),
                       b = normals(128, 128);
    batch<float> out(rows, columns), c(128, 128), p = x, m = x, v = x.square();
    const noise_schedule schedule{linear_beta{}, 1000};
    const auto half = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& to) {
        to.prediction.array() = 0.5f * xt.array();
    };
    const sampling_plan plan = make_plan(ancestral{}, schedule, make_timesteps(1000, 100));
    philox_noise sampler_noise(1, noise_stream::sampler);
    sampling_run<float, decltype(half), philox_noise> run(plan, half, sampler_noise, x);

    const kernel kernels[]{
        {"exp", [&] { kernels::exp(size, x.data(), out.data()); }},
        {"silu", [&] { kernels::activate<kernels::activation::silu>(size, x.data(), out.data()); }},
        {"softmax", [&] { kernels::detail::softmax<float>(size, 0.1f, x.data(), out.data()); }},
        {"linear_combination",
         [&] {
             kernels::linear_combination(size, {0.5f, 0.25f}, {x.data(), y.data()}, out.data());
         }},
        {"matrix_product",
         [&] {
             kernels::matrix_product<float>(kernels::matrix_of(batch_view<const float>(a)),
                                            kernels::matrix_of(batch_view<const float>(b)), c);
         }},
        {"philox_normal", [&] { noise.normal<float>(out, 1); }},
        {"q_sample", [&] { q_sample(schedule, x, 500, y, batch_view<float>(out)); }},
        {"q_sample_fresh", [&] { q_sample(schedule, x, 500, fresh_noise{noise}, batch_view<float>(out)); }},
        {"reverse_step", [&] { run.step(); }},
        {"adam", [&] { kernels::detail::adam(size, p.data(), x.data(), m.data(), v.data(), {}); }},
    };
    if (count < 3) {
        for (const kernel& one : kernels) {
            std::puts(one.name);
        }
        return 0;
    }
    for (const kernel& one : kernels) {
        if (std::string_view(one.name) == arguments[1]) {
            for (int i = 0; i < std::atoi(arguments[2]); ++i) {
                one.call();
            }
            return 0;
        }
    }
    std::fprintf(stderr, "no kernel of that name\n");
    return 2;
}
