// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What a step of each sampler costs beside the network: one evaluation's part in the middle of a run, on a batch that no
// cache holds, against plain passes over the same memory.
#include <ddpm/bench/add.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/detail/registers.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace {

using ddpm::index;
using ddpm::quantity;

constexpr index dimension = 3 * 32 * 32;
constexpr index count = 4096;
constexpr double elements = dimension * count;

ddpm::sampling_plan plan_of(std::string_view name) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    return ddpm::make_plan(ddpm::sampler_by_name(name), schedule, ddpm::make_timesteps(1000, 20));
}

/// The arrays that a stage passes over: the prediction and old estimates are read, what later stages need is written.
ddpm::bench::work traffic_of(const ddpm::sampling_plan& plan, index at) {
    const ddpm::detail::plan_storage storage(plan, false);
    std::set<index> old_slots;
    bool reads_base = false, writes_base = false;
    for (const ddpm::assignment& a : plan.stages()[static_cast<std::size_t>(at)].then) {
        for (const ddpm::term& t : a.terms) {
            reads_base = reads_base || (t.of == quantity::base && !writes_base);
            if ((t.of == quantity::x0 || t.of == quantity::eps) && t.number != at) {
                old_slots.insert(storage.slot_of(t.of, t.number));
            }
        }
        writes_base = writes_base || a.target == quantity::base;
    }
    const int kept = (storage.slot_of(quantity::x0, at) != ddpm::detail::no_slot ? 1 : 0) +
                     (storage.slot_of(quantity::eps, at) != ddpm::detail::no_slot ? 1 : 0);
    return {.items = elements,
            .streams = {.floats = elements,
                        .read = 1 + static_cast<int>(old_slots.size()) + (reads_base && !writes_base ? 1 : 0),
                        .written = kept + (writes_base && !reads_base ? 1 : 0),
                        .updated = 1 + (reads_base && writes_base ? 1 : 0)}};
}

/// A run in the middle of its way.
struct run {
    explicit run(std::string_view name)
        : plan(plan_of(name)),
          at(static_cast<index>(plan.stages().size()) / 2),
          registers(plan, noise, ddpm::batch<float>::Zero(dimension, count), false, 0, 0) {
        noise.normal<float>(registers.x(), 0);
        noise.normal<float>(registers.output().prediction, 1);
    }

    void step() {
        const ddpm::stage& now = plan.stages()[static_cast<std::size_t>(at)];
        registers.take_prediction(
            ddpm::denoise_coefficients_of<float>(ddpm::prediction::epsilon, now.level, {.clip_x0 = 1.0}), std::nullopt);
        registers.assign(now.then, at);
    }

    ddpm::philox_noise noise{1, ddpm::noise_stream::sampler};
    ddpm::sampling_plan plan;
    index at;
    ddpm::detail::run_registers<float, ddpm::philox_noise> registers;
};

const ddpm::bench::group sampler_step_benchmarks{[] {
    for (const std::string_view name : {"ddim", "euler", "heun", "lms", "plms", "dpmpp_2m", "dpmpp_3m", "dpmpp_2s", "unipc_3",
                                        "deis_3", "ancestral", "dpmpp_2m_sde"}) {
        const ddpm::sampling_plan plan = plan_of(name);
        const auto work = traffic_of(plan, static_cast<index>(plan.stages().size()) / 2);
        const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
        ddpm::bench::add("sampler", "step_" + std::string(name), size, work,
                         [name] { return [data = std::make_shared<run>(name)] { data->step(); }; });
    }
}};

}  // namespace
