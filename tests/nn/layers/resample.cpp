// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/resample.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace ddpm::test {

namespace {

template <Scalar S>
nn::feature_map<S> map_of(batch<S>& values, ddpm::isize channels, ddpm::isize height, ddpm::isize width) {
    return {values.data(), channels, height, width, values.cols()};
}

template <class T>
auto at(const nn::feature_map<T>& map, ddpm::isize c, ddpm::isize h, ddpm::isize w, ddpm::isize n) {
    return map.data[((n * map.height + h) * map.width + w) * map.channels + c];
}

template <class T, class F>
void for_each_element(const nn::feature_map<T>& map, F&& f) {
    for (ddpm::isize n = 0; n < map.samples; ++n) {
        for (ddpm::isize h = 0; h < map.height; ++h) {
            for (ddpm::isize w = 0; w < map.width; ++w) {
                for (ddpm::isize c = 0; c < map.channels; ++c) {
                    f(c, h, w, n);
                }
            }
        }
    }
}

using sizes = std::array<ddpm::isize, 4>;  // channels, height, width, samples

template <Scalar S>
batch<S> nothing(ddpm::isize rows, ddpm::isize columns) {
    return batch<S>::Constant(rows, columns, std::numeric_limits<S>::quiet_NaN());
}

}  // namespace

TEMPLATE_TEST_CASE("upsample_nearest repeats pixels, and sums their gradients", "[nn]", float, double) {
    using S = TestType;
    for (const auto& [c, h, w, n] : {sizes{1, 1, 1, 1}, sizes{3, 4, 5, 2}, sizes{17, 3, 2, 3}, sizes{40, 1, 7, 2}}) {
        batch<S> x = random_batch<S>(c * h * w, n, 1), y = nothing<S>(c * h * w * 4, n);
        const auto low = map_of(x, c, h, w), high = map_of(y, c, 2 * h, 2 * w);
        nn::upsample_nearest{}.forward(low, high);
        bool same = true;
        for_each_element(high, [&](auto ch, auto row, auto column, auto sample) {
            same = same && at(high, ch, row, column, sample) == at(low, ch, row / 2, column / 2, sample);
        });
        CHECK(same);

        batch<S> dy = random_batch<S>(c * h * w * 4, n, 2), dx = nothing<S>(c * h * w, n);
        const auto dhigh = map_of(dy, c, 2 * h, 2 * w), dlow = map_of(dx, c, h, w);
        nn::upsample_nearest{}.backward(dhigh, dlow);
        same = true;
        for_each_element(dlow, [&](auto ch, auto row, auto column, auto sample) {
            const S sum = at(dhigh, ch, 2 * row, 2 * column, sample) + at(dhigh, ch, 2 * row, 2 * column + 1, sample) +
                          at(dhigh, ch, 2 * row + 1, 2 * column, sample) +
                          at(dhigh, ch, 2 * row + 1, 2 * column + 1, sample);
            same = same && at(dlow, ch, row, column, sample) == sum;
        });
        CHECK(same);
    }
}

TEMPLATE_TEST_CASE("downsample_average takes means of 2 x 2, without the odd edge", "[nn]", float, double) {
    using S = TestType;
    for (const auto& [c, h, w, n] : {sizes{1, 2, 2, 1}, sizes{3, 4, 6, 2}, sizes{17, 5, 4, 3}, sizes{40, 2, 7, 2},
                                     sizes{5, 3, 3, 2}, sizes{2, 1, 5, 2}}) {
        batch<S> x = random_batch<S>(c * h * w, n, 1), y = nothing<S>(c * (h / 2) * (w / 2), n);
        const auto high = map_of(x, c, h, w), low = map_of(y, c, h / 2, w / 2);
        nn::downsample_average{}.forward(high, low);
        bool same = true;
        for_each_element(low, [&](auto ch, auto row, auto column, auto sample) {
            const S sum = at(high, ch, 2 * row, 2 * column, sample) + at(high, ch, 2 * row, 2 * column + 1, sample) +
                          at(high, ch, 2 * row + 1, 2 * column, sample) +
                          at(high, ch, 2 * row + 1, 2 * column + 1, sample);
            same = same && at(low, ch, row, column, sample) == sum / 4;
        });
        CHECK(same);

        batch<S> dy = random_batch<S>(c * (h / 2) * (w / 2), n, 2), dx = nothing<S>(c * h * w, n);
        const auto dlow = map_of(dy, c, h / 2, w / 2), dhigh = map_of(dx, c, h, w);
        nn::downsample_average{}.backward(dlow, dhigh);
        same = true;
        for_each_element(dhigh, [&](auto ch, auto row, auto column, auto sample) {
            const bool covered = row / 2 < dlow.height && column / 2 < dlow.width;
            same = same && at(dhigh, ch, row, column, sample) ==
                               (covered ? at(dlow, ch, row / 2, column / 2, sample) / 4 : S(0));
        });
        CHECK(same);
    }
}

