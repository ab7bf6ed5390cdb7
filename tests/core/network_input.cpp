// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/network_input.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("the middle of an input is that of all it holds, and keeps its dropout masks", "[core]") {
    const batch<float> x = pattern<float>(3, 5, 1), vectors = pattern<float>(2, 5, 2);
    const std::vector<double> t{0, 1, 2, 3, 4};
    const std::vector<isize> labels{5, 6, 7, 8, 9};
    const network_input<float> in{x, t, {.labels = labels, .vectors = vectors}, dropout_masks{11, 3, 40}};
    CHECK(in.samples() == 5);
    const network_input<float> part = in.middle(2, 2);
    CHECK(part.samples() == 2);
    CHECK((part.xt.array() == x.middleCols(2, 2)).all());
    CHECK(std::vector(part.t.begin(), part.t.end()) == std::vector<double>{2, 3});
    CHECK(std::vector(part.condition.labels.begin(), part.condition.labels.end()) == std::vector<isize>{7, 8});
    CHECK((part.condition.vectors.array() == vectors.middleCols(2, 2)).all());
    REQUIRE(part.dropout);
    CHECK(part.dropout->seed == 11);
    CHECK(part.dropout->step == 3);
    CHECK(part.dropout->first_sample == 42);
    CHECK(part.middle(1, 1).dropout->first_sample == 43);
    CHECK(in.dropout->first_sample == 40);
    CHECK_FALSE(network_input<float>{x, t}.middle(1, 1).dropout);
    CHECK(in.middle(5, 0).samples() == 0);
}

TEST_CASE("an input is of the network's shape, with a time and a condition for each sample", "[core]") {
    const batch<float> x = pattern<float>(3, 2, 1);
    const std::vector<double> t{0, 1}, one{0};
    const std::vector<isize> labels{0, 1}, wrong{0, 2}, three{0, 1, 0};
    const condition_shape takes{.classes = 2};
    const auto require = [&](const network_input<float>& in, const sample_shape& shape) {
        detail::require_input("here", in, shape, takes);
    };
    CHECK_NOTHROW(require({x, t, {.labels = labels}}, 3));
    CHECK_THROWS_AS(require({x, t, {.labels = labels}}, 4), shape_error);
    CHECK_THROWS_AS(require({x, one, {.labels = labels}}, 3), shape_error);
    CHECK_THROWS_AS(require({x, t}, 3), shape_error);
    CHECK_THROWS_AS(require({x, t, {.labels = three}}, 3), shape_error);
    CHECK_THROWS_AS(require({x, t, {.labels = wrong}}, 3), value_error);
    CHECK_NOTHROW(require({x.leftCols(0), {}}, 3));
}

}  // namespace ddpm::test
