// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/adaptive_dpm_solver.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/convergence.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

grid_point point_at(double lambda) { return {lambda, variance_preserving_level(std::exp(-lambda))}; }

batch<double> flow(const gaussian_data& data, double lambda) {
    batch<double> x(2, 3);
    x << data.flow(point_at(lambda).level, -1.3), data.flow(point_at(lambda).level, 0.1),
        data.flow(point_at(lambda).level, 2.5), data.flow(point_at(lambda).level, 0.4),
        data.flow(point_at(lambda).level, 0.2), data.flow(point_at(lambda).level, 1.7);
    return x;
}

/// One sample by the documented formulas.
struct plain_run {
    batch<double> x;
    isize accepted = 0, rejected = 0;

    plain_run(const adaptive_dpm_solver& solver, const gaussian_data& data, const batch<double>& start, double from,
              double to)
        : x(start) {
        const auto level_at = [](double lambda) { return point_at(lambda).level; };
        const auto eps_at = [&](const batch<double>& at, double lambda) {
            batch<double> out(at.rows(), 1);
            exact_network(data, prediction::epsilon)(batch_view<const double>(at), std::vector{point_at(lambda).t},
                                                     model_output<double>{batch_view<double>(out), {}});
            return out;
        };
        const auto [p, i, d, safety] = solver.control;
        const auto order = static_cast<double>(solver.order);
        double lambda = from, next = solver.first_step, last = 0, before = 0;
        while (lambda < to) {
            const double h = std::min(next, to - lambda);
            const noise_level<double> t = level_at(lambda), s = level_at(lambda + h);
            const double grown = std::expm1(h), kept = s.signal / t.signal;
            const batch<double> eps = eps_at(x, lambda);
            batch<double> low, high;
            const double part = h / order;
            const noise_level<double> one = level_at(lambda + part);
            const batch<double> eps_1 =
                eps_at(one.signal / t.signal * x - one.sigma * std::expm1(part) * eps, lambda + part);
            if (solver.order == 2) {
                low = kept * x - s.sigma * grown * eps;
                high = kept * x - s.sigma * grown * eps_1;
            } else {
                const noise_level<double> two = level_at(lambda + 2 * part);
                const double to_two = std::expm1(2 * part);
                const batch<double> x_2 = two.signal / t.signal * x - two.sigma * to_two * eps -
                                          2 * two.sigma * (to_two / (2 * part) - 1) * (eps_1 - eps);
                low = kept * x - s.sigma * grown * (eps + 1.5 * (eps_1 - eps));
                high = kept * x - s.sigma * grown * eps -
                       1.5 * s.sigma * (grown / h - 1) * (eps_at(x_2, lambda + 2 * part) - eps);
            }
            const batch<double> tolerance =
                (solver.relative_tolerance * low.abs().max(x.abs())).max(solver.absolute_tolerance);
            const double error = 1e-8 + std::sqrt(((low - high) / tolerance).square().mean());
            if (last == 0) {
                last = before = error;
            }
            const double f = 1 + std::atan(std::pow(error, -(p + i + d) / order) * std::pow(last, (p + 2 * d) / order) *
                                               std::pow(before, -d / order) -
                                           1);
            next *= f;
            if (f < safety) {
                ++rejected;
                continue;
            }
            before = std::exchange(last, error);
            x = high;
            lambda = h < to - lambda ? lambda + h : to;
            ++accepted;
        }
    }
};

}  // namespace

TEST_CASE("adaptive runs take the documented steps", "[sampler]") {
    const gaussian_data data;
    const batch<double> start = flow(data, -3);
    const step_control control{.proportional = 0.2, .integral = 0.5, .differential = 0.1, .safety = 0.9};
    for (const adaptive_dpm_solver& solver :
         {adaptive_dpm_solver{}, adaptive_dpm_solver{.order = 2},
          adaptive_dpm_solver{.relative_tolerance = 1e-3, .absolute_tolerance = 1e-4, .first_step = 1},
          adaptive_dpm_solver{.order = 2, .relative_tolerance = 1e-3, .absolute_tolerance = 1e-3, .control = control},
          adaptive_dpm_solver{.relative_tolerance = 1e-4, .absolute_tolerance = 1e-5, .control = control}}) {
        const auto got = denoise_from<double>(solver, point_at, -3, 3, exact_network(data, prediction::epsilon), start);
        for (isize n = 0; n < start.cols(); ++n) {
            const plain_run expected(solver, data, start.col(n), -3, 3);
            INFO("order " << solver.order << ", tolerance " << solver.relative_tolerance << ", sample " << n);
            CHECK(got.accepted[static_cast<std::size_t>(n)] == expected.accepted);
            CHECK(got.rejected[static_cast<std::size_t>(n)] == expected.rejected);
            CHECK((got.x.col(n) - expected.x.col(0)).abs().maxCoeff() < 1e-9);
        }
    }
}

