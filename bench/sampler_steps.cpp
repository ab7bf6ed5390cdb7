// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What a step of each sampler costs beside the network, in the middle of a run, on a batch that no cache holds, against plain
// passes over the same memory.
#include <ddpm/bench/add.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace {

using ddpm::index;
using ddpm::quantity;

constexpr index dimension = 3 * 32 * 32;
constexpr index count = 4096;
constexpr double elements = dimension * count;

/// A sampler, and how many of its steps repeat.
struct stepped {
    std::string_view name;
    index steps = 1;
};

ddpm::sampling_plan plan_of(const stepped& sampler) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 4000};
    return ddpm::make_plan(ddpm::sampler_by_name(sampler.name), schedule, ddpm::make_timesteps(4000, 4000));
}

/// The arrays that a stage passes over: the prediction, old estimates and x are read, x and what later stages need are
/// written.
void add_traffic(const ddpm::sampling_plan& plan, index at, ddpm::bench::memory_streams& streams) {
    std::set<std::pair<quantity, index>> old;
    bool reads_base = false, writes_base = false;
    for (const ddpm::assignment& a : plan.stages()[static_cast<std::size_t>(at)].then) {
        for (const ddpm::term& t : a.terms) {
            reads_base = reads_base || (t.of == quantity::base && !writes_base);
            if ((t.of == quantity::x0 || t.of == quantity::eps) && t.number != at) {
                old.emplace(t.of, t.number);
            }
        }
        writes_base = writes_base || a.target == quantity::base;
    }
    std::set<quantity> kept;
    for (std::size_t later = static_cast<std::size_t>(at) + 1; later < plan.stages().size(); ++later) {
        for (const ddpm::assignment& a : plan.stages()[later].then) {
            for (const ddpm::term& t : a.terms) {
                if ((t.of == quantity::x0 || t.of == quantity::eps) && t.number == at) {
                    kept.insert(t.of);
                }
            }
        }
    }
    streams.read += 1 + static_cast<int>(old.size()) + (reads_base && !writes_base ? 1 : 0);
    streams.written += static_cast<int>(kept.size()) + (writes_base && !reads_base ? 1 : 0);
    streams.updated += 1 + (reads_base && writes_base ? 1 : 0);
}

/// The work of the steps that repeat, in the middle of the run.
ddpm::bench::work traffic_of(const stepped& sampler) {
    const ddpm::sampling_plan plan = plan_of(sampler);
    ddpm::bench::work w{.items = elements, .streams = {.floats = elements}};
    const index first = plan.steps() / 2 / sampler.steps * sampler.steps;
    for (std::size_t i = 0; i < plan.stages().size(); ++i) {
        if (const index step = plan.stages()[i].step; step >= first && step < first + sampler.steps) {
            add_traffic(plan, static_cast<index>(i), w.streams);
        }
    }
    return w;
}

/// A network that costs nothing: its output is what was there.
struct no_network {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>&) const {}
};

/// A run that begins again when it is done, and has all its memory and its full order from the beginning.
class endless_run {
public:
    explicit endless_run(const stepped& sampler) : sampler_(sampler), plan_(plan_of(sampler)) {
        for (int i = 0; i < 8; ++i) {
            step();
        }
    }

    void step() {
        for (index i = 0; i < sampler_.steps; ++i) {
            if (!run_ || run_->done()) {
                ddpm::batch<float> x(dimension, count);
                noise_.normal<float>(x, 0);
                run_.emplace(plan_, network_, noise_, std::move(x), ddpm::denoise_options{.clip_x0 = 1.0});
            }
            run_->step();
        }
    }

private:
    stepped sampler_;
    ddpm::sampling_plan plan_;
    no_network network_;
    ddpm::philox_noise noise_{1, ddpm::noise_stream::sampler};
    std::optional<ddpm::sampling_run<float, no_network, ddpm::philox_noise>> run_;
};

const ddpm::bench::group sampler_step_benchmarks{[] {
    const stepped samplers[] = {{"ddim"},     {"euler"},       {"heun"},    {"lms"},    {"plms"},      {"dpmpp_2m"},
                                {"dpmpp_3m"}, {"dpmpp_2s", 2}, {"unipc_3"}, {"deis_3"}, {"ancestral"}, {"dpmpp_2m_sde"}};
    for (const stepped& sampler : samplers) {
        const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
        ddpm::bench::add("sampler", "step_" + std::string(sampler.name), size, traffic_of(sampler), [sampler] {
            return [data = std::make_shared<endless_run>(sampler)] { data->step(); };
        });
    }
}};

}  // namespace
