// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/train/adam.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::test {

namespace {

/// One tensor and its gradient.
template <Scalar S>
struct one_tensor {
    nn::tensor<S> p, g;
    std::vector<nn::parameter<S>> parameters{{"p", p.shape(), p.values()}};
    std::vector<nn::parameter<S>> gradients{{"p", g.shape(), g.values()}};

    explicit one_tensor(ddpm::isize size) : p({size}), g({size}) {}
};

/// Three steps at falling learning rates, as the torch script of the expected values makes them.
template <Scalar S>
std::array<double, 4> after_three_steps(const adam_options& options) {
    constexpr std::array start{0.5, -1.0, 2.0, 0.0};
    constexpr std::array<std::array<double, 4>, 3> gradients{
        {{0.1, -2.0, 0.0, 1e-5}, {0.3, 1.0, -0.5, 1e-5}, {-0.2, 0.5, 3.0, -2e-5}}};
    one_tensor<S> t(4);
    for (ddpm::isize i = 0; i < 4; ++i) {
        t.p[i] = static_cast<S>(start[static_cast<std::size_t>(i)]);
    }
    adam<S> optimizer(t.parameters, options);
    for (std::size_t k = 0; k < 3; ++k) {
        for (ddpm::isize i = 0; i < 4; ++i) {
            t.g[i] = static_cast<S>(gradients[k][static_cast<std::size_t>(i)]) * S(4);
        }
        optimizer.step(t.parameters, t.gradients, 1e-2 / static_cast<double>(k + 1), 0.25);
    }
    CHECK(optimizer.state().steps == 3);
    return {static_cast<double>(t.p[0]), static_cast<double>(t.p[1]), static_cast<double>(t.p[2]),
            static_cast<double>(t.p[3])};
}

void check_close(const std::array<double, 4>& got, const std::array<double, 4>& expected, double tolerance) {
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(std::abs(got[i] - expected[i]) <= tolerance * std::max(0.03, std::abs(expected[i])));
    }
}

}  // namespace

TEST_CASE("adam makes the steps of torch's Adam and AdamW", "[train]") {
    SECTION("in double") {
        check_close(after_three_steps<double>({}),
                    {0.4845514162997529, -0.9884636853190295, 2.0019353146461047, -0.014733028685821934}, 1e-15);
        check_close(after_three_steps<double>({.weight_decay = 0.1, .decoupled = false}),
                    {0.4837788876546396, -0.9879398581228601, 1.9892020422943966, -0.0035459657854688548}, 1e-15);
        check_close(after_three_steps<double>({.weight_decay = 0.1}),
                    {0.4836451108507164, -0.9866401273807179, 1.9982694074181004, -0.01472304034083359}, 1e-15);
    }
    SECTION("in float, to rounding") {
        constexpr double ulp = 1.2e-7;
        check_close(after_three_steps<float>({}),
                    {0.48455142974853516, -0.9884636998176575, 2.0019354820251465, -0.014733029529452324}, 2 * ulp);
        check_close(after_three_steps<float>({.weight_decay = 0.1, .decoupled = false}),
                    {0.4837788939476013, -0.9879398345947266, 1.9892020225524902, -0.003545965999364853}, 2 * ulp);
        check_close(after_three_steps<float>({.weight_decay = 0.1}),
                    {0.48364511132240295, -0.9866401553153992, 1.9982694387435913, -0.014723041094839573}, 2 * ulp);
    }
}

TEMPLATE_TEST_CASE("adam does not depend on the thread count", "[train]", float, double) {
    const auto run = [] {
        one_tensor<TestType> t(50000);
        const batch<TestType> p = random_batch<TestType>(50000, 1, 1), g = random_batch<TestType>(50000, 1, 2);
        std::copy_n(p.data(), 50000, t.p.data());
        std::copy_n(g.data(), 50000, t.g.data());
        adam<TestType> optimizer(t.parameters);
        optimizer.step(t.parameters, t.gradients, 1e-3);
        optimizer.step(t.parameters, t.gradients, 1e-3);
        return t.p;
    };
    set_thread_count(1);
    const auto alone = run();
    set_thread_count(3);
    const auto together = run();
    set_thread_count(0);
    CHECK(std::equal(alone.values().begin(), alone.values().end(), together.values().begin()));
}

