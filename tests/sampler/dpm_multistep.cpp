// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/sample.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_grid.hpp"
#include "support/golden_loop.hpp"
#include "support/plan_moments.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using enum dpm_algorithm;
using enum dpm_solver_type;

constexpr dpm_algorithm algorithms[] = {dpmsolver, dpmsolver_pp, sde_dpmsolver, sde_dpmsolver_pp};

// The network of EDM: D(x) = c_skip x + c_out F(x), where F is the golden model at t = ¼ ln σ.
struct edm_golden_model {
    double sign = 1;  // −1: v prediction of diffusers

    void operator()(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) const {
        golden_model<double>(xt, t, out);
        const double sigma = std::exp(4 * t[0]), sum = sigma * sigma + 0.25;
        out.prediction.array() = 0.25 / sum * xt.array() + sign * sigma * 0.5 / std::sqrt(sum) * out.prediction.array();
    }
    [[nodiscard]] prediction predicts() const { return prediction::x0; }
};

time_grid edm_golden_grid() {
    std::vector<grid_point> points;
    for (const double sigma : karras_sigmas(10)) {
        points.push_back({std::log(sigma) / 4, {1, sigma}});
    }
    points.push_back({-1, {1, 0.002}});
    return time_grid(std::move(points));
}

double edm_golden_mean(const edm_golden_model& model, isize start, const denoise_options& options = {}) {
    const time_grid grid = start == 0 ? edm_golden_grid() : edm_golden_grid().from(start);
    batch<double> x = deterministic<double>(false);
    if (start > 0) {
        x += grid[0].level.sigma * deterministic<double>(true);
    }
    const auto plan = dpm_multistep{.lower_order_final = false}.plan(grid);
    return denoise_from<double>(plan, model, std::move(x), torch_noise(0), options).abs().mean();
}

// The grid of diffusers' inverse scheduler: up from the least noise to t = 999.
time_grid inverse_grid(bool karras) {
    const auto schedule = golden_schedule();
    const sigma_table table(schedule);
    std::vector<grid_point> points;
    if (karras) {
        const auto sigmas = karras_sigmas(10, table.range());
        for (auto sigma = sigmas.rbegin(); sigma != sigmas.rend(); ++sigma) {
            points.push_back({std::nearbyint(table.time_of(*sigma)), variance_preserving_level(*sigma)});
        }
    } else {
        for (const isize t : {0, 100, 200, 300, 400, 500, 599, 699, 799, 899}) {
            points.push_back(
                {static_cast<double>(t), variance_preserving_level(table.sigma_at(static_cast<double>(t)))});
        }
    }
    points.push_back({999, variance_preserving_level(table.range().highest)});
    return time_grid(std::move(points));
}

}  // namespace

TEST_CASE("DPM-Solver of order 1 is DDIM", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        CHECK(is_ddim(dpm_multistep{.order = 1}.plan(grid)));
        CHECK(is_ddim(dpm_multistep{.order = 1, .algorithm = dpmsolver}.plan(grid)));
        CHECK(is_ddim(dpm_multistep{.order = 1, .algorithm = sde_dpmsolver_pp, .eta = 0}.plan(grid)));
        CHECK(is_ddim(dpm_multistep{.order = 1, .algorithm = sde_dpmsolver, .eta = 0}.plan(grid)));
    }
    CHECK(!is_ddim(dpm_multistep{.order = 2}.plan(golden_grid())));
}

TEST_CASE("multistep DPM-Solvers carry constants exactly", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (const dpm_algorithm algorithm : algorithms) {
            for (isize order = 1; order <= 3; ++order) {
                for (const bool option : {false, true}) {
                    const dpm_multistep sampler{.order = order,
                                                .algorithm = algorithm,
                                                .solver_type = option ? heun : midpoint,
                                                .corrected_third = option,
                                                .lower_order_final = option};
                    const auto plan = sampler.plan(grid);
                    CHECK(constant_error(plan) < 1e-12);
                    CHECK(plan.draws().size() == (detail::is_stochastic(algorithm) ? plan.stages().size() : 0));
                }
            }
        }
    }
}

