// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/deis.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_grid.hpp"
#include "support/golden_loop.hpp"
#include "support/plan_moments.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("DEIS of order 1 is DDIM", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        CHECK(is_ddim(deis{.order = 1}.plan(grid)));
    }
}

TEST_CASE("DEIS carries constants exactly", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (isize order = 1; order <= 5; ++order) {
            CHECK(constant_error(deis{.order = order}.plan(grid)) < 1e-12);
            CHECK(constant_error(deis{.order = order, .lower_order_final = false}.plan(grid)) < 1e-12);
        }
    }
}

// x_t = α_t (x/α_s + Σ C_j ε_j), C_j the integral over ρ = σ/α of the Lagrange polynomial in ln ρ.
TEST_CASE("DEIS integrates polynomials in ln rho over rho", "[sampler]") {
    const double rho[] = {9, 4, 1.5, 0.6};
    std::vector<grid_point> points;
    for (const double r : rho) {
        points.push_back({r, variance_preserving_level(r)});
    }
    const time_grid grid(points);
    const auto plan = deis{.order = 3, .lower_order_final = false}.plan(grid);
    const auto& terms = plan.stages()[2].then[0].terms;
    REQUIRE(terms.size() == 4);
    for (std::size_t j = 0; j < 3; ++j) {         // the newest is j = 0, at rho[2]
        const auto integral_to = [&](double r) {  // ∫ (ln r − ln c)(ln r − ln d) dr / ((ln b − ln c)(ln b − ln d))
            const double b = std::log(rho[2 - j]), c = std::log(rho[(3 - j) % 3]), d = std::log(rho[(4 - j) % 3]);
            const double l = std::log(r);
            return r * (l * l - (c + d + 2) * l + c * d + c + d + 2) / ((b - c) * (b - d));
        };
        CHECK(terms[j + 1].of == quantity::eps);
        CHECK(terms[j + 1].number == 2 - static_cast<isize>(j));
        const double exact = grid[3].level.signal * (integral_to(rho[3]) - integral_to(rho[2]));
        CHECK(std::abs(terms[j + 1].factor - exact) < 1e-13);
    }
}

TEST_CASE("DEIS ends where diffusers' tests do", "[sampler]") {
    const auto plan = deis{}.plan(golden_grid());
    check_mean(plan, 0.23916, 0.239161943);
    check_mean(plan, 0.091, 0.0910725, {.kind = prediction::v});
    check_sum(deis{}.plan(golden_grid().from(8)), 315.3017, 1e-6, {.with_noise = true});
}

// What diffusers 0.42 computes in single precision with the inputs of its tests.
TEST_CASE("DEIS ends where diffusers does, with every option", "[sampler]") {
    check_sum(deis{.order = 1}.plan(golden_grid()), 172.26418);
    check_sum(deis{.order = 2}.plan(golden_grid()), 183.67657);
    check_sum(deis{.order = 2, .lower_order_final = false}.plan(golden_grid()), 203.60426);
    check_sum(deis{.order = 3}.plan(golden_grid()), 185.57939, 1e-4);
    check_sum(deis{.order = 3, .lower_order_final = false}.plan(golden_grid()), 205.08848, 1e-4);
}

TEST_CASE("DEIS converges with its order", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (isize order = 1; order <= 4; ++order) {
            const double slope =
                convergence_order(deis{.order = order, .lower_order_final = false}, kind, order, 640, 80);
            INFO("order " << order << ": " << slope);
            CHECK(slope > static_cast<double>(order) - 0.15);
        }
    }
}

TEST_CASE("DEIS rejects orders below 1", "[sampler]") {
    CHECK_THROWS_AS(deis{.order = 0}.plan(golden_grid()), value_error);
    CHECK(deis{}.plan(golden_grid(1)).stages().size() == 1);
}

}  // namespace ddpm::test