TEST_CASE("adam tells of each element once, when it has its new value", "[train]") {
    constexpr ddpm::isize size = 50000;
    one_tensor<float> t(size), expected(size);
    const batch<float> g = random_batch<float>(size, 1, 2);
    std::copy_n(g.data(), size, t.g.data());
    std::copy_n(g.data(), size, expected.g.data());
    adam<float> optimizer(t.parameters), other(expected.parameters);
    other.step(expected.parameters, expected.gradients, 1e-3, 0.5);
    for (const int threads : {1, 3}) {
        set_thread_count(threads);
        nn::tensor<float> seen({size});
        optimizer = adam<float>(t.parameters);
        std::fill(t.p.values().begin(), t.p.values().end(), 0.0F);
        optimizer.step(t.parameters, t.gradients, 1e-3, 0.5, [&](std::size_t, ddpm::isize first, ddpm::isize count) {
            for (ddpm::isize i = first; i < first + count; ++i) {
                seen[i] += t.p[i];
            }
        });
        CHECK(std::equal(seen.values().begin(), seen.values().end(), expected.p.values().begin()));
    }
    set_thread_count(0);
}

TEST_CASE("adam refuses what does not fit", "[train]") {
    one_tensor<float> t(4), other(5);
    CHECK_THROWS_AS((adam<float>(t.parameters, {.beta1 = 1})), value_error);
    CHECK_THROWS_AS((adam<float>(t.parameters, {.beta1 = -0.1})), value_error);
    CHECK_NOTHROW((adam<float>(t.parameters, {.beta1 = 0, .beta2 = 0})));
    CHECK_THROWS_AS((adam<float>(t.parameters, {.beta2 = NAN})), value_error);
    CHECK_THROWS_AS((adam<float>(t.parameters, {.epsilon = 0})), value_error);
    CHECK_THROWS_AS((adam<float>(t.parameters, {.weight_decay = -1})), value_error);
    CHECK_THROWS_AS((adam<float>(t.parameters, {.beta1 = 1 - 1e-12})), value_error);
    CHECK_NOTHROW((adam<double>(one_tensor<double>(4).parameters, {.beta1 = 1 - 1e-12})));
    CHECK_THROWS_AS((adam<float>(t.parameters, {.epsilon = 1e-50})), value_error);
    CHECK_THROWS_AS(adam<float>(t.parameters).require_learning_rate("test", 1e39), value_error);
    CHECK_NOTHROW(adam<float>(t.parameters).require_learning_rate("test", 0));
    constexpr double largest = std::numeric_limits<float>::max(), smallest = std::numeric_limits<float>::min();
    CHECK_NOTHROW((adam<float>(t.parameters, {.epsilon = largest})));
    CHECK_NOTHROW((adam<float>(t.parameters, {.epsilon = smallest})));
    // Its quotient by 1 − beta1, and its product with the weight decay, are beyond float.
    CHECK_THROWS_AS(adam<float>(t.parameters).require_learning_rate("test", 1e38), value_error);
    CHECK_NOTHROW(adam<float>(t.parameters, {.beta1 = 0}).require_learning_rate("test", 1e38));
    CHECK_THROWS_AS((adam<float>(t.parameters, {.beta1 = 0, .weight_decay = 10}).require_learning_rate("test", 1e38)),
                    value_error);
    adam<float> optimizer(t.parameters);
    CHECK_THROWS_AS(optimizer.step(other.parameters, t.gradients, 1), shape_error);
    CHECK_THROWS_AS(optimizer.step(t.parameters, other.gradients, 1), shape_error);
    CHECK_THROWS_AS(optimizer.step({}, t.gradients, 1), shape_error);
    CHECK(optimizer.state().steps == 0);
    CHECK_NOTHROW(optimizer.first_not_finite(t.parameters, t.gradients, 1));
    CHECK_THROWS_AS(optimizer.first_not_finite(other.parameters, t.gradients, 1), shape_error);
    CHECK_THROWS_AS(optimizer.first_not_finite(t.parameters, other.gradients, 1), shape_error);
    CHECK_THROWS_AS(optimizer.first_not_finite(t.parameters, {}, 1), shape_error);
}