TEST_CASE("multistep DPM-Solver++ ends where diffusers' tests do", "[sampler]") {
    const dpm_multistep sampler{.lower_order_final = false};
    const auto plan = sampler.plan(golden_grid()), karras = sampler.plan(golden_karras_grid());
    const sigma_table table(golden_schedule());
    const auto lu = sampler.plan(sigma_grid(table, exponential_sigmas(10, table.range()),
                                            {.end = grid_end::least_noise, .whole_timesteps = true}));
    check_mean(plan, 0.3301, 0.330145048);
    check_mean(plan, 1.1364, 1.13636337, {.denoise = {.threshold = dynamic_threshold{.ratio = 0.87, .max = 0.5}}});
    check_mean(plan, 0.2251, 0.225096303, {.kind = prediction::v});
    check_mean(karras, 0.2096, 0.209198182, {.kind = prediction::v});
    check_mean(lu, 0.1554, 0.155422933, {.kind = prediction::v});
    const auto late = sampler.plan(golden_grid().from(5));
    check_mean(late, 0.4146, 0.4145978, {.with_noise = true});
    check_sum(late, 318.4111, 1e-6, {.with_noise = true});
    check_mean(dpm_multistep{.order = 1, .lower_order_final = false}.plan(golden_grid()), 0.2243, 0.22430228);
    check_mean(dpm_multistep{.order = 3, .lower_order_final = false}.plan(golden_grid()), 0.2304, 0.230423575);
    check_mean(dpm_multistep{.lower_order_final = false}.plan(golden_grid(10, grid_end::zero_noise)), 0.2409,
               0.240900177);
}

TEST_CASE("inverse multistep DPM-Solver++ ends where diffusers' tests do", "[sampler]") {
    const dpm_multistep sampler{.lower_order_final = false};
    const auto plan = sampler.plan(inverse_grid(false)), karras = sampler.plan(inverse_grid(true));
    const auto mean = [](const sampling_plan& p, const golden_loop_options& options) {
        return golden_loop(p, options).mean;
    };
    CHECK(std::abs(mean(plan, {}) - 0.7047) < 1e-3);
    CHECK(std::abs(mean(plan, {.denoise = {.threshold = dynamic_threshold{.ratio = 0.87, .max = 0.5}}}) - 19.8933) <
          1e-3);
    CHECK(std::abs(mean(plan, {.kind = prediction::v}) - 1.5194) < 1e-3);
    CHECK(std::abs(mean(karras, {.kind = prediction::v}) - 1.7833) < 2e-3);
    check_sum(plan, 541.1994);  // what diffusers 0.42 computes
    check_sum(karras, 1368.28369, 1e-5, {.kind = prediction::v});
}

TEST_CASE("DPM++ 2M over EDM's levels ends where diffusers' tests do", "[sampler]") {
    // Tolerances: the levels and times of the published figures are in single precision.
    CHECK(std::abs(edm_golden_mean({}, 0) / 0.00014012 - 1) < 1e-4);
    CHECK(std::abs(edm_golden_mean({}, 5) * 768 / 8.166151 - 1) < 1e-5);
    CHECK(std::abs(edm_golden_mean({}, 0, {.threshold = dynamic_threshold{.ratio = 0.87, .max = 0.5}}) / 0.0080858 -
                   1) < 1e-5);
    CHECK(std::abs(edm_golden_mean({-1}, 0) / 0.0092580 - 1) < 1e-5);
}

// What diffusers 0.42 computes with the inputs of its tests, for the options that its tests leave out: in single
// precision, therefore the tolerance. Its third order of sde-dpmsolver++ is left out: its second difference has the
// wrong sign.
TEST_CASE("multistep DPM-Solvers end where diffusers does, with every option", "[sampler]") {
    struct row {
        dpm_algorithm algorithm;
        isize order;
        dpm_solver_type type;
        double whole, lowered, to_data;  // lower_order_final false, then true, then with the final σ = 0
    };
    constexpr row rows[] = {
        {dpmsolver, 1, midpoint, 172.26418, 172.26418, 0},
        {dpmsolver, 2, midpoint, 223.58605, 184.92133, 0},
        {dpmsolver, 2, heun, 203.60403, 183.67639, 0},
        {dpmsolver, 3, midpoint, 204.98822, 186.04692, 0},
        {dpmsolver, 3, heun, 205.00891, 185.22553, 0},
        {dpmsolver_pp, 1, midpoint, 172.26417, 172.26417, 169.92945},
        {dpmsolver_pp, 2, midpoint, 253.55142, 187.55329, 185.01136},
        {dpmsolver_pp, 2, heun, 292.12826, 189.31273, 186.74694},
        {dpmsolver_pp, 3, midpoint, 176.96505, 190.17108, 187.59367},
        {dpmsolver_pp, 3, heun, 176.94355, 191.2633, 188.67108},
        {sde_dpmsolver, 1, midpoint, 284.16235, 284.16235, 0},
        {sde_dpmsolver, 2, midpoint, 5015.4557, 679.6755, 0},
        {sde_dpmsolver, 2, heun, 1314.8942, 416.82053, 0},
        {sde_dpmsolver_pp, 1, midpoint, 232.87666, 232.87666, 232.44539},
        {sde_dpmsolver_pp, 2, midpoint, 525.94827, 279.21333, 278.84835},
        {sde_dpmsolver_pp, 2, heun, 774.76708, 291.5608, 291.11474},
    };
    for (const row& r : rows) {
        INFO("algorithm " << static_cast<int>(r.algorithm) << ", order " << r.order << ", type "
                          << static_cast<int>(r.type));
        dpm_multistep sampler{
            .order = r.order, .algorithm = r.algorithm, .solver_type = r.type, .lower_order_final = false};
        check_sum<float>(sampler.plan(golden_grid()), r.whole);
        sampler.lower_order_final = true;
        check_sum<float>(sampler.plan(golden_grid()), r.lowered);
        if (r.to_data > 0) {
            check_sum<float>(sampler.plan(golden_grid(10, grid_end::zero_noise)), r.to_data);
        }
    }
}

