// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/inpaint.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/repaint.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("what is known takes its place, at its level", "[sampler]") {
    const batch<double> x0 = pattern<double>(6, 3, 1), z = pattern<double>(6, 3, 2);
    batch<double> mask = batch<double>::Zero(6, 1);
    mask(1, 0) = 1;
    mask(4, 0) = 0.5;
    batch<double> x = pattern<double>(6, 3, 3);
    const batch<double> before = x;
    detail::impose<double>({x0, mask}, {0.6, 0.8}, z, x);
    CHECK((x.row(0) == before.row(0)).all());
    CHECK((x.row(1) - (0.6 * x0 + 0.8 * z).row(1)).abs().maxCoeff() < 1e-15);
    CHECK((x.row(4) - (before + 0.6 * x0 + 0.8 * z).row(4) / 2).abs().maxCoeff() < 1e-15);
    detail::impose<double>({x0, batch<double>::Ones(6, 3).eval()}, {1, 0}, {}, x);
    CHECK((x == x0).all());
}

namespace {

/// The exact network of two elements that are equal in the data, which are N(0, 1) themselves: with x = α x_0 + σ ε,
/// E[x_0|x] = α (x_a + x_b)/(2 α² + σ²) in both.
struct equal_pair {
    const noise_schedule<>& schedule;
    [[nodiscard]] prediction predicts() const { return prediction::x0; }
    void operator()(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) const {
        for (isize n = 0; n < xt.columns(); ++n) {
            const auto [alpha, sigma] = noise_level_at(schedule, static_cast<isize>(t[static_cast<std::size_t>(n)]));
            const double x0 = alpha * (xt(0, n) + xt(1, n)) / (2 * alpha * alpha + sigma * sigma);
            out.prediction.column(n)[0] = out.prediction.column(n)[1] = x0;
        }
    }
};

}  // namespace

TEST_CASE("the rest is filled in to fit, better with resampling", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 1000};
    const equal_pair network{schedule};
    const isize count = 2000;
    batch<double> known(2, count), mask(2, 1), start(2, count);
    philox_noise noise(3, noise_stream::sampler);
    noise.normal(batch_view<double>(start), 0);
    mask << 1, 0;
    const philox_noise data(9, noise_stream::training);
    data.normal(batch_view<double>(known), 0);
    const auto timesteps = make_timesteps(1000, 40);
    const auto misfit = [&](const auto& sampler) {
        const batch<double> x = inpaint<double>(make_plan(sampler, schedule, timesteps), network, {known, mask},
                                                batch<double>(start), noise);
        CHECK((x.row(0) == known.row(0)).all());  // known exactly at the end
        return std::sqrt((x.row(1) - known.row(0)).square().mean());
    };
    const double once = misfit(ancestral{}), resampled = misfit(repaint{.jump_length = 5, .jump_count = 5});
    INFO(once << " once, " << resampled << " resampled, " << misfit(ddim{}) << " by ddim");
    CHECK(resampled < once);
    CHECK(resampled < 0.15);
}

TEST_CASE("on a path the plan's noise is its increments, that of what is known is drawn apart", "[sampler]") {
    struct counted_path {
        std::vector<isize> drawn{};
        std::vector<double> from{}, to{};
        void normal(batch_view<double> out, isize step, isize first_sample) {
            drawn.push_back(step);
            philox_noise(3, noise_stream::sampler).normal(out, step, first_sample);
        }
        void normal_between(batch_view<double> out, double begin, double end, isize) {
            from.push_back(begin);
            to.push_back(end);
            out.array() = 0.25;
        }
    };
    const time_grid grid({{9, {0.6, 0.8}}, {5, {0.8, 0.6}}, {0, {0.9, 0.4}}});
    const predictor_archetype<double> predictor;
    const batch<double> x = pattern<double>(6, 3, 1), known = pattern<double>(6, 3, 2);
    batch<double> mask = batch<double>::Zero(6, 1);
    mask(1, 0) = 1;
    counted_path path;
    const batch<double> got = inpaint<double>(ancestral{}.plan(grid), predictor, {known, mask}, x, path, {}, {}, 7);
    REQUIRE(path.from.size() == 2);
    for (const std::size_t k : {0U, 1U}) {
        CHECK(path.from[k] == noise_ratio(grid[static_cast<isize>(k)].level));
        CHECK(path.to[k] == noise_ratio(grid[static_cast<isize>(k) + 1].level));
    }
    CHECK(path.drawn == std::vector<isize>{3, 4, 5});  // at each level, after the plan's draws
    batch<double> z(6, 3);
    philox_noise(3, noise_stream::sampler).normal(batch_view<double>(z), 5, 7);
    CHECK((got.row(1) - (0.9 * known + 0.4 * z).row(1)).abs().maxCoeff() < 1e-14);
}

