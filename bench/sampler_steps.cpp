// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What a step of each sampler costs beside the network, in the middle of a run, on a batch that no cache holds, against plain
// passes over the same memory.
#include <ddpm/bench/add.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ddpm::index;
using ddpm::quantity;

constexpr index dimension = 3 * 32 * 32;
constexpr index count = 4096;
constexpr double elements = dimension * count;

/// A sampler, and how many of its steps repeat.
struct stepped {
    ddpm::named_sampler sampler;
    index steps;
};

index period_of(std::string_view name) {
    return name == "dpm_solver_3s" || name == "dpmpp_3s" ? 3 : name == "dpm_solver_2s" || name == "dpmpp_2s" ? 2 : 1;
}

ddpm::sampling_plan plan_of(const stepped& what) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 4000};
    return ddpm::make_plan(what.sampler.sampler, schedule, ddpm::make_timesteps(4000, 4000));
}

/// What the steps that repeat do beside the network, in the middle of the run.
struct step_cost {
    std::vector<ddpm::bench::memory_streams> passes;
    index draws = 0;
};

/// The arrays that a stage passes over: the prediction, old estimates and x are read, x and what later stages need are
/// written.
ddpm::bench::memory_streams pass_of(const ddpm::sampling_plan& plan, std::size_t at) {
    const auto is_estimate = [](const ddpm::term& t) { return t.of == quantity::x0 || t.of == quantity::eps; };
    std::set<std::pair<quantity, index>> old;
    std::set<quantity> kept;
    bool reads_base = false, writes_base = false;
    for (const ddpm::assignment& a : plan.stages()[at].then) {
        for (const ddpm::term& t : a.terms) {
            reads_base = reads_base || (t.of == quantity::base && !writes_base);
            if (is_estimate(t) && t.number != static_cast<index>(at)) {
                old.emplace(t.of, t.number);
            }
        }
        writes_base = writes_base || a.target == quantity::base;
    }
    for (std::size_t later = at + 1; later < plan.stages().size(); ++later) {
        for (const ddpm::assignment& a : plan.stages()[later].then) {
            for (const ddpm::term& t : a.terms) {
                if (is_estimate(t) && t.number == static_cast<index>(at)) {
                    kept.insert(t.of);
                }
            }
        }
    }
    return {.floats = elements,
            .read = 1 + static_cast<int>(old.size()) + (reads_base && !writes_base ? 1 : 0),
            .written = static_cast<int>(kept.size()) + (writes_base && !reads_base ? 1 : 0),
            .updated = 1 + (reads_base && writes_base ? 1 : 0)};
}

index draws_of(const ddpm::stage& at) {
    index draws = 0;
    for (const ddpm::assignment& a : at.then) {
        draws += std::count_if(a.terms.begin(), a.terms.end(),
                               [](const ddpm::term& t) { return t.of == quantity::noise && t.factor != 0; });
    }
    return draws;
}

step_cost cost_of(const stepped& what) {
    const ddpm::sampling_plan plan = plan_of(what);
    step_cost cost;
    const index first = plan.steps() / 2 / what.steps * what.steps;
    for (std::size_t i = 0; i < plan.stages().size(); ++i) {
        if (const ddpm::stage& at = plan.stages()[i]; at.step >= first && at.step < first + what.steps) {
            cost.passes.push_back(pass_of(plan, i));
            cost.draws += draws_of(at);
        }
    }
    return cost;
}

/// Makes as many normals as the draws of a step, and keeps none.
auto normals_alone(index draws) {
    return [draws] {
        return [draws] {
            ddpm::parallel_for(draws * count, 16, [](index first, index last) {
                float normals[dimension];
                for (index n = first; n < last; ++n) {
                    ddpm::kernels::philox_normal({.sample = static_cast<std::uint32_t>(n)}, 1, 0, dimension, normals);
                    benchmark::DoNotOptimize(normals);
                }
            });
        };
    };
}

/// A network that costs nothing: its output is what was there, written once, so that it has memory of its own.
struct no_network {
    const float* written = nullptr;

    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>& out) {
        if (out.prediction.data() != written) {
            out.prediction.array().setConstant(0.5F);
            written = out.prediction.data();
        }
    }
};

/// A run that begins again when it is done, and has all its memory and its full order from the beginning.
class endless_run {
public:
    explicit endless_run(const stepped& what) : steps_(what.steps), plan_(plan_of(what)) {
        for (int i = 0; i < 8; ++i) {
            step();
        }
    }

    void step() {
        for (index i = 0; i < steps_; ++i) {
            if (!run_ || run_->done()) {
                ddpm::batch<float> x(dimension, count);
                noise_.normal<float>(x, 0);
                run_.emplace(plan_, network_, noise_, std::move(x), ddpm::denoise_options{.clip_x0 = 1.0});
            }
            run_->step();
        }
    }

private:
    index steps_;
    ddpm::sampling_plan plan_;
    no_network network_;
    ddpm::philox_noise noise_{1, ddpm::noise_stream::sampler};
    std::optional<ddpm::sampling_run<float, no_network, ddpm::philox_noise>> run_;
};

const ddpm::bench::group sampler_step_benchmarks{[] {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    for (const ddpm::named_sampler& sampler : ddpm::named_samplers()) {
        const stepped what{sampler, period_of(sampler.name)};
        const step_cost cost = cost_of(what);
        auto& added = ddpm::bench::add("sampler", "step_" + std::string(sampler.name), size,
                                       {.items = elements, .passes = cost.passes}, [what] {
                                           return [data = std::make_shared<endless_run>(what)] { data->step(); };
                                       });
        if (cost.draws > 0) {
            added.peer("normals", normals_alone(cost.draws));
        }
    }
}};

}  // namespace
