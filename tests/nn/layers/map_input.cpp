// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/map_input.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <vector>

namespace ddpm::test {
namespace {

constexpr sample_shape joined_shape{2, 3, 2};  // six pixels of two channels

}  // namespace

TEMPLATE_TEST_CASE("maps stand after the channels of x_t, pixel by pixel", "[nn]", float, double) {
    using S = TestType;
    const nn::map_input<S> input(joined_shape, 3, false);
    CHECK(nn::parameter_count(input) == 0);
    batch<S> wide_x = random_batch<S>(14, 4, 1), wide_maps = random_batch<S>(20, 4, 2);
    const auto x = wide_x.topRows(12), maps = wide_maps.topRows(18);
    const batch<S> packed_x = x, packed_maps = maps;
    for (const bool gaps : {false, true}) {
        nn::arena<S> memory;
        const condition<S> given{.maps = gaps ? batch_view<const S>(maps) : batch_view<const S>(packed_maps)};
        const auto joined = input.forward(gaps ? batch_view<const S>(x) : batch_view<const S>(packed_x), given, memory);
        REQUIRE(joined.channels == 5);
        REQUIRE(joined.height == 2);
        REQUIRE(joined.width == 3);
        REQUIRE(joined.samples == 4);
        for (isize n = 0; n < 4; ++n) {
            for (isize pixel = 0; pixel < 6; ++pixel) {
                for (isize c = 0; c < 5; ++c) {
                    REQUIRE(joined.images()(5 * pixel + c, n) ==
                            (c < 2 ? packed_x(2 * pixel + c, n) : packed_maps(3 * pixel + c - 2, n)));
                }
            }
        }
    }
}

TEST_CASE("without maps x_t goes in as it is", "[nn]") {
    const nn::map_input<double> input(joined_shape, 0, true);
    CHECK(nn::parameter_count(input) == 0);
    const batch<double> x = random_batch(12, 3, 1), d = random_batch(12, 3, 2);
    batch<double> dx(12, 3);
    nn::arena<double> memory;
    const auto in = input.forward(x, {}, memory);
    CHECK(in.data == x.data());
    CHECK(in.channels == 2);
    nn::map_input<double> gradient = input;
    input.backward({}, {d.data(), 2, 2, 3, 3}, dx, gradient, memory);
    CHECK((dx == d).all());
    CHECK_FALSE(input.needs_gradient(false));
    CHECK(input.needs_gradient(true));
}

TEST_CASE("the gradient of what was joined goes to x_t and to what stood for absent maps", "[nn]") {
    nn::map_input<double> input(joined_shape, 1, true);
    CHECK(nn::parameter_count(input) == 1);
    CHECK(input.needs_gradient(false));
    input.null.value[0] = 0.5;
    batch<double> x = random_batch(12, 3, 1), dx(12, 3);
    const batch<double> maps = random_batch(6, 3, 2), dout = random_batch(18, 3, 3);
    const std::vector<condition_forms> absent{0, static_cast<condition_forms>(condition_form::map), 0};
    for (const condition<double>& given : {condition<double>{.maps = maps}, {.maps = maps, .absent = absent}, {}}) {
        nn::arena<double> memory;
        const auto loss = [&] {
            memory.clear();
            return (input.forward(x, given, memory).images().array() * dout).sum();
        };
        nn::map_input<double> d = nn::zeros_like(input);
        input.backward(given, {dout.data(), 3, 2, 3, 3}, dx, d, memory);
        CHECK(gradient_error(elements(x), elements(std::as_const(dx)), loss) < 1e-8);
        if (given.maps.size() != 0 && given.absent.empty()) {
            CHECK(d.null.value[0] == 0);
        } else {
            CHECK(parameter_gradient_error(input, d, loss) < 1e-8);
        }
        nn::map_input<double> alone = nn::zeros_like(input);
        input.backward(given, {dout.data(), 3, 2, 3, 3}, {}, alone, memory);  // nobody needs dx
        CHECK(alone.null.value[0] == d.null.value[0]);
    }
}

}  // namespace ddpm::test
