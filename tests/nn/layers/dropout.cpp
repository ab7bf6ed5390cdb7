// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/dropout.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cmath>

namespace ddpm::test {

namespace {

constexpr nn::dropout_address address{.seed = 11, .step = 5, .first_sample = 3, .layer = 2};

template <Scalar S = float>
batch<S> mask_of(const nn::dropout& layer, ddpm::isize rows, ddpm::isize columns, const nn::dropout_address& at) {
    const batch<S> ones = batch<S>::Ones(rows, columns);
    batch<S> y(rows, columns);
    layer.forward<S>(ones, y, at);
    return y;
}

}  // namespace

TEMPLATE_TEST_CASE("dropout drops its rate and keeps the mean", "[nn]", float, double) {
    const double rate = GENERATE(0.1, 0.5, 0.9);
    constexpr ddpm::isize rows = 10007, columns = 20;
    const batch<TestType> y = mask_of<TestType>({rate}, rows, columns, address);
    const double count = static_cast<double>(rows * columns);
    const double dropped = static_cast<double>((y == TestType(0)).count());
    CHECK(std::abs(dropped / count - rate) <= 5 * std::sqrt(rate * (1 - rate) / count));
    CHECK(std::abs(y.template cast<double>().mean() - 1) <= 5 * std::sqrt(rate / (1 - rate) / count));
    const TestType kept = static_cast<TestType>(1 / (1 - rate));
    CHECK(((y == TestType(0)) || (y == kept)).all());
}

TEMPLATE_TEST_CASE("dropout's backward has forward's mask, in place too", "[nn]", float, double) {
    using S = TestType;
    const nn::dropout layer{0.3};
    const batch<S> x = random_batch<S>(1001, 6, 1), dy = random_batch<S>(1001, 6, 2);
    batch<S> y(1001, 6), dx(1001, 6), in_place = x;
    layer.forward<S>(x, y, address);
    layer.backward<S>(dy, dx, address);
    layer.forward<S>(in_place, in_place, address);
    CHECK((in_place == y).all());
    const batch<S> mask = mask_of<S>(layer, 1001, 6, address);
    CHECK((y == x * mask).all());
    CHECK((dx == dy * mask).all());
}

TEST_CASE("dropout's mask is the words of the addressed stream", "[nn]") {
    const nn::dropout layer{0.25};
    for (const ddpm::isize number : {0, 1, 255}) {
        nn::dropout_address at = address;
        at.layer = number;
        const philox_noise noise(at.seed, static_cast<noise_stream>(5 + 256 * number));
        const batch<float> mask = mask_of(layer, 300, 4, at);
        for (ddpm::isize n = 0; n < 4; ++n) {
            for (ddpm::isize e = 0; e < 300; ++e) {
                REQUIRE((mask(e, n) != 0) == (noise.bits(at.first_sample + n, at.step, e) >= 0x40000000u));
            }
        }
    }
}

TEST_CASE("dropout's mask depends on seed, step, sample and layer, and on nothing else", "[nn]") {
    const nn::dropout layer{0.5};
    const batch<float> mask = mask_of(layer, 500, 8, address);
    CHECK((mask_of(layer, 500, 8, address) == mask).all());
    CHECK((mask_of<double>(layer, 500, 8, address).cast<float>() == mask).all());
    nn::dropout_address later = address;
    later.first_sample += 5;
    CHECK((mask_of(layer, 500, 3, later) == mask.rightCols(3)).all());
    CHECK((mask_of(layer, 100, 8, address) == mask.topRows(100)).all());
    for (const ddpm::isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        CHECK((mask_of(layer, 20000, 8, address).topRows(500) == mask).all());
    }
    set_thread_count(0);
    const auto differs = [&](const nn::dropout_address& at) {
        const double part = static_cast<double>((mask_of(layer, 500, 8, at) != mask).count()) / 4000;
        return part > 0.45 && part < 0.55;
    };
    nn::dropout_address other = address;
    other.seed = 12;
    CHECK(differs(other));
    other = address;
    other.step = 6;
    CHECK(differs(other));
    other = address;
    other.layer = 3;
    CHECK(differs(other));
    other = address;
    other.first_sample = 100;
    CHECK(differs(other));
}

TEST_CASE("dropout at rate 0 is the identity, and near 1 still finite", "[nn]") {
    const batch<double> x = random_batch(77, 3, 1);
    batch<double> y(77, 3);
    nn::dropout{}.forward<double>(x, y, address);
    CHECK((x == y).all());
    nn::dropout{1 - 1e-12}.forward<double>(x, y, address);
    CHECK(y.isFinite().all());
}

TEST_CASE("dropout refuses what does not fit", "[nn]") {
    batch<float> x(4, 3), y(4, 3), wrong(4, 2);
    const nn::dropout layer{0.5};
    CHECK_THROWS_AS(layer.forward<float>(x, wrong, address), shape_error);
    CHECK_THROWS_AS(layer.backward<float>(x, wrong, address), shape_error);
    for (const double rate : {-0.1, 1.0, std::nan("")}) {
        CHECK_THROWS_AS(nn::dropout{rate}.forward<float>(x, y, address), value_error);
        CHECK_THROWS_AS(nn::dropout{rate}.backward<float>(x, y, address), value_error);
    }
    CHECK_THROWS_AS(layer.forward<float>(x, y, {.layer = -1}), value_error);
    CHECK_THROWS_AS(layer.forward<float>(x, y, {.layer = 256}), value_error);
    CHECK_THROWS_AS(layer.forward<float>(x, y, {.step = -1}), value_error);
    CHECK_THROWS_AS(layer.forward<float>(x, y, {.first_sample = ddpm::isize{1} << 32}), value_error);
    CHECK_THROWS_AS(layer.backward<float>(x, y, {.layer = 256}), value_error);
}

}  // namespace ddpm::test
