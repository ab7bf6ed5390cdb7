// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/shape.hpp>

#include "support/catch.hpp"

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

}  // namespace ddpm::test
