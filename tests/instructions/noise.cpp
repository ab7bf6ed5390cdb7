// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/kernels/detail/dropout.hpp>
#include <ddpm/kernels/detail/embedded_step.hpp>
#include <ddpm/kernels/detail/langevin_norms.hpp>
#include <ddpm/kernels/detail/mersenne_twister.hpp>
#include <ddpm/kernels/detail/stage.hpp>
#include <ddpm/kernels/detail/torch_normal.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace ddpm::test {

namespace {

constexpr isize size = call_size;

/// The pieces of torch's generator.
void visit_torch_noise(const kernel_visitor& visit) {
    constexpr isize states = 32;
    std::vector<std::uint32_t> state(static_cast<std::size_t>(kernels::detail::twister_words)),
        words(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = 2654435761u * static_cast<std::uint32_t>(i + 1);
    }
    for (std::size_t i = 0; i < state.size(); ++i) {
        state[i] = words[i];
    }
    batch<float> out(call_rows, call_columns);
    visit({"twist", [&] {
               for (isize i = 0; i < states; ++i) {
                   kernels::detail::twist(state.data());
               }
           }});
    visit({"temper", [&] { kernels::detail::temper(size, words.data(), words.data()); }});
    visit({"words_to_units", [&] { kernels::detail::words_to_units(size, words.data(), out.data()); }});
    visit({"torch_normal", [&] {  // in place, so that it needs new uniforms
               kernels::detail::words_to_units(size, words.data(), out.data());
               kernels::detail::torch_normal(size / 16, 2 * std::numbers::pi, out.data());
           }});
}

/// What a sampler does between two evaluations of its network.
void visit_steps(const kernel_visitor& visit) {
    const batch<float> xt = normal_batch(call_rows, call_columns), p = normal_batch(call_rows, call_columns, 1),
                       eps = normal_batch(call_rows, call_columns, 2);
    batch<float> x0(call_rows, call_columns), out(call_rows, call_columns), x = xt;
    const kernels::normal_address address{.seed = 1};

    const kernels::denoise_coefficients<float> estimate{
        .x0_xt = 1.25f, .x0_value = -0.75f, .limit = 1, .eps_xt = 1.5f, .eps_value = -1.25f, .eps_from_x0 = true};
    visit({"denoise", [&] { kernels::denoise<float>(estimate, xt, p, x0, out); }});
    const kernels::reverse_coefficients<float> step{
        .estimate = estimate, .x0 = 0.5f, .xt = 0.25f, .eps = 0.25f, .sigma = 0.5f};
    visit({"reverse_step_of_given_noise",
           [&] { kernels::reverse_step<float>(step, xt, p, eps, batch_view<float>(x0), out); }});

    using kernels::detail::stage_source;
    const kernels::detail::stage_term<float> terms[]{{stage_source::column, 0.5f, x.data()},
                                                     {stage_source::x0, 0.25f},
                                                     {stage_source::eps, 0.25f},
                                                     {stage_source::normals, 0.5f}};
    const auto run_stage = [&](isize count) {
        const kernels::detail::stage_sum<float> sum{x.data(), terms, count, true};
        kernels::detail::run_stage<float>({.estimate = estimate,
                                           .xt = xt.data(),
                                           .p = p.data(),
                                           .kept_x0 = x0.data(),
                                           .kept_eps = out.data(),
                                           .sums = &sum,
                                           .count = 1},
                                          address, call_columns, 0, call_rows, 0);
    };
    visit({"stage", [&] { run_stage(3); }});
    visit({"stage_with_noise", [&] { run_stage(4); }});

    double error = 0;
    const kernels::detail::embedded_step<float> embedded{.from = 1.25f,
                                                         .value = -0.75f,
                                                         .low = {0.5f, 0.5f, 0},
                                                         .high = {0.5f, 0.25f, 0.25f},
                                                         .tolerance = {1e-3, 1e-2}};
    visit({"embedded_step", [&] {
               error += kernels::detail::take_embedded_step<float>(size, embedded, x.data(), eps.data(), xt.data(),
                                                                   p.data(), nullptr, out.data());
           }});

    kernels::detail::langevin_norms norms{};
    const kernels::detail::score_coefficients<float> score{-1.25f, 0.75f};
    visit({"langevin_norms",
           [&] { norms += kernels::detail::measure_langevin<float>(size, score, xt.data(), p.data(), eps.data()); }});
    visit({"langevin_norms_with_noise", [&] {
               norms += kernels::detail::draw_and_measure_langevin<float>(address, 0, size, score, xt.data(), p.data(),
                                                                          out.data());
           }});
}

}  // namespace

void visit_noise_kernels(const kernel_visitor& visit) {
    const batch<float> x = normal_batch(call_rows, call_columns), y = normal_batch(call_rows, call_columns, 1);
    batch<float> out(call_rows, call_columns);

    const philox_noise noise(1, noise_stream::sampler);
    visit({"philox_normal", [&] { noise.normal<float>(out, 1); }});
    visit({"dropout", [&] {
               kernels::detail::dropout<float>({.seed = 1}, std::uint32_t{1} << 30, 4.0f / 3, x,
                                               batch_view<float>(out));
           }});
    const noise_schedule schedule{linear_beta{}, 1000};
    visit({"q_sample", [&] { q_sample(schedule, x, 500, y, batch_view<float>(out)); }});
    visit({"q_sample_fresh", [&] { q_sample(schedule, x, 500, fresh_noise{noise}, batch_view<float>(out)); }});
    const auto half = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& to) {
        to.prediction.array() = 0.5f * xt.array();
    };
    const sampling_plan plan = make_plan(ancestral{}, schedule, make_timesteps(1000, 100));
    philox_noise sampler_noise(1, noise_stream::sampler);
    sampling_run<float, decltype(half), philox_noise> run(plan, half, sampler_noise, x);
    visit({"reverse_step", [&] { run.step(); }});
    visit_steps(visit);
    visit_torch_noise(visit);
}

}  // namespace ddpm::test
