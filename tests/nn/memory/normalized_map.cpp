// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include "support/catch.hpp"
#include "support/conv_case.hpp"
#include "support/gradient_check.hpp"
#include "support/training.hpp"

#include <cmath>

namespace ddpm::test {

namespace {

constexpr isize map_channels = 32, map_side = 9, map_samples = 3;

/// Images, and factors for each channel and sample.
template <Scalar S>
struct normalized_images {
    batch<S> x = random_batch<S>(map_channels * map_side * map_side, map_samples, 1);
    batch<S> factors = random_batch<S>(2 * map_channels, map_samples, 2);

    [[nodiscard]] nn::normalized_map<S> read() const {
        return {square_maps(x, map_channels, map_side), factors.data(), nn::activation::silu};
    }
    [[nodiscard]] batch<S> written() const {
        batch<S> y(x.rows(), x.cols());
        read().write(square_maps(y, map_channels, map_side));
        return y;
    }
};

}  // namespace

TEMPLATE_TEST_CASE("a normalized map is f(a x + b) of each channel and sample, on any number of threads", "[nn]", float,
                   double) {
    using S = TestType;
    const normalized_images<S> images;
    for (const isize threads : {1, 2, 5}) {
        set_thread_count(threads);
        const batch<S> y = images.written();
        for (isize n = 0; n < map_samples; ++n) {
            for (isize i = 0; i < y.rows(); ++i) {
                const isize c = i % map_channels;
                const double u = static_cast<double>(images.factors(c, n)) * static_cast<double>(images.x(i, n)) +
                                 static_cast<double>(images.factors(map_channels + c, n));
                REQUIRE(std::abs(static_cast<double>(y(i, n)) - u / (1 + std::exp(-u))) < 1e-6);
            }
        }
    }
    set_thread_count(0);
    batch<S> copy(images.x.rows(), images.x.cols());
    nn::normalized_map<S>(square_maps(images.x, map_channels, map_side))
        .write(square_maps(copy, map_channels, map_side));
    CHECK((copy == images.x).all());
    batch<S> small(4, 4);
    CHECK_THROWS_AS(images.read().write(square_maps(small, 1, 2)), shape_error);
}

TEMPLATE_TEST_CASE("group_norm's normalized map is what it writes, bit for bit", "[nn]", float, double) {
    using S = TestType;
    const normalized_images<S> images;
    nn::group_norm<S> norm(map_channels, 8, 1e-5);
    disturb(norm, 0.5, 3);
    for (const bool scaled : {false, true}) {
        const batch_view<const S> scale_shift = scaled ? batch_view<const S>(images.factors) : batch_view<const S>();
        batch<S> expected = images.x, got = images.x, moments(2, 8 * map_samples), again = moments;
        batch<S> factors(2 * map_channels, map_samples);
        const auto x = square_maps(images.x, map_channels, map_side);
        norm.forward(x, nn::activation::silu, scale_shift, square_maps(expected, map_channels, map_side), moments);
        norm.normalized(x, nn::activation::silu, scale_shift, again, factors)
            .write(square_maps(got, map_channels, map_side));
        CHECK((got == expected).all());
        CHECK((again == moments).all());
    }
    batch<S> moments(2, 8 * map_samples), factors(2 * map_channels, map_samples - 1);
    CHECK_THROWS_AS(norm.normalized(square_maps(images.x, map_channels, map_side), nn::activation::silu, {}, moments,
                                    batch_view<S>(factors)),
                    shape_error);
}

TEMPLATE_TEST_CASE("a convolution reads a normalized map as if it were written", "[nn]", float, double) {
    using S = TestType;
    const normalized_images<S> images;
    const batch<S> written = images.written();
    const auto plain = square_maps(written, map_channels, map_side);
    for (const isize kernel : {1, 3, 5}) {
        nn::conv2d<S> layer(map_channels, 32, kernel), d = nn::zeros_like(layer), d_expected = d;
        disturb(layer, 0.2, 4);
        const batch<S> dy = random_batch<S>(32 * map_side * map_side, map_samples, 5);
        batch<S> y = dy, y_expected = dy, dx = dy, dx_expected = dy;
        const auto map = [&](batch<S>& of) { return square_maps(of, 32, map_side); };
        layer.forward(images.read(), map(y));
        layer.forward(plain, map(y_expected));
        CHECK((y == y_expected).all());
        layer.forward_add(images.read(), map(y));
        layer.forward_add(plain, map(y_expected));
        CHECK((y == y_expected).all());
        layer.backward(images.read(), square_maps(dy, 32, map_side), map(dx), d);
        layer.backward(plain, square_maps(dy, 32, map_side), map(dx_expected), d_expected);
        CHECK((dx == dx_expected).all());
        CHECK(largest_difference(d, d_expected) == 0);
    }
}

}  // namespace ddpm::test
