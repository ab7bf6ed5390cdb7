// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/memory/tensor.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a tensor starts as aligned zeros of its shape", "[nn]", float, double) {
    nn::tensor<TestType> t({3, 4, 5});
    REQUIRE(t.size() == 60);
    CHECK(t.shape().dimensions() == 3);
    CHECK(t.shape()[1] == 4);
    CHECK(t.shape().text() == "[3, 4, 5]");
    CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
    for (const TestType x : t.values()) {
        REQUIRE(x == 0);
    }
}

TEST_CASE("a tensor copies as a value", "[nn]") {
    nn::tensor<float> a({2});
    a[0] = 1;
    nn::tensor<float> b = a;
    b[0] = 2;
    CHECK(a[0] == 1);
    CHECK(b.shape() == a.shape());
}

TEST_CASE("the columns of an (N, D) tensor are a batch", "[nn]") {
    nn::tensor<float> t({4, 3});
    const batch_view<float> view = t.columns(2);
    CHECK(view.rows() == 3);
    CHECK(view.columns() == 2);
    view(2, 1) = 7;
    CHECK(t[5] == 7);
}

TEST_CASE("an empty tensor has no elements", "[nn]") {
    CHECK(nn::tensor<float>().size() == 0);
    CHECK(nn::tensor_shape{3, 0}.size() == 0);
    CHECK(nn::tensor<float>({0, 5}).size() == 0);
}

TEST_CASE("shapes outside their domain are refused", "[nn]") {
    CHECK_THROWS_AS((nn::tensor_shape{1, 2, 3, 4, 5}), shape_error);
    CHECK_THROWS_AS((nn::tensor_shape{-1}), shape_error);
    constexpr ddpm::isize huge = std::numeric_limits<ddpm::isize>::max();
    CHECK_THROWS_AS((nn::tensor_shape{huge}), shape_error);
    CHECK_THROWS_AS((nn::tensor_shape{ddpm::isize{1} << 32, ddpm::isize{1} << 32}), shape_error);
    CHECK_THROWS_AS((nn::tensor_shape{0, huge}), shape_error);
}

}  // namespace ddpm::test
