// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/embedding_table.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <array>

namespace ddpm::test {

namespace {

constexpr std::array<ddpm::isize, 5> ids{3, 0, 3, 1, 3};

}  // namespace

TEMPLATE_TEST_CASE("an embedding table hands out its rows and adds up their gradients", "[nn]", float, double) {
    using S = TestType;
    nn::embedding_table<S> table(4, 19);
    disturb(table, 1, 1);
    batch<S> out(19, 5);
    table.forward(ids, out);
    const batch<S> dout = random_batch<S>(19, 5, 2);
    nn::embedding_table<S> d = nn::zeros_like(table);
    d.weight[2 * 19] = S(7);
    table.backward(ids, dout, d);
    for (ddpm::isize i = 0; i < 19; ++i) {
        for (ddpm::isize n = 0; n < 5; ++n) {
            CHECK(out(i, n) == table.weight[ids[static_cast<std::size_t>(n)] * 19 + i]);
        }
        CHECK(d.weight[i] == dout(i, 1));
        CHECK(d.weight[19 + i] == dout(i, 3));
        CHECK(d.weight[2 * 19 + i] == (i == 0 ? S(7) : S(0)));
        CHECK(d.weight[3 * 19 + i] == dout(i, 0) + dout(i, 2) + dout(i, 4));
    }
    const auto list = nn::parameters(table);
    REQUIRE(list.size() == 1);
    CHECK(list[0].name == "weight");
    CHECK(list[0].shape == nn::tensor_shape{4, 19});
}

TEST_CASE("the gradients of an embedding table are the central differences", "[nn]") {
    nn::embedding_table<double> table(4, 6);
    disturb(table, 1, 1);
    batch<double> out(6, 5);
    const batch<double> dout = random_batch(6, 5, 2);
    nn::embedding_table<double> d = nn::zeros_like(table);
    table.backward(ids, dout, d);
    CHECK(parameter_gradient_error(table, d, [&] {
              table.forward(ids, out);
              return (out * dout).sum();
          }) < 1e-6);
}

TEST_CASE("an embedding table refuses what does not fit", "[nn]") {
    const nn::embedding_table<float> table(4, 6);
    nn::embedding_table<float> d = table;
    batch<float> out(6, 1), wrong_size(5, 1), wrong_count(6, 2);
    for (const ddpm::isize id : {-1, 4}) {
        const std::array<ddpm::isize, 1> bad{id};
        CHECK_THROWS_AS(table.forward(bad, out), value_error);
        CHECK_THROWS_AS(table.backward(bad, out, d), value_error);
    }
    const std::array<ddpm::isize, 1> good{2};
    CHECK_THROWS_AS(table.forward(good, wrong_size), shape_error);
    CHECK_THROWS_AS(table.forward(good, wrong_count), shape_error);
    CHECK_THROWS_AS(table.backward(good, wrong_size, d), shape_error);
    CHECK_THROWS_AS(table.backward(good, wrong_count, d), shape_error);
    nn::embedding_table<float> empty, other(2, 6);
    CHECK_THROWS_AS(table.backward(good, out, empty), shape_error);
    CHECK_THROWS_AS(table.backward(good, out, other), shape_error);
    CHECK_NOTHROW(table.backward(good, out, d));
}

}  // namespace ddpm::test
