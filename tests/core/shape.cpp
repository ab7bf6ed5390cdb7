// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/shape.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string>

namespace ddpm::test {

TEST_CASE("a shape is a dimension or an image", "[core]") {
    STATIC_REQUIRE(sample_shape{}.size() == 0);
    STATIC_REQUIRE(sample_shape{64}.size() == 64);
    STATIC_REQUIRE(sample_shape{8, 6, 3}.size() == 144);
    constexpr sample_shape image{8, 6, 3};
    CHECK(image.height == 8);
    CHECK(image.width == 6);
    CHECK(image.channels == 3);
}

TEST_CASE("a dimension is made implicitly, so that options can say .shape = 64", "[core]") {
    struct options {
        sample_shape shape{};
    };
    const options with_dimension{.shape = 64};
    const options with_image{.shape = {8, 8, 1}};
    CHECK(with_dimension.shape.size() == with_image.shape.size());
}

TEST_CASE("shapes are equal if height, width and channels are", "[core]") {
    STATIC_REQUIRE(sample_shape{64} == sample_shape{64, 1, 1});
    STATIC_REQUIRE(sample_shape{64} != sample_shape{8, 8, 1});
    STATIC_REQUIRE(sample_shape{2, 3, 4} != sample_shape{2, 4, 3});
}

TEST_CASE("a shape whose elements cannot be counted is refused, not wrapped around", "[core]") {
    constexpr isize huge = isize{1} << 62;
    for (const sample_shape shape :
         {sample_shape{huge + 1, 4, 1}, sample_shape{-2, -2, 1}, sample_shape{-1}, sample_shape{1, huge, 2},
          sample_shape{3, 0, -1}, sample_shape{huge, 2, 0}, sample_shape{std::numeric_limits<isize>::min(), -1, 1}}) {
        CHECK_THROWS_AS(shape.size(), shape_error);
    }
    CHECK(sample_shape{huge, 1, 1}.size() == huge);
    CHECK(sample_shape{3, 0, 2}.size() == 0);
    try {
        static_cast<void>(sample_shape{huge + 1, 4, 1}.size());
    } catch (const shape_error& e) {
        CHECK(std::string(e.what()) ==
              "sample_shape: number of elements; expected sizes >= 0 with a product below 2^63, "
              "got 4611686018427387905 x 4 x 1");
    }
}

}  // namespace ddpm::test