TEST_CASE("multistep DPM-Solvers converge with their order", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const dpm_algorithm algorithm : {dpmsolver, dpmsolver_pp}) {
            for (isize order = 1; order <= 3; ++order) {
                for (const dpm_solver_type type : {midpoint, heun}) {
                    const dpm_multistep sampler{.order = order,
                                                .algorithm = algorithm,
                                                .solver_type = type,
                                                .corrected_third = true,
                                                .lower_order_final = false};
                    const double slope = convergence_order(sampler, kind, order, 640, 80);
                    INFO("order " << order << " of algorithm " << static_cast<int>(algorithm) << ": " << slope);
                    CHECK(slope > static_cast<double>(order) - 0.15);
                    CHECK(slope < static_cast<double>(order) + 0.5);
                }
            }
            const double published = convergence_order(
                dpm_multistep{.order = 3, .algorithm = algorithm, .lower_order_final = false}, kind, 3, 640, 80);
            INFO("as published: " << published);
            CHECK(published > 1.85);
            CHECK(published < 2.3);
        }
    }
}

TEST_CASE("stochastic multistep DPM-Solvers have the moments of their recursion", "[sampler]") {
    const gaussian_data data;
    // Order 1, from the published step: x_t = a x_s + b x̂_0 + s z, or with ε̂ = (x_s − α x̂_0)/σ.
    for (const double eta : {1.0, 0.5}) {
        const time_grid grid = uniform_lambda_grid(6);
        const double h = 4.0 / 6;
        const auto of_x0 =
            propagate(dpm_multistep{.order = 1, .algorithm = sde_dpmsolver_pp, .eta = eta}.plan(grid), data);
        const auto of_eps =
            propagate(dpm_multistep{.order = 1, .algorithm = sde_dpmsolver, .eta = eta}.plan(grid), data);
        double mean = 0.3, variance = 0.64, eps_mean = mean, eps_variance = variance;
        for (isize k = 0; k < 6; ++k) {
            const auto &s = grid[k].level, &t = grid[k + 1].level;
            const double at_zero = data.x0(s, 0), slope = data.x0(s, 1) - at_zero;
            const double a = t.sigma / s.sigma * std::exp(-eta * h), b = t.signal * (1 - std::exp(-(1 + eta) * h));
            mean = (a + b * slope) * mean + b * at_zero;
            variance = (a + b * slope) * (a + b * slope) * variance + t.sigma * t.sigma * (1 - std::exp(-2 * eta * h));
            const double c = -(1 + eta) * t.sigma * (std::exp(h) - 1) / s.sigma;
            const double gain = t.signal / s.signal + c * (1 - s.signal * slope);
            eps_mean = gain * eps_mean - c * s.signal * at_zero;
            eps_variance = gain * gain * eps_variance + eta * t.sigma * t.sigma * (std::exp(2 * h) - 1);
            const auto next = static_cast<std::size_t>(k + 1);
            CHECK(std::abs(of_x0[next].mean(0.3) - mean) < 1e-13);
            CHECK(std::abs(of_x0[next].variance(0.64) - variance) < 1e-13);
            CHECK(std::abs(of_eps[next].mean(0.3) - eps_mean) < 1e-13);
            CHECK(std::abs(of_eps[next].variance(0.64) - eps_variance) < 1e-13);
        }
    }
    for (const dpm_algorithm algorithm : {sde_dpmsolver, sde_dpmsolver_pp}) {
        for (isize order = 1; order <= 3; ++order) {
            check_moments(
                dpm_multistep{.order = order, .algorithm = algorithm, .solver_type = heun, .eta = 0.7, .s_noise = 1.1}
                    .plan(uniform_lambda_grid(8)));
        }
    }
}

