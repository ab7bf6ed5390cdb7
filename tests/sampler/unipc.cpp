// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/unipc.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_grid.hpp"
#include "support/golden_loop.hpp"
#include "support/plan_moments.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

using enum unipc_variant;

// Whether two plans make the same assignments to x, of the same terms up to rounding.
bool same_steps(const sampling_plan& a, const sampling_plan& b) {
    for (std::size_t k = 0; k < a.stages().size(); ++k) {
        const auto &left = a.stages()[k].then.back().terms, &right = b.stages()[k].then.back().terms;
        if (a.stages()[k].then.size() != 1 || left.size() != right.size()) {
            return false;
        }
        for (std::size_t j = 0; j < left.size(); ++j) {
            if (left[j].of != right[j].of || left[j].number != right[j].number ||
                std::abs(left[j].factor - right[j].factor) > 1e-13 * (1 + std::abs(right[j].factor))) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

TEST_CASE("UniPC without corrector is DPM-Solver, multistep", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (const bool x0 : {true, false}) {
            const auto algorithm = x0 ? dpm_algorithm::dpmsolver_pp : dpm_algorithm::dpmsolver;
            for (isize order = 1; order <= 3; ++order) {
                const auto uni = unipc{.order = order, .predict_x0 = x0, .corrector = false}.plan(grid);
                const auto dpm =
                    dpm_multistep{.order = order, .algorithm = algorithm, .corrected_third = true}.plan(grid);
                CHECK(same_steps(uni, dpm));
                CHECK(same_steps(uni, dpm_multistep{.order = order, .algorithm = algorithm}.plan(grid)) ==
                      (order < 3 || grid.steps() < 5));
            }
            CHECK(is_ddim(unipc{.order = 1, .predict_x0 = x0, .corrector = false}.plan(grid)));
        }
    }
}

TEST_CASE("UniPC carries constants exactly", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (isize order = 1; order <= 5; ++order) {
            for (const bool x0 : {true, false}) {
                for (const bool lower : {true, false}) {
                    const unipc sampler{
                        .order = order, .variant = lower ? bh2 : bh1, .predict_x0 = x0, .lower_order_final = lower};
                    CHECK(constant_error(sampler.plan(grid)) < 1e-12);
                }
            }
        }
    }
}

TEST_CASE("UniPC ends where diffusers' tests do", "[sampler]") {
    const auto plan = unipc{}.plan(golden_grid()), karras = unipc{}.plan(golden_karras_grid());
    const auto late = unipc{}.plan(golden_grid().from(8));
    check_mean(plan, 0.2464, 0.246395604);
    check_mean(karras, 0.2925, 0.292482693);
    check_mean(plan, 0.1014, 0.101396451, {.kind = prediction::v});
    check_mean(karras, 0.1966, 0.196207417, {.kind = prediction::v});
    check_sum(late, 315.5757, 1e-6, {.with_noise = true});

    const golden_loop_options one_dimension{.rows = 24, .columns = 4},
        v{.kind = prediction::v, .rows = 24, .columns = 4};
    check_mean(plan, 0.2441, 0.244146883, one_dimension);
    check_mean(karras, 0.2898, 0.289813359, one_dimension);
    check_mean(plan, 0.1014, 0.100471059, v);
    check_mean(karras, 0.1944, 0.194416737, v);
    check_sum(late, 39.0870, 2e-6, {.with_noise = true, .rows = 24, .columns = 4});
}

// What diffusers 0.42 computes in single precision with the inputs of its tests. To σ = 0 its bh1 gives NaN. The
// last figures of order 4 with ε are in double precision: in single they differ in the fourth digit.
TEST_CASE("UniPC ends where diffusers does, with every option", "[sampler]") {
    struct row {
        isize order;
        unipc_variant variant;
        bool x0, all_corrected;          // otherwise not the first two steps
        double lowered, whole, to_data;  // lower_order_final true, then false, then true with the final σ = 0
    };
    constexpr row rows[] = {
        {1, bh1, true, true, 180.3349, 180.3349, 0},
        {1, bh1, true, false, 180.52897, 180.52897, 0},
        {1, bh1, false, true, 190.99333, 190.99333, 0},
        {1, bh2, true, true, 178.46252, 178.46252, 175.87612},
        {1, bh2, true, false, 178.58789, 178.58789, 175.99967},
        {1, bh2, false, true, 197.23819, 197.23819, 0},
        {2, bh1, true, true, 193.57556, 464.85626, 0},
        {2, bh1, true, false, 193.53617, 464.76165, 0},
        {2, bh1, false, true, 189.5346, 193.69721, 0},
        {2, bh1, false, false, 189.6672, 193.87656, 0},
        {2, bh2, true, true, 189.23185, 256.07531, 186.76206},
        {2, bh2, true, false, 189.22712, 256.06891, 186.75739},
        {2, bh2, false, true, 187.39613, 223.72888, 0},
        {2, bh2, false, false, 187.73603, 226.24907, 0},
        {3, bh1, true, true, 193.60012, 89.05493, 0},
        {3, bh1, false, false, 188.22973, 203.89803, 0},
        {3, bh2, true, true, 189.97295, 89.076554, 187.50042},
        {3, bh2, false, true, 185.52358, 157.41296, 0},
        {4, bh1, true, false, 193.5729, 366.2124, 0},
        {4, bh2, true, true, 189.98961, 366.36877, 187.51655},
        {4, bh2, false, true, 183.16505, 480.81017, 0},
        {4, bh2, false, false, 186.13641, 120.61747, 0},
    };
    for (const row& r : rows) {
        INFO("order " << r.order << ", bh" << static_cast<int>(r.variant) + 1 << ", x0 " << r.x0 << ", "
                      << r.all_corrected);
        unipc sampler{.order = r.order, .variant = r.variant, .predict_x0 = r.x0};
        if (!r.all_corrected) {
            sampler.disable_corrector = {0, 1};
        }
        check_sum<float>(sampler.plan(golden_grid()), r.lowered, 2e-5);
        if (r.to_data > 0) {
            check_sum<float>(sampler.plan(golden_grid(10, grid_end::zero_noise)), r.to_data, 2e-5);
        }
        sampler.lower_order_final = false;
        check_sum<float>(sampler.plan(golden_grid()), r.whole, 1e-4);
    }
}

TEST_CASE("UniPC converges with its order, and one more with the corrector", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const bool x0 : {true, false}) {
            for (const unipc_variant variant : {bh1, bh2}) {
                for (isize order = 1; order <= 3; ++order) {
                    unipc sampler{.order = order, .variant = variant, .predict_x0 = x0, .lower_order_final = false};
                    const double with = convergence_order(sampler, kind, order + 1, 640, 80);
                    sampler.corrector = false;
                    const double without = convergence_order(sampler, kind, order, 640, 80);
                    INFO("order " << order << ", x0 " << x0 << ": " << without << ", corrected " << with);
                    CHECK(without > static_cast<double>(order) - 0.15);
                    CHECK(with > static_cast<double>(order) + (order < 3 ? 0.85 : -0.15));
                }
            }
        }
    }
}

