// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Likelihoods of the smallest networks: each sample meets its own condition, whatever the batches.

#include <ddpm/likelihood/ode_likelihood.hpp>
#include <ddpm/likelihood/variational_bound.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/self_conditioning.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/smallest_networks.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

template <class Net>
Net disturbed_for_likelihood() {
    Net net;
    disturb(net, 0.3, 4);
    return net;
}

const batch<double>& seven_samples() {
    static const batch<double> data = random_batch(4, 7, 1).max(-1.0).min(1.0);
    return data;
}

}  // namespace

TEST_CASE("in the variational bound each sample meets its own condition, whatever the batches", "[likelihood]") {
    const auto net = disturbed_for_likelihood<told_network<double>>();
    const some_conditions<double> given(net.takes(), 2, 7);
    const noise_schedule schedule{linear_beta{}, 12};
    const auto bound_of = [&](bound_options options) {
        return variational_bound(schedule, conditioned(net, given.all()), seven_samples(), options);
    };
    for (const isize steps : {0, 3}) {
        const bound_result all = bound_of({.steps_per_sample = steps, .batch = 100});
        for (const isize batch_size : {1, 2, 3, 7}) {
            const bound_result parts = bound_of({.steps_per_sample = steps, .batch = batch_size});
            CHECK(parts.nats.mean == all.nats.mean);
            CHECK(parts.samples == 7);
        }
        // Sample by sample, each alone with its condition.
        double sum = 0;
        for (isize n = 0; n < 7; ++n) {
            sum += variational_bound(schedule, conditioned(net, given.of(n, 1)), seven_samples().middleCols(n, 1),
                                     {.steps_per_sample = steps, .first_sample = n})
                       .nats.mean;
        }
        CHECK(std::abs(sum / 7 - all.nats.mean) < 1e-12 * std::abs(all.nats.mean));
        const some_conditions<double> other(net.takes(), 2, 7, 70);
        const bound_result wrong =
            variational_bound(schedule, conditioned(net, other.all()), seven_samples(), {.steps_per_sample = steps});
        CHECK(std::abs(wrong.nats.mean - all.nats.mean) > 1e-3);
    }
    // Part by part.
    isize at = 0;
    const auto parts = [&] {
        const isize first = at, count = std::min<isize>(3, 7 - at);
        at += count;
        return batch<double>(seven_samples().middleCols(first, count));
    };
    const bound_result in_parts = variational_bound(schedule, conditioned(net, given.all()), parts, {.batch = 2});
    CHECK(in_parts.nats.mean == bound_of({}).nats.mean);

    CHECK_THROWS_AS(variational_bound(schedule, conditioned(net, given.of(0, 6)), seven_samples(), {.batch = 2}),
                    shape_error);
    CHECK_THROWS_AS(variational_bound(schedule, net, seven_samples()), shape_error);
    const auto line = disturbed_for_likelihood<line_network<double>>();
    CHECK(std::isfinite(variational_bound(schedule, line, seven_samples(), {.batch = 3}).nats.mean));
}

TEST_CASE("the variational bound of a self-conditioned network does not depend on the batch size", "[likelihood]") {
    told_network<double> net(2);  // the maps are the estimate
    disturb(net, 0.3, 4);
    const some_conditions<double> given(net.takes(), 2, 7);
    const noise_schedule schedule{linear_beta{}, 12};
    const auto told = conditioned(self_conditioned(net, schedule, {.clip_x0 = 1.0}),
                                  {.labels = given.labels, .vectors = given.vectors});
    for (const isize steps : {0, 3}) {
        const auto bound_of = [&](isize batch_size) {
            return variational_bound(schedule, told, seven_samples(), {.steps_per_sample = steps, .batch = batch_size})
                .nats.mean;
        };
        const double all = bound_of(100);
        for (const isize batch_size : {1, 2, 3, 7}) {
            CHECK(bound_of(batch_size) == all);
        }
    }
}

TEST_CASE("in the likelihood by the probability flow each sample meets its own condition", "[likelihood]") {
    const auto net = disturbed_for_likelihood<told_network<double>>();
    const some_conditions<double> given(net.takes(), 2, 3);
    const batch<double> data = seven_samples().leftCols(3);
    const variance_preserving schedule;
    const auto path = noise_path(schedule);
    const sigma_range range{0.1, 5};
    const auto all = ode_likelihood(path, range, conditioned(net, given.all()), data);
    REQUIRE(all.log_density.size() == 3);
    CHECK(all.log_density.allFinite());
    for (isize n = 0; n < 3; ++n) {
        const auto one = ode_likelihood(path, range, conditioned(net, given.of(n, 1)), batch<double>(data.col(n)));
        CHECK(one.log_density(0) == all.log_density(n));
        CHECK((one.noise.col(0) == all.noise.col(n)).all());
    }
    const some_conditions<double> other(net.takes(), 2, 3, 70);
    const auto wrong = ode_likelihood(path, range, conditioned(net, other.all()), data);
    CHECK((wrong.noise != all.noise).any());
    CHECK_THROWS_AS(ode_likelihood(path, range, conditioned(net, given.of(0, 2)), data), shape_error);
    CHECK_THROWS_AS(ode_likelihood(path, range, net, data), shape_error);
    const auto line = disturbed_for_likelihood<line_network<double>>();
    CHECK(ode_likelihood(path, range, line, data).log_density.allFinite());
}

}  // namespace ddpm::test