TEST_CASE("adam names the first parameter that a step would not leave finite, and changes nothing", "[train]") {
    constexpr float largest = std::numeric_limits<float>::max();
    const auto asks = [](float p, float g, float m, float v, double rate, double scale = 1,
                         const adam_options& o = {}) {
        one_tensor<float> t(40000);
        std::fill_n(t.p.data(), 40000, 0.5F);
        std::fill_n(t.g.data(), 40000, 0.5F);
        adam<float> optimizer(t.parameters, o);
        t.p[39999] = p;
        t.g[39999] = g;
        optimizer.state().first[0][39999] = m;
        optimizer.state().second[0][39999] = v;
        const bool finite = !optimizer.first_not_finite(t.parameters, t.gradients, rate, scale);
        CHECK(t.p[39999] == p);
        CHECK(optimizer.state().steps == 0);
        optimizer.step(t.parameters, t.gradients, rate, scale);
        CHECK(std::isfinite(t.p[39999]) >= finite);
        return finite;
    };
    CHECK(asks(1, 1, 0, 0, 1e-3));
    CHECK(asks(largest / 4, 1, 0, 0, 1e30));
    CHECK_FALSE(asks(largest / 4, -1, 0, 0, 1.5e38 * 0.9));
    CHECK_FALSE(asks(-largest / 2, 1, 0, 0, 1e37));
    CHECK_FALSE(asks(1, 1e20F, 0, 0, 1e-3));  // its square is the second moment
    CHECK(asks(1, 1e20F, 0, 0, 1e-3, 1e-10));
    CHECK_FALSE(asks(1, NAN, 0, 0, 1e-3));
    CHECK_FALSE(asks(1, 1, 0, INFINITY, 1e-3));
    // The limits themselves are allowed: of the second moment the largest number, of the parameter half of it.
    CHECK(asks(largest / 2, 0, 0, 0, 1e-3));
    CHECK(asks(1, 1.84e19F, 0, largest, 1e-3, 1, {.beta2 = 1 - 0x1p-24}));
    CHECK_FALSE(asks(1e20F, 1, 0, 0, 1e-3, 1, {.weight_decay = 1e10, .decoupled = false}));
    CHECK_FALSE(asks(1e38F, 1, 0, 0, 1, 1, {.weight_decay = 10}));
}

TEST_CASE("adam names the first of several parameters that would not be finite", "[train]") {
    one_tensor<float> small(3), large(40000);
    large.p[39999] = 1;
    const std::vector<nn::parameter<float>> parameters{small.parameters[0], large.parameters[0], large.parameters[0]};
    const std::vector<nn::parameter<float>> gradients{small.gradients[0], large.gradients[0], large.gradients[0]};
    const adam<float> optimizer(std::span<const nn::parameter<float>>{parameters});
    CHECK_FALSE(optimizer.first_not_finite(parameters, gradients, 1e-3));
    large.g[39999] = 1e20F;
    CHECK(optimizer.first_not_finite(parameters, gradients, 1e-3) == 1);
    small.g[2] = NAN;
    CHECK(optimizer.first_not_finite(parameters, gradients, 1e-3) == 0);
}

}  // namespace ddpm::test