TEST_CASE("adaptive runs of samples of several blocks take the steps of one element, where all are the same",
          "[sampler]") {
    const gaussian_data data;
    auto predictor = exact_network(data, prediction::epsilon);
    batch<double> start(1, 2);
    start << data.flow(point_at(-3).level, -1.3), data.flow(point_at(-3).level, 2.5);
    for (const isize order : {2, 3}) {
        const auto end = [&](isize rows) {
            return denoise_from<double>(adaptive_dpm_solver{.order = order}, point_at, -3, 3, predictor,
                                        start.replicate(rows, 1));
        };
        const auto one = end(1), many = end(2 * kernels::block_elements + 100);
        CHECK(many.accepted == one.accepted);
        CHECK(many.rejected == one.rejected);
        CHECK((many.x - one.x.replicate(many.x.rows(), 1)).abs().maxCoeff() < 1e-9);
    }
}

TEST_CASE("adaptive steps meet their tolerance, with more of them where it is smaller", "[sampler]") {
    const gaussian_data data;
    for (const isize order : {2, 3}) {
        for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
            isize before = 0;
            for (const double tolerance : {1e-2, 1e-4, 1e-6}) {
                const adaptive_dpm_solver solver{
                    .order = order, .relative_tolerance = tolerance, .absolute_tolerance = tolerance};
                const auto result =
                    denoise_from<double>(solver, point_at, -3, 3, exact_network(data, kind), flow(data, -3));
                const double error = (result.x - flow(data, 3)).abs().maxCoeff();
                INFO(name_of(kind) << " " << order << ", " << tolerance << ": " << error << ", " << result.evaluations);
                CHECK(result.finished);
                CHECK(error < 10 * tolerance);
                CHECK(result.evaluations > before);
                before = result.evaluations;
                const auto steps = result.accepted[0] + result.rejected[0];
                CHECK(result.evaluations >= order * steps);
            }
        }
    }
}

TEST_CASE("an adaptive run takes the same steps whatever the network predicts", "[sampler]") {
    const gaussian_data data;
    for (const isize order : {2, 3}) {
        const adaptive_dpm_solver solver{.order = order, .relative_tolerance = 1e-4, .absolute_tolerance = 1e-4};
        const auto run = [&](prediction kind) {
            return denoise_from<double>(solver, point_at, -3, 3, exact_network(data, kind), flow(data, -3));
        };
        const auto expected = run(prediction::epsilon);
        for (const prediction kind : {prediction::x0, prediction::v, prediction::score}) {
            const auto got = run(kind);
            INFO(name_of(kind) << ", order " << order);
            CHECK(got.accepted == expected.accepted);
            CHECK(got.rejected == expected.rejected);
            CHECK((got.x - expected.x).abs().maxCoeff() < 1e-9);
        }
    }
}

TEST_CASE("a sample's steps do not depend on its neighbours", "[sampler]") {
    const gaussian_data data;
    const batch<double> start = flow(data, -3);
    const adaptive_dpm_solver solver{.relative_tolerance = 1e-3, .absolute_tolerance = 1e-4};
    const auto all = denoise_from<double>(solver, point_at, -3, 3, exact_network(data, prediction::epsilon), start);
    CHECK(all.accepted[0] != all.accepted[1]);
    for (isize n = 0; n < 3; ++n) {
        const auto one = denoise_from<double>(solver, point_at, -3, 3, exact_network(data, prediction::epsilon),
                                              batch<double>(start.col(n)));
        CHECK((one.x.col(0) == all.x.col(n)).all());
        CHECK(one.accepted[0] == all.accepted[static_cast<std::size_t>(n)]);
    }
}

TEST_CASE("a callback is told the time of the sample that has come the least far", "[sampler]") {
    const gaussian_data data;
    const batch<double> start = flow(data, -3);
    const adaptive_dpm_solver solver{.relative_tolerance = 1e-3, .absolute_tolerance = 1e-4};
    const auto times_of = [&](const batch<double>& x) {
        std::vector<double> times;
        const step_callback<double> watch = [&](const sample_step<double>& step) {
            times.push_back(step.t);
            return true;
        };
        static_cast<void>(
            denoise_from<double>(solver, point_at, -3, 3, exact_network(data, prediction::epsilon), x, watch));
        return times;
    };
    std::vector<std::vector<double>> alone;
    for (isize n = 0; n < 3; ++n) {
        alone.push_back(times_of(start.col(n)));
    }
    const std::vector<double> together = times_of(start);
    CHECK(alone[0] != alone[1]);
    for (std::size_t k = 0; k < together.size(); ++k) {
        double least = 3;  // where a sample that has ended waits
        for (const std::vector<double>& own : alone) {
            least = k < own.size() ? std::min(least, own[k]) : least;
        }
        CHECK(together[k] == least);
    }
}

