// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/detail/step_guard.hpp>

#include "support/catch.hpp"
#include "support/training.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// Steps with gradients of 1 until the guard forbids one; returns how many there were.
template <Scalar S>
isize steps_allowed(constant_net<S>& net, double rate, const adam_options& options, isize most, S gradient = 1) {
    constant_net<S> d = net;
    std::fill(d.value.values().begin(), d.value.values().end(), gradient);
    const auto parameters = nn::parameters(net), gradients = nn::parameters(d);
    adam<S> optimizer(std::span(std::as_const(parameters)), options);
    gradient_norm<S> norm(std::span(std::as_const(parameters)));
    detail::step_guard<S> guard;
    guard.begin(parameters, optimizer.state(), norm);
    for (isize step = 0; step < most; ++step) {
        const auto before = net;
        if (guard.first_not_finite(optimizer, parameters, gradients, rate, 1, norm(gradients)) == 0) {
            CHECK(net.value[0] == before.value[0]);
            return step;
        }
        optimizer.step(parameters, gradients, rate);
        CHECK(std::isfinite(net.value[0]));
    }
    return most;
}

}  // namespace

TEMPLATE_TEST_CASE("the guard lets through every step that stays finite, and no other", "[train]", float, double) {
    const double largest = static_cast<double>(std::numeric_limits<TestType>::max());
    {
        constant_net<TestType> net(3);
        CHECK(steps_allowed(net, 1e-3, {}, 1000) == 1000);
        CHECK(std::abs(static_cast<double>(net.value[0]) + 1) < 1e-3);
    }
    {
        // Each step is about the rate, however far the bounds overestimate that: up to half the largest number.
        constant_net<TestType> net(3);
        CHECK(steps_allowed(net, largest / 200, {}, 1000) == 100);
    }
    {
        // A coupled decay makes a large gradient of a large parameter.
        constant_net<TestType> net(3);
        net.value[1] = static_cast<TestType>(std::sqrt(largest));
        CHECK(steps_allowed(net, 1e-3, {.weight_decay = 10, .decoupled = false}, 10) == 0);
        CHECK(steps_allowed(net, 1e-3, {.weight_decay = 0.01, .decoupled = false}, 10) == 10);
    }
    {
        // A decay that more than turns a parameter round makes it grow.
        constant_net<TestType> net(3);
        net.value[1] = static_cast<TestType>(std::sqrt(largest));
        const isize steps = steps_allowed(net, 1, {.weight_decay = 101}, 1000);
        CHECK(std::abs(static_cast<double>(steps) - std::log(std::sqrt(largest) / 2) / std::log(100.0)) < 2);
    }
    {
        constant_net<TestType> net(3);
        net.value[1] = std::numeric_limits<TestType>::quiet_NaN();
        CHECK(steps_allowed(net, 1e-3, {}, 10) == 0);
    }
}

}  // namespace ddpm::test
