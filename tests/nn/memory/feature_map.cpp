// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/memory/feature_map.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <array>
#include <numeric>
#include <string>
#include <type_traits>

namespace ddpm::test {

static_assert(std::is_convertible_v<nn::feature_map<float>, nn::feature_map<const float>>);
static_assert(!std::is_convertible_v<nn::feature_map<const float>, nn::feature_map<float>>);
static_assert(!std::is_convertible_v<nn::feature_map<float>, nn::feature_map<const double>>);
static_assert(std::is_same_v<nn::feature_map<const double>::scalar, double>);

TEMPLATE_TEST_CASE("a map is a batch of pixels, and of images", "[nn]", float, double) {
    using S = TestType;
    std::array<S, 48> values{};
    std::iota(values.begin(), values.end(), S(0));
    const nn::feature_map<S> map{values.data(), 2, 3, 4, 2};
    CHECK(map.pixels() == 12);
    CHECK(map.size() == 48);
    CHECK_FALSE(map.empty());
    // Of sample 1, row 2, column 3 and channel 1.
    constexpr isize place = ((1 * 3 + 2) * 4 + 3) * 2 + 1;
    const batch_view<S> columns = map.columns(), images = map.images();
    CHECK(columns.rows() == 2);
    CHECK(columns.columns() == 24);
    CHECK(columns(1, 1 * 12 + 2 * 4 + 3) == static_cast<S>(place));
    CHECK(images.rows() == 24);
    CHECK(images.columns() == 2);
    CHECK(images((2 * 4 + 3) * 2 + 1, 1) == static_cast<S>(place));
    const nn::feature_map<S> second = map.sample(1);
    CHECK(second.data == values.data() + 24);
    CHECK(second.samples == 1);
    CHECK(second.size() == 24);
    CHECK(second.pixels() == 12);
    CHECK(second.channels == 2);
    const nn::feature_map<const S> constant = map;
    CHECK(constant.data == map.data);
    CHECK(constant.images().columns() == 2);
    CHECK(constant.sample(1).data == second.data);
    second.images()(0, 0) = S(77);
    CHECK(values[24] == S(77));
}

TEST_CASE("a map without memory is empty, whatever its sizes", "[nn]") {
    CHECK(nn::feature_map<float>{}.empty());
    CHECK(nn::feature_map<float>{}.size() == 0);
    CHECK(nn::feature_map<const double>{nullptr, 2, 3, 4, 5}.empty());
}

TEST_CASE("a map of other sizes is a shape_error that names both", "[nn]") {
    std::array<float, 120> values{};
    const nn::feature_map<float> map{values.data(), 2, 3, 4, 5};
    const auto require = [&](isize channels, isize height, isize width, isize samples) {
        nn::detail::require_map("here", "output", map, channels, height, width, samples);
    };
    CHECK_NOTHROW(require(2, 3, 4, 5));
    CHECK_THROWS_AS(require(1, 3, 4, 5), shape_error);
    CHECK_THROWS_AS(require(2, 4, 4, 5), shape_error);
    CHECK_THROWS_AS(require(2, 3, 3, 5), shape_error);
    std::string message;
    try {
        require(2, 3, 4, 6);
    } catch (const shape_error& error) {
        message = error.what();
    }
    CHECK(contains(message, "here: output; expected 2 channels, 3 x 4, 6 samples, got 2 channels, 3 x 4, 5 samples"));
}

}  // namespace ddpm::test
