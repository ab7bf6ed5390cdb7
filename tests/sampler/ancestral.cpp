// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/ancestral.hpp>

#include <ddpm/process/posterior.hpp>
#include <ddpm/sampler/sample.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace ddpm::test {

static_assert(Sampler<ancestral>);
static_assert(!Sampler<int>);

TEMPLATE_TEST_CASE("a step is the posterior's mean plus noise of the chosen variance", "[sampler]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(4, 3, 1), z = pattern<S>(4, 3, 3);
    const batch<S> xt = pattern<S>(4, 3, 4);
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<isize> timesteps = some_timesteps(schedule.steps());
        std::reverse(timesteps.begin(), timesteps.end());
        const isize last = static_cast<isize>(timesteps.size()) - 1;
        for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
            const sampling_plan chain = ancestral{.variance = kind}.plan(schedule, timesteps);
            const sampling_plan levels = ancestral{.variance = kind}.plan(make_grid(schedule, timesteps));
            REQUIRE(chain.steps() == last + 1);
            for (isize k = 0; k <= last; ++k) {
                const isize t = timesteps[static_cast<std::size_t>(k)];
                const isize s = k == last ? clean : timesteps[static_cast<std::size_t>(k + 1)];
                const double deviation = k == last ? 0 : std::sqrt(reverse_variance_at(schedule, kind, t, s));
                const batch<S> expected = q_posterior(schedule, x0, xt, t, s).mean + static_cast<S>(deviation) * z;
                INFO(name << ", step " << k);
                for (const sampling_plan* const plan : {&chain, &levels}) {
                    const stage& now = plan->stages()[static_cast<std::size_t>(k)];
                    CHECK(now.t == static_cast<double>(t));
                    batch<S> x = batch<S>::Zero(4, 3);
                    for (const term& part : now.then.at(0).terms) {
                        const batch<S>& value = part.of == quantity::x0 ? x0 : part.of == quantity::x ? xt : z;
                        x += static_cast<S>(part.factor) * value;
                    }
                    // Levels know β only as a difference of numbers near 1.
                    const double tolerance = plan == &chain ? ulps<S>(8) : std::max(ulps<S>(8), 1e-10);
                    CHECK(static_cast<double>((x - expected).abs().maxCoeff()) < tolerance);
                }
            }
            CHECK(chain.draws().size() == static_cast<std::size_t>(last));
        }
    }
}

namespace {

/// Predicts x_0 = 0 with the head h(t, i) = t/40 − 0.2 + i/10.
struct headed {
    [[nodiscard]] prediction predicts() const { return prediction::x0; }
    template <Scalar S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        out.prediction.array().setZero();
        for (isize n = 0; n < xt.columns(); ++n) {
            for (isize i = 0; i < xt.rows(); ++i) {
                out.variance.column(n)[i] = static_cast<S>(head(t[0], i));
            }
        }
    }
    static double head(double t, isize i) { return t / 40 - 0.2 + static_cast<double>(i) / 10; }
};

}  // namespace

TEMPLATE_TEST_CASE("the network's head gives the variance", "[sampler]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{19, 10, 3};
    philox_noise noise(1, noise_stream::sampler);
    const headed network;
    for (const auto kind : {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
        const sampling_plan plan = make_plan(ancestral{.variance = kind}, schedule, timesteps);
        const sampling_plan levels = ancestral{.variance = kind}.plan(make_grid(schedule, timesteps));
        for (const sampling_plan* const each : {&plan, &levels}) {
            sampling_run<S, const headed, philox_noise> run(*each, network, noise, pattern<S>(4, 3, 1));
            for (isize k = 0; k < 3; ++k) {
                const isize t = timesteps[static_cast<std::size_t>(k)];
                const isize s = k == 2 ? clean : timesteps[static_cast<std::size_t>(k) + 1];
                const double xt = posterior_at(schedule, s, t).xt;
                const batch<S> before = run.x().array();
                batch<S> z(4, 3);
                noise.normal(batch_view<S>(z), k + 1, 0);
                run.step();
                for (isize i = 0; i < 4; ++i) {
                    const double h = headed::head(static_cast<double>(t), i);
                    const double variance = std::exp(head_variance_at(schedule, kind, t, s).log_variance(h));
                    const double deviation = k == 2 ? 0 : std::sqrt(variance);
                    const double expected =
                        xt * static_cast<double>(before(i, 1)) + deviation * static_cast<double>(z(i, 1));
                    CHECK(std::abs(static_cast<double>(run.x().column(1)[i]) - expected) <
                          ulps<S>(8) * (1 + std::abs(expected)));
                }
            }
        }
    }
}

TEST_CASE("a plan that uses the variance head of a predictor without one is an error", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<double> bare;
    for (const auto kind : {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
        CHECK_THROWS_AS(sample<double>(ancestral{.variance = kind}, schedule, bare, {.shape = 2}), value_error);
    }
    // That a prediction is not a number has another cause.
    const auto diverged = [](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = std::nan("");
    };
    CHECK(sample<double>(ancestral{.variance = reverse_variance::learned}, schedule, diverged, {.shape = 2})
              .isNaN()
              .all());
}

TEST_CASE("a variance head that a later step does not write, or not wholly, is an error", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    for (const isize written : {0, 1, 2}) {
        isize calls = 0;
        const auto predictor = [&](batch_view<const double> xt, std::span<const double>,
                                   const model_output<double>& out) {
            out.prediction.array() = 0.1 * xt.array();
            out.variance.array().topRows(calls++ == 0 ? 2 : written) = -1;
        };
        const auto run = [&] {
            return sample<double>(ancestral{.variance = reverse_variance::learned}, schedule, predictor, {.shape = 2});
        };
        INFO(written << " of 2 elements");
        if (written == 2) {
            CHECK(run().isFinite().all());
            CHECK(calls == 20);
        } else {
            CHECK_THROWS_AS(run(), value_error);
            CHECK(calls == 2);
        }
    }
}

TEST_CASE("ancestral: rising noise is an error, equal noise a step without noise", "[sampler]") {
    const time_grid falling({{7, {0.6, 0.8}}, {3, {0.8, 0.6}}, {-1, {1, 0}}});
    for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large, reverse_variance::learned}) {
        CHECK_NOTHROW(ancestral{.variance = kind}.plan(falling));
        CHECK_THROWS_AS(ancestral{.variance = kind}.plan(falling.reversed()), value_error);
    }
    // The variance between levels of one σ/α, as floating point has it, is a little more or less than 0.
    for (isize i = 1; i < 200; ++i) {
        const double from = 1 / static_cast<double>(i), to = 1 / static_cast<double>(i + 1);
        const time_grid equal({{1, {from, 4 * from}}, {0, {to, 4 * to}}});
        for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
            const sampling_plan plan = ancestral{.variance = kind}.plan(equal);
            for (const term& part : plan.stages()[0].then.at(0).terms) {
                CHECK(std::isfinite(part.factor));
            }
        }
    }
}

TEST_CASE("ancestral: a list that is not falling is an error", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 10};
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<isize>{1, 2}), value_error);
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<isize>{10}), value_error);
    CHECK_THROWS_AS(ancestral{}.plan(schedule, std::vector<isize>{}), value_error);
}

}  // namespace ddpm::test
