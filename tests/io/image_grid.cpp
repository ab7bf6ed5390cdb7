// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/image_grid.hpp>

#include "support/catch.hpp"

#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using io::image8;
using io::image_grid;
using io::pixel_of;

using bytes = std::vector<std::uint8_t>;

TEST_CASE("values in [-1, 1] become 8 bits", "[io]") {
    CHECK(pixel_of(-1) == 0);
    CHECK(pixel_of(1) == 255);
    CHECK(pixel_of(0) == 128);                // 127.5, the half goes to the even one
    CHECK(pixel_of(2 * 0.5 / 255 - 1) == 0);  // 0.5
    CHECK(pixel_of(2 * 126.5 / 255 - 1) == 126);
    CHECK(pixel_of(-1e300) == 0);
    CHECK(pixel_of(1e300) == 255);
    CHECK(pixel_of(std::numeric_limits<double>::infinity()) == 255);
    CHECK(pixel_of(-std::numeric_limits<double>::infinity()) == 0);
    CHECK(pixel_of(std::numeric_limits<double>::quiet_NaN()) == 0);
    for (int value = 0; value < 256; ++value) {
        CHECK(pixel_of(value / 127.5 - 1) == value);
        CHECK(pixel_of(static_cast<float>(value / 127.5 - 1)) == value);
    }
}

TEMPLATE_TEST_CASE("image_grid places tiles row by row with padding around each", "[io]", float, double) {
    // Three images of 1 × 2, 255 apart from the background of 9.
    batch<TestType> images(2, 3);
    images << -1, 1, TestType(51 / 127.5 - 1), 1, -1, TestType(102 / 127.5 - 1);
    const image8 grid = image_grid(images, {1, 2, 1}, {.columns = 2, .background = 9});
    CHECK(grid.height == 5);
    CHECK(grid.width == 7);
    CHECK(grid.channels == 1);
    const bytes expected{9, 9,  9,   9, 9,   9, 9,  //
                         9, 0,  255, 9, 255, 0, 9,  //
                         9, 9,  9,   9, 9,   9, 9,  //
                         9, 51, 102, 9, 9,   9, 9,  //
                         9, 9,  9,   9, 9,   9, 9};
    CHECK(grid.pixels == expected);
}

TEST_CASE("image_grid keeps channels together and enlarges", "[io]") {
    batch<float> images(3, 1);
    images << -1, 1, static_cast<float>(7 / 127.5 - 1);
    const image8 grid = image_grid(images, {1, 1, 3}, {.padding = 0, .scale = 2});
    CHECK(grid.height == 2);
    CHECK(grid.width == 2);
    CHECK(grid.channels == 3);
    CHECK(grid.pixels == bytes{0, 255, 7, 0, 255, 7, 0, 255, 7, 0, 255, 7});
    const image8 padded = image_grid(images, {1, 1, 3}, {.padding = 1, .scale = 3});
    CHECK(padded.height == 9);
    CHECK(padded.pixels[(3 * 9 + 3) * 3 + 1] == 255);
    CHECK(padded.pixels[(5 * 9 + 5) * 3 + 1] == 255);
    CHECK(padded.pixels[(2 * 9 + 3) * 3 + 1] == 0);
    CHECK(padded.pixels[(6 * 9 + 5) * 3 + 1] == 0);
}

TEST_CASE("image_grid chooses rows and columns that are not given", "[io]") {
    const auto size_of = [](ddpm::isize count, const io::grid_options& options) {
        io::grid_options bare = options;
        bare.padding = 0;
        const image8 grid = image_grid(batch<float>::Zero(1, count), {1, 1, 1}, bare);
        return std::pair(grid.height, grid.width);
    };
    using extents = std::pair<ddpm::isize, ddpm::isize>;
    CHECK((size_of(1, {}) == extents(1, 1)));
    CHECK((size_of(9, {}) == extents(3, 3)));
    CHECK((size_of(10, {}) == extents(3, 4)));
    CHECK((size_of(12, {}) == extents(3, 4)));
    CHECK((size_of(13, {}) == extents(4, 4)));
    CHECK((size_of(10, {.columns = 5}) == extents(2, 5)));
    CHECK((size_of(10, {.rows = 1}) == extents(1, 10)));
    CHECK((size_of(10, {.rows = 3}) == extents(3, 4)));
    CHECK((size_of(10, {.columns = 20, .rows = 2}) == extents(2, 20)));
    CHECK((size_of(0, {}) == extents(1, 1)));
}

TEST_CASE("image_grid takes views and expressions", "[io]") {
    const batch<double> images = batch<double>::Random(6, 4);
    const image8 whole = image_grid(images, {2, 3, 1});
    CHECK(image_grid(batch_view<const double>(images), {2, 3, 1}).pixels == whole.pixels);
    CHECK(image_grid(images * 1.0, {2, 3, 1}).pixels == whole.pixels);
}

TEST_CASE("image_grid refuses what does not fit", "[io]") {
    const batch<float> images = batch<float>::Zero(4, 5);
    CHECK_THROWS_AS(image_grid(images, {2, 3, 1}), shape_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 2}), shape_error);
    CHECK_THROWS_AS(image_grid(images, {0, 4, 1}), shape_error);
    CHECK_THROWS_AS(image_grid(images, {-2, -2, 1}), shape_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.columns = 2, .rows = 2}), shape_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.columns = -1}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.rows = -1}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.padding = -1}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.scale = 0}), value_error);
    constexpr ddpm::isize huge = std::numeric_limits<ddpm::isize>::max();
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.scale = huge}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.padding = huge}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.columns = huge}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, 1}, {.padding = 1 << 28, .scale = 1 << 28}), value_error);
    CHECK_THROWS_AS(image_grid(images, {huge, huge, 2}), value_error);
    CHECK_THROWS_AS(image_grid(images, {2, 2, huge}), shape_error);
}

}  // namespace
}  // namespace ddpm::test