TEST_CASE("inpaint: shapes that differ are errors", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {-1, {1, 0}}});
    const predictor_archetype<double> predictor;
    const batch<double> x = pattern<double>(6, 3, 1), narrow = pattern<double>(6, 2, 1);
    philox_noise noise(3, noise_stream::sampler);
    const auto run = [&](const batch<double>& known, const batch<double>& mask) {
        return inpaint<double>(ddim{}.plan(grid), predictor, {known, mask}, batch<double>(x), noise);
    };
    CHECK_THROWS_AS(run(narrow, x), shape_error);
    CHECK_THROWS_AS(run(x, narrow), shape_error);
    CHECK_NOTHROW(run(x, batch<double>::Ones(6, 3)));
}

TEMPLATE_TEST_CASE("what is not known does not matter", "[sampler]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<S> predictor;
    philox_noise noise(3, noise_stream::sampler);
    batch<S> mask = batch<S>::Zero(6, 1);
    mask(1, 0) = mask(4, 0) = 1;
    batch<S> known = pattern<S>(6, 3, 1);
    const auto fill = [&](const auto& sampler) {
        return inpaint<S>(make_plan(sampler, schedule, std::vector<isize>{19, 12, 5}), predictor, {known, mask},
                          pattern<S>(6, 3, 2), noise);
    };
    const batch<S> expected = fill(ancestral{}), by_repaint = fill(repaint{.jump_length = 1, .jump_count = 2});
    for (const isize i : {0, 2, 3, 5}) {
        known.row(i).setConstant(i == 2 ? std::numeric_limits<S>::infinity() : std::numeric_limits<S>::quiet_NaN());
    }
    CHECK((fill(ancestral{}) == expected).all());
    CHECK((fill(repaint{.jump_length = 1, .jump_count = 2}) == by_repaint).all());
    CHECK(expected.allFinite());
    // Nor does it matter what stands in the place of what is known.
    batch<S> x = batch<S>::Constant(6, 3, std::numeric_limits<S>::quiet_NaN());
    detail::impose<S>({known, mask}, {1, 0}, {}, x);
    CHECK((x.row(1) == known.row(1)).all());
    CHECK(x.row(0).isNaN().all());
}

TEST_CASE("a mask is a share", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {-1, {1, 0}}});
    const predictor_archetype<double> predictor;
    const batch<double> x = pattern<double>(6, 3, 1);
    philox_noise noise(3, noise_stream::sampler);
    const isize element = GENERATE(0, 4, 5), sample = GENERATE(0, 2);
    const auto with = [&](double share) {
        batch<double> mask = batch<double>::Ones(6, 3);
        mask(element, sample) = share;
        return inpaint<double>(ddim{}.plan(grid), predictor, {x, mask}, x, noise);
    };
    CHECK_NOTHROW(with(0.25));
    for (const double wrong : {2.0, -0.1, 1.0000001, std::nan(""), std::numeric_limits<double>::infinity()}) {
        CHECK_THROWS_AS(with(wrong), value_error);
    }
}

TEST_CASE("a stopped inpainting holds what is known", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {5, {0.8, 0.6}}, {0, {0.9, 0.4}}});
    const predictor_archetype<double> predictor;
    const batch<double> x = pattern<double>(6, 3, 1), known = pattern<double>(6, 3, 2);
    batch<double> mask = batch<double>::Zero(6, 1);
    mask(1, 0) = 1;
    philox_noise noise(3, noise_stream::sampler);
    isize calls = 0;
    const batch<double> got = inpaint<double>(ddim{}.plan(grid), predictor, {known, mask}, x, noise, {},
                                              [&](const sample_step<double>&) { return ++calls < 2; });
    CHECK(calls == 2);
    CHECK((got.row(1) == known.row(1)).all());
}

}  // namespace ddpm::test
