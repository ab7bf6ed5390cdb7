// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/types.hpp>

#include "support/catch.hpp"

#include <type_traits>

namespace ddpm::test {

TEST_CASE("float and double are the scalars", "[core]") {
    STATIC_REQUIRE(Scalar<float>);
    STATIC_REQUIRE(Scalar<double>);
    STATIC_REQUIRE(!Scalar<int>);
    STATIC_REQUIRE(!Scalar<long double>);
    STATIC_REQUIRE(!Scalar<const float>);
}

TEST_CASE("sizes are signed and hold any array's size", "[core]") {
    STATIC_REQUIRE(std::is_signed_v<isize>);
    STATIC_REQUIRE(sizeof(isize) == sizeof(void*));
}

TEMPLATE_TEST_CASE("a batch keeps a sample's elements together", "[core]", float, double) {
    batch<TestType> x(3, 2);
    x << 1, 4, 2, 5, 3, 6;
    CHECK(x.data()[2] == 3);
    CHECK(x.data()[3] == 4);
    STATIC_REQUIRE(std::is_same_v<typename per_sample_values<TestType>::Scalar, TestType>);
    CHECK(per_sample_values<TestType>::Zero(5).rows() == 1);
}

}  // namespace ddpm::test