TEST_CASE("a long sample of repeated elements takes the steps of one of them", "[sampler]") {
    const gaussian_data data;
    const adaptive_dpm_solver solver{
        .relative_tolerance = 1e-4, .absolute_tolerance = 1e-4, .first_step = 2};  // the first is rejected
    auto network = exact_network(data, prediction::epsilon);
    const batch<double> start = flow(data, -3);
    const auto one = denoise_from<double>(solver, point_at, -3, 3, network, start);
    const auto many = denoise_from<double>(solver, point_at, -3, 3, network, batch<double>(start.replicate(20000, 1)));
    CHECK(one.rejected[0] > 0);
    CHECK(many.accepted == one.accepted);
    CHECK(many.rejected == one.rejected);
    CHECK((many.x - one.x.replicate(20000, 1)).abs().maxCoeff() < 1e-9);
}

TEST_CASE("a sample that takes too many steps is given up", "[sampler]") {
    const gaussian_data data;
    const auto result = denoise_from<double>(adaptive_dpm_solver{.most_steps = 3}, point_at, -3, 3,
                                             exact_network(data, prediction::epsilon), flow(data, -3));
    CHECK_FALSE(result.finished);
    CHECK(result.accepted[0] + result.rejected[0] == 3);
    CHECK(result.x.allFinite());
}

TEST_CASE("a sample that is not finite is given up, and the others go on", "[sampler]") {
    const gaussian_data data;
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    const batch<double> start = flow(data, -3);
    const auto whole = denoise_from<double>({}, point_at, -3, 3, exact_network(data, prediction::epsilon), start);
    const auto is_given_up = [&](const adaptive_result<double>& result, isize steps) {
        CHECK_FALSE(result.finished);
        CHECK(result.accepted[1] == 0);
        CHECK(result.rejected[1] < steps);
        CHECK((result.x.col(0) == whole.x.col(0)).all());
        CHECK((result.x.col(2) == whole.x.col(2)).all());
    };
    for (const double value : {nan, infinity}) {
        batch<double> x = start;
        x(0, 1) = value;
        is_given_up(denoise_from<double>({}, point_at, -3, 3, exact_network(data, prediction::epsilon), x), 100);
        // Of a network that fails, a sample stays where it was.
        const auto fails = [&](batch_view<const double> xt, std::span<const double> t,
                               const model_output<double>& out) {
            exact_network(data, prediction::epsilon)(xt, t, out);
            out.prediction(1, 1) = value;
        };
        const adaptive_dpm_solver solver{.control = {.proportional = 0.3, .integral = 0.4}};
        const auto result = denoise_from<double>(adaptive_dpm_solver{}, point_at, -3, 3, fails, start);
        is_given_up(result, 100);
        CHECK((result.x.col(1) == start.col(1)).all());
        CHECK_FALSE(denoise_from<double>(solver, point_at, -3, 3, fails, start).finished);
    }
}

TEST_CASE("an adaptive step allocates nothing", "[sampler]") {
    const gaussian_data data;
    const auto network = [](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = 0.5 * xt.array();
    };
    for (const isize order : {2, 3}) {
        const auto allocated = [&](isize steps) {
            const adaptive_dpm_solver solver{
                .order = order, .relative_tolerance = 1e-5, .absolute_tolerance = 1e-5, .most_steps = steps};
            batch<double> x = flow(data, -3);
            const std::size_t before = allocations;
            const auto result = denoise_from<double>(solver, point_at, -3, 3, network, std::move(x));
            const std::size_t made = allocations - before;
            CHECK(result.accepted[0] + result.rejected[0] == steps);
            return made;
        };
        CHECK((allocated(3) > 0) == allocations_are_counted);  // a thread's scratch too
        CHECK(allocated(3) == allocated(20));
    }
}

TEST_CASE("adaptive_dpm_solver: what is outside its domain is an error", "[sampler]") {
    const gaussian_data data;
    const auto run = [&](const adaptive_dpm_solver& solver, double from, double to) {
        return denoise_from<double>(solver, point_at, from, to, exact_network(data, prediction::epsilon),
                                    flow(data, -3));
    };
    CHECK_THROWS_AS(run({.order = 1}, -3, 3), value_error);
    CHECK_THROWS_AS(run({.relative_tolerance = 0}, -3, 3), value_error);
    CHECK_THROWS_AS(run({.absolute_tolerance = 0}, -3, 3), value_error);
    CHECK_THROWS_AS(run({.first_step = 0}, -3, 3), value_error);
    CHECK_THROWS_AS(run({.first_step = -1}, -3, 3), value_error);
    CHECK_THROWS_AS(run({.most_steps = 0}, -3, 3), value_error);
    CHECK_FALSE(run({.most_steps = 1}, -3, 3).finished);
    CHECK_THROWS_AS(run({.control = {.integral = std::numeric_limits<double>::quiet_NaN()}}, -3, 3), value_error);
    CHECK_THROWS_AS(run({}, 3, 3), value_error);
}

}  // namespace ddpm::test
