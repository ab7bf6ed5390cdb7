// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <span>

namespace ddpm::test {

void visit_noise_kernels(const kernel_visitor& visit) {
    const batch<float> x = normal_batch(call_rows, call_columns), y = normal_batch(call_rows, call_columns, 1);
    batch<float> out(call_rows, call_columns);

    const philox_noise noise(1, noise_stream::sampler);
    visit({"philox_normal", [&] { noise.normal<float>(out, 1); }});
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
}

}  // namespace ddpm::test