// With an exact history as above, and without the corrections of its steps, which would begin with few estimates.
TEST_CASE("UniPC's corrector raises every order by one", "[sampler]") {
    for (const bool x0 : {true, false}) {
        for (const unipc_variant variant : {bh1, bh2}) {
            for (isize order = 1; order <= 4; ++order) {
                unipc sampler{.order = order, .variant = variant, .predict_x0 = x0, .lower_order_final = false};
                for (isize k = 0; k < order; ++k) {
                    sampler.disable_corrector.push_back(k);
                }
                const double slope = convergence_order(sampler, prediction::epsilon, order + 1, 320, 80);
                INFO("order " << order << ", x0 " << x0 << ": " << slope);
                CHECK(slope > static_cast<double>(order) + 0.85);
            }
        }
    }
}

TEST_CASE("UniPC corrects the steps that it is told to", "[sampler]") {
    const auto corrected = [](const unipc& sampler, const time_grid& grid) {
        std::vector<isize> steps;
        const sampling_plan plan = sampler.plan(grid);
        for (std::size_t k = 0; k < plan.stages().size(); ++k) {
            const auto& first = plan.stages()[k].then.front();
            if (first.target == quantity::base && first.terms[0].of == quantity::base) {
                steps.push_back(static_cast<isize>(k) - 1);
            }
        }
        return steps;
    };
    using list = std::vector<isize>;
    const time_grid grid = golden_grid(6);
    CHECK(corrected({}, grid) == list{0, 1, 2, 3, 4});
    CHECK(corrected({.disable_corrector = {0, 3}}, grid) == list{1, 2, 4});
    CHECK(corrected({.disable_corrector = {0, 3}}, grid.from(2)) == list{0, 2});
    CHECK(corrected({.corrector = false}, grid).empty());
    CHECK(corrected({}, golden_grid(1)).empty());
    // A step between equal levels, or from where there is no signal, has nothing to correct.
    CHECK(corrected({}, time_grid({grid[0], grid[0], grid[1], grid[2]})) == list{1});
    CHECK(corrected({}, time_grid({{999, {0, 1}}, grid[2], grid[3], grid[4]})) == list{1});
}

TEST_CASE("UniPC rejects orders below 1", "[sampler]") {
    CHECK_THROWS_AS(unipc{.order = 0}.plan(golden_grid()), value_error);
    CHECK_NOTHROW(unipc{.order = 50}.plan(golden_grid(3)));
}

}  // namespace ddpm::test