TEST_CASE("the gradients of resampling are the central differences", "[nn]") {
    batch<double> x = random_batch(3 * 5 * 4, 2, 1), up(3 * 10 * 8, 2), down(3 * 2 * 2, 2), dx(3 * 5 * 4, 2);
    batch<double> dup = random_batch(3 * 10 * 8, 2, 2), ddown = random_batch(3 * 2 * 2, 2, 3);
    nn::upsample_nearest{}.backward(map_of(dup, 3, 10, 8), map_of(dx, 3, 5, 4));
    CHECK(gradient_error(elements(x), elements(dx), [&] {
              nn::upsample_nearest{}.forward(map_of(x, 3, 5, 4), map_of(up, 3, 10, 8));
              return (up * dup).sum();
          }) < 1e-6);
    nn::downsample_average{}.backward(map_of(ddown, 3, 2, 2), map_of(dx, 3, 5, 4));
    CHECK(gradient_error(elements(x), elements(dx), [&] {
              nn::downsample_average{}.forward(map_of(x, 3, 5, 4), map_of(down, 3, 2, 2));
              return (down * ddown).sum();
          }) < 1e-6);
}

TEST_CASE("resampling has the same bits on any number of threads", "[nn]") {
    batch<float> x = random_batch<float>(48 * 33 * 32, 3, 1), small(48 * 16 * 16, 3), back(48 * 33 * 32, 3);
    batch<float> first_small, first_back;
    for (const ddpm::isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        nn::downsample_average{}.forward(map_of(x, 48, 33, 32), map_of(small, 48, 16, 16));
        nn::downsample_average{}.backward(map_of(small, 48, 16, 16), map_of(back, 48, 33, 32));
        if (threads == 1) {
            first_small = small;
            first_back = back;
        }
        CHECK((small == first_small).all());
        CHECK((back == first_back).all());
    }
    set_thread_count(0);
}

TEST_CASE("resampling refuses maps that do not fit", "[nn]") {
    batch<float> memory(3 * 100, 2);
    const auto map = [&](ddpm::isize c, ddpm::isize h, ddpm::isize w) { return map_of(memory, c, h, w); };
    const nn::upsample_nearest up;
    const nn::downsample_average down;
    CHECK_THROWS_AS(up.forward(map(3, 4, 4), map(3, 8, 7)), shape_error);
    CHECK_THROWS_AS(up.forward(map(3, 4, 4), map(2, 8, 8)), shape_error);
    CHECK_THROWS_AS(up.forward(map(3, 4, 4), map(3, 8, 8).sample(0)), shape_error);
    CHECK_THROWS_AS(up.backward(map(3, 7, 8), map(3, 4, 4)), shape_error);
    CHECK_THROWS_AS(down.forward(map(3, 8, 8), map(3, 4, 5)), shape_error);
    CHECK_THROWS_AS(down.forward(map(3, 7, 7), map(3, 4, 4)), shape_error);
    CHECK_THROWS_AS(down.backward(map(3, 4, 4), map(3, 7, 8)), shape_error);
}

}  // namespace ddpm::test