// DPM++ 2M SDE and 3M SDE of k-diffusion (sampling.py), for x = x_0 + σ ε.
TEST_CASE("stochastic multistep DPM-Solver++ is k-diffusion's", "[sampler]") {
    const double sigmas[] = {14, 5, 2, 0.7, 0.2}, eta = 0.8;
    std::vector<grid_point> points;
    for (const double sigma : sigmas) {
        points.push_back({sigma, {1, sigma}});
    }
    dpm_multistep sampler{
        .order = 3, .algorithm = sde_dpmsolver_pp, .solver_type = heun, .lower_order_final = false, .eta = eta};
    const auto third = sampler.plan(time_grid(points));
    sampler.order = 2;
    const auto second_heun = sampler.plan(time_grid(points));
    sampler.solver_type = midpoint;
    const auto second = sampler.plan(time_grid(points));
    const auto apply = [](const sampling_plan& plan, isize step, double x, std::vector<double> d) {
        double sum = 0;  // d[0] is the newest
        for (const term& t : plan.stages()[static_cast<std::size_t>(step)].then[0].terms) {
            sum += t.factor * (t.of == quantity::x    ? x
                               : t.of == quantity::x0 ? d[static_cast<std::size_t>(step - t.number)]
                                                      : 0);
        }
        return sum;
    };
    const double d0 = 0.3, d1 = -0.5, d2 = 0.9, x = 1.7;
    for (isize k = 2; k < 4; ++k) {
        const double h = std::log(sigmas[k] / sigmas[k + 1]), h_1 = std::log(sigmas[k - 1] / sigmas[k]),
                     h_2 = std::log(sigmas[k - 2] / sigmas[k - 1]), h_eta = h * (eta + 1);
        const double first = std::exp(-h_eta) * x - std::expm1(-h_eta) * d0;
        const double r0 = h_1 / h, r1 = h_2 / h, d1_0 = (d0 - d1) / r0, d1_1 = (d1 - d2) / r1;
        const double phi_2 = std::expm1(-h_eta) / h_eta + 1, phi_3 = phi_2 / h_eta - 0.5;
        CHECK(std::abs(apply(second, k, x, {d0, d1}) - (first - 0.5 * std::expm1(-h_eta) * d1_0)) < 1e-13);
        CHECK(std::abs(apply(second_heun, k, x, {d0, d1}) - (first + phi_2 * d1_0)) < 1e-13);
        const double slope = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1);
        const double curvature = (d1_0 - d1_1) / (r0 + r1);
        CHECK(std::abs(apply(third, k, x, {d0, d1, d2}) - (first + phi_2 * slope - phi_3 * curvature)) < 1e-13);
        const term noise = third.stages()[static_cast<std::size_t>(k)].then[0].terms.back();
        CHECK(noise.of == quantity::noise);
        CHECK(std::abs(noise.factor - sigmas[k + 1] * std::sqrt(-std::expm1(-2 * h * eta))) < 1e-13);
    }
}

TEST_CASE("multistep orders near the end", "[sampler]") {
    const auto estimates = [](const dpm_multistep& sampler, const time_grid& grid) {
        std::vector<isize> counts;
        const sampling_plan plan = sampler.plan(grid);
        for (const stage& s : plan.stages()) {
            counts.push_back(static_cast<isize>(s.then[0].terms.size()) - 1);
        }
        return counts;
    };
    const time_grid five = golden_grid(5), twenty = golden_grid(20);
    CHECK(estimates({.order = 3, .lower_order_final = false}, five) == std::vector<isize>{1, 2, 3, 3, 3});
    CHECK(estimates({.order = 3}, five) == std::vector<isize>{1, 2, 3, 2, 1});
    CHECK(estimates({.order = 3, .lower_order_final = false, .euler_at_final = true}, five) ==
          std::vector<isize>{1, 2, 3, 3, 1});
    CHECK(estimates({.order = 2}, twenty.from(16)) == std::vector<isize>{1, 2, 2, 2});
    CHECK(estimates({.order = 2, .euler_at_final = true}, twenty.from(16)) == std::vector<isize>{1, 2, 2, 1});
    // Points of the same level do not count twice.
    std::vector<grid_point> repeated{five[0], five[0], five[1], five[1], five[2]};
    const auto plan = dpm_multistep{.lower_order_final = false}.plan(time_grid(repeated));
    CHECK(plan.stages()[0].then[0].terms.size() == 1);
    CHECK(plan.stages()[1].then[0].terms.size() == 2);
    CHECK(plan.stages()[3].then[0].terms.size() == 3);
}

TEST_CASE("multistep DPM-Solvers reject what they cannot do", "[sampler]") {
    const time_grid grid = golden_grid();
    CHECK_THROWS_AS(dpm_multistep{.order = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_multistep{.order = 4}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_multistep{.eta = -0.1}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_multistep{.eta = std::numeric_limits<double>::quiet_NaN()}.plan(grid), value_error);
    CHECK_THROWS_AS(dpm_multistep{.algorithm = sde_dpmsolver_pp}.plan(grid.reversed()), value_error);
    CHECK_NOTHROW(dpm_multistep{}.plan(grid.reversed()));
}

}  // namespace ddpm::test
