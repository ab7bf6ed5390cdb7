// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What a step of each sampler costs beside the network, in the middle of a run, on a batch that no cache holds, against
// plain passes over the same memory.
#include <ddpm/bench/add.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ddpm::isize;
using ddpm::quantity;

constexpr isize dimension = 3 * 32 * 32;
constexpr isize count = 4096;
constexpr double elements = dimension * count;

/// A sampler, and how many of its steps repeat.
struct stepped {
    ddpm::named_sampler sampler;
    isize steps;
};

isize period_of(std::string_view name) {
    return name == "dpm_solver_3s" || name == "dpmpp_3s" ? 3 : name == "dpm_solver_2s" || name == "dpmpp_2s" ? 2 : 1;
}

ddpm::sampling_plan plan_of(const stepped& what, isize steps) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 4000};
    return ddpm::make_plan(what.sampler.sampler, schedule, ddpm::make_timesteps(4000, steps));
}

/// What the steps that repeat do beside the network, in the middle of the run.
struct step_cost {
    std::vector<ddpm::bench::memory_streams> passes;
    isize draws = 0;
};

/// The arrays that a stage passes over: the prediction, old estimates and x are read, x and what later stages need are
/// written.
ddpm::bench::memory_streams pass_of(const ddpm::sampling_plan& plan, std::size_t at) {
    const auto is_estimate = [](const ddpm::term& t) { return t.of == quantity::x0 || t.of == quantity::eps; };
    std::set<std::pair<quantity, isize>> old;
    std::set<quantity> kept;
    bool reads_base = false, writes_base = false;
    for (const ddpm::assignment& a : plan.stages()[at].then) {
        for (const ddpm::term& t : a.terms) {
            reads_base = reads_base || (t.of == quantity::base && !writes_base);
            if (is_estimate(t) && t.number != static_cast<isize>(at)) {
                old.emplace(t.of, t.number);
            }
        }
        writes_base = writes_base || a.target == quantity::base;
    }
    for (std::size_t later = at + 1; later < plan.stages().size(); ++later) {
        for (const ddpm::assignment& a : plan.stages()[later].then) {
            for (const ddpm::term& t : a.terms) {
                if (is_estimate(t) && t.number == static_cast<isize>(at)) {
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

isize draws_of(const ddpm::stage& at) {
    isize draws = 0;
    for (const ddpm::assignment& a : at.then) {
        draws += std::count_if(a.terms.begin(), a.terms.end(),
                               [](const ddpm::term& t) { return t.of == quantity::noise && t.factor != 0; });
    }
    return draws;
}

step_cost cost_of(const stepped& what) {
    const ddpm::sampling_plan plan = plan_of(what, 48);  // a few, since this is done before any case is chosen
    step_cost cost;
    const isize first = plan.steps() / 2 / what.steps * what.steps;
    for (std::size_t i = 0; i < plan.stages().size(); ++i) {
        if (const ddpm::stage& at = plan.stages()[i]; at.step >= first && at.step < first + what.steps) {
            cost.passes.push_back(pass_of(plan, i));
            cost.draws += draws_of(at);
        }
    }
    return cost;
}

/// Makes as many normals as the draws of a step, and keeps none.
auto normals_alone(isize draws) {
    return [draws] {
        return [draws] {
            ddpm::parallel_for(draws * count, 16, [](isize first, isize last) {
                float normals[dimension];
                for (isize n = first; n < last; ++n) {
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

ddpm::batch<float> start() {
    ddpm::batch<float> x(dimension, count);
    ddpm::philox_noise(1, ddpm::noise_stream::sampler).normal<float>(x, 0);
    return x;
}

/// A run that begins again when it is done, and has all its memory and its full order from the beginning.
class endless_run {
public:
    explicit endless_run(const stepped& what) : steps_(what.steps), plan_(plan_of(what, 4000)) {
        for (int i = 0; i < 8; ++i) {
            step();
        }
    }

    void step() {
        for (isize i = 0; i < steps_; ++i) {
            if (!run_ || run_->done()) {
                run_.emplace(plan_, network_, noise_, start(), ddpm::denoise_options{.clip_x0 = 1.0});
            }
            run_->step();
        }
    }

private:
    isize steps_;
    ddpm::sampling_plan plan_;
    no_network network_;
    ddpm::philox_noise noise_{1, ddpm::noise_stream::sampler};
    std::optional<ddpm::sampling_run<float, no_network, ddpm::philox_noise>> run_;
};

/// Where λ = ln(α/σ) is so much, with the signal kept, and with the variance kept.
ddpm::grid_point variance_exploding(double lambda) { return {lambda, {1, std::exp(-lambda)}}; }

ddpm::grid_point variance_preserving(double lambda) {
    return {lambda, ddpm::variance_preserving_level(std::exp(-lambda))};
}

/// The same step over and over: neither this sampler nor the next has a plan.
class endless_correction {
public:
    explicit endless_correction(isize corrections) : options_{.corrections = corrections} { step(); }

    void step() { run_.step(variance_exploding(-1), variance_exploding(-0.9)); }

private:
    ddpm::predictor_corrector options_;
    no_network network_;
    ddpm::philox_noise noise_{1, ddpm::noise_stream::sampler};
    ddpm::detail::predictor_corrector_run<float, no_network, ddpm::philox_noise> run_{
        options_, network_, ddpm::prediction::score, noise_, start(), 0};
};

/// Tolerances that no step misses, and steps of one length.
class endless_adaption {
public:
    explicit endless_adaption(isize order)
        : solver_{.order = order,
                  .relative_tolerance = 1e9,
                  .absolute_tolerance = 1e9,
                  .first_step = 1e-4,
                  .control = {.integral = 0},
                  .most_steps = 1000000000} {
        step();
    }

    void step() {
        if (!run_ || run_->done()) {
            run_.emplace(ddpm::detail::adaptive_run_of<float>(solver_, point_at_, -1, 1, network_,
                                                              ddpm::prediction::epsilon, start()));
        }
        run_->step();
    }

private:
    ddpm::adaptive_dpm_solver solver_;
    no_network network_;
    std::function<ddpm::grid_point(double)> point_at_ = variance_preserving;
    std::optional<ddpm::detail::adaptive_run<float, no_network>> run_;
};

const ddpm::bench::group sampler_step_benchmarks{[] {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    for (const ddpm::named_sampler& sampler : ddpm::named_samplers()) {
        const stepped what{sampler, period_of(sampler.name)};
        const step_cost cost = cost_of(what);
        auto& added = ddpm::bench::add(
            "sampler", "step_" + std::string(sampler.name), size, {.items = elements, .passes = cost.passes},
            [what] { return [data = std::make_shared<endless_run>(what)] { data->step(); }; });
        if (cost.draws > 0) {
            added.peer("normals", normals_alone(cost.draws));
        }
    }
    for (const isize corrections : {0, 1}) {
        const auto evaluations = static_cast<std::size_t>(corrections + 1);
        ddpm::bench::add(
            "sampler", "step_predictor_corrector_" + std::to_string(corrections), size,
            {.items = elements,
             .passes =
                 std::vector<ddpm::bench::memory_streams>(evaluations, {.floats = elements, .read = 1, .updated = 1})},
            [corrections] { return [data = std::make_shared<endless_correction>(corrections)] { data->step(); }; })
            .peer("normals", normals_alone(corrections + 1));
    }
    const auto add_adaptive = [&](isize order, const std::vector<ddpm::bench::memory_streams>& passes) {
        ddpm::bench::add("sampler", "step_adaptive_" + std::to_string(order), size,
                         {.items = elements, .passes = passes},
                         [order] { return [data = std::make_shared<endless_adaption>(order)] { data->step(); }; });
    };
    const ddpm::bench::memory_streams first{.floats = elements, .read = 2, .written = 2};
    add_adaptive(2, {first, {.floats = elements, .read = 3, .updated = 1}});
    add_adaptive(3, {first,
                     {.floats = elements, .read = 3, .written = 1, .updated = 1},
                     {.floats = elements, .read = 4, .updated = 1}});
}};

}  // namespace
