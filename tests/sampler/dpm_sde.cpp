// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/dpm_sde.hpp>

#include <ddpm/random/brownian_tree.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("dpm_sde: the samples have the moments of the algorithm", "[sampler]") {
    const double s_noise = 0.9;
    for (const auto& [name, grid] : falling_grids()) {
        for (const double eta : {0.0, 0.5, 1.0}) {
            for (const double r : {0.5, 0.3}) {
                INFO(name << ", eta " << eta << ", middle " << r);
                const auto up_to = [&](double sigma, double to) {
                    return std::min(to, eta * std::sqrt(to * to * (sigma * sigma - to * to) / (sigma * sigma)));
                };
                check_moments(dpm_sde{.eta = eta, .s_noise = s_noise, .middle = r}, grid,
                              [&](const gaussian_data& data, double sigma, double next, linear_value y) {
                                  const linear_value first = estimate_at(data, sigma, y);
                                  if (next == 0) {
                                      return first;
                                  }
                                  // As k-diffusion writes it, in t = −ln σ.
                                  const double t = -std::log(sigma), h = -std::log(next) - t;
                                  const double middle = std::exp(-(t + r * h));
                                  const auto step = [&](double to, const linear_value& x0, linear_value noise) {
                                      const double up = up_to(sigma, to), down = std::sqrt(to * to - up * up);
                                      const double t_down = -std::log(down);
                                      return down / sigma * y - std::expm1(t - t_down) * x0 + s_noise * up * noise;
                                  };
                                  const linear_value half = step(middle, first, linear_value{.z = {1, 0}});
                                  const linear_value second = estimate_at(data, middle, half);
                                  const linear_value mean = (1 - 1 / (2 * r)) * first + 1 / (2 * r) * second;
                                  return step(next, mean, linear_value{.z = {0, 1}});
                              });
            }
        }
    }
}

TEST_CASE("dpm_sde: without noise it has order 2 and finds data that is one point", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        CHECK(convergence_order(dpm_sde{.eta = 0}, kind) > 1.85);
        CHECK(convergence_order(dpm_sde{.eta = 0, .middle = 0.3}, kind) > 1.85);
    }
    check_finds_point(dpm_sde{.eta = 0});
}

TEST_CASE("dpm_sde: its draws begin together", "[sampler]") {
    const time_grid grid = grid_on(path_kind::flow, {INFINITY, 8, 2, 0});
    const sampling_plan plan = dpm_sde{}.plan(grid);
    REQUIRE(plan.draws().size() == 3);
    CHECK(std::isinf(plan.draws()[0].from));
    CHECK(plan.draws()[0].to == 8);
    CHECK(plan.draws()[1].from == 8);
    CHECK(std::abs(plan.draws()[1].to - 4) < 1e-14);
    CHECK(plan.draws()[2].from == 8);
    CHECK(plan.draws()[2].to == 2);
    REQUIRE(plan.stages().size() == 4);
    CHECK(std::abs(plan.stages()[2].level.sigma - 0.8) < 1e-15);
    CHECK(dpm_sde{.time_of = [](double ratio) { return 10 * ratio; }}.plan(grid).stages()[2].t ==
          10 * plan.draws()[1].to);
}

// The reason for a Brownian path: the same noise at every step size, so that runs of more steps come to the same
// sample.
TEMPLATE_TEST_CASE("with a brownian_tree finer grids converge to the same samples", "[sampler]", dpm_sde,
                   euler_ancestral) {
    const gaussian_data data{};
    const auto end = [&](isize steps, auto&& noise) {
        std::vector<double> sigmas;
        for (isize k = 0; k <= steps; ++k) {
            sigmas.push_back(10 * std::pow(0.1 / 10, static_cast<double>(k) / static_cast<double>(steps)));
        }
        sigmas.push_back(0);
        const sampling_plan plan = TestType{}.plan(grid_on(path_kind::exploding, sigmas));
        auto network = stage_network(plan, data, prediction::epsilon);
        using noise_type = std::remove_reference_t<decltype(noise)>;
        sampling_run<double, decltype(network), noise_type> run(plan, network, noise,
                                                                batch<double>::Constant(200, 1, 3));
        while (!run.done()) {
            run.step();
        }
        return std::move(run).take();
    };
    const auto distance = [](const batch<double>& a, const batch<double>& b) {
        return std::sqrt((a - b).square().mean());
    };
    const brownian_tree tree(3, 0.1, 10);
    philox_noise independent(3, noise_stream::sampler);
    const batch<double> finest = end(1024, tree);
    const double coarse = distance(end(16, tree), finest), fine = distance(end(128, tree), finest);
    CHECK(fine < 0.3 * coarse);
    CHECK(fine < 0.1);
    CHECK(distance(end(128, independent), end(1024, independent)) > 0.3);
}

TEST_CASE("dpm_sde: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(dpm_sde{.eta = -0.1}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_sde{.s_noise = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_sde{.middle = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_sde{.middle = 1}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_sde{.middle = std::nan("")}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_sde{}.plan(grid_on(path_kind::exploding, {0, 1, 2})), value_error);
}

}  // namespace ddpm::test
