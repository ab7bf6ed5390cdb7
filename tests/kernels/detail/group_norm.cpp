// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/group_norm.hpp>

#include "support/activation.hpp"
#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

using kernels::activation;

constexpr std::array<ddpm::isize, 12> channel_counts{1, 3, 4, 7, 8, 16, 17, 31, 40, 64, 100, 130};

/// Channels of a map that has three more, which nothing may touch.
template <Scalar S>
struct part {
    part(ddpm::isize channels_, ddpm::isize pixels, std::uint64_t seed)
        : channels(channels_), memory(random_batch<S>(channels + 3, pixels, seed)) {}

    [[nodiscard]] batch_view<S> view() { return batch_view<S>(memory).middle_rows(0, channels); }
    [[nodiscard]] double operator()(ddpm::isize c, ddpm::isize n) const { return static_cast<double>(memory(c, n)); }
    [[nodiscard]] bool rest_is(const part& other) const {
        return (memory.bottomRows(3) == other.memory.bottomRows(3)).all();
    }

    ddpm::isize channels;
    batch<S> memory;
};

template <Scalar S>
struct exact_moments {
    exact_moments(batch_view<const S> x, ddpm::isize c) {
        for (ddpm::isize n = 0; n < x.columns(); ++n) {
            mean += static_cast<long double>(x(c, n)) / static_cast<long double>(x.columns());
        }
        for (ddpm::isize n = 0; n < x.columns(); ++n) {
            const long double difference = static_cast<long double>(x(c, n)) - mean;
            squares += difference * difference;
        }
    }
    long double mean = 0, squares = 0;
};

/// The largest errors of the means in deviations, and of the squares relative to themselves.
template <Scalar S>
std::array<double, 2> moment_errors(batch_view<const S> x) {
    const auto count = static_cast<std::size_t>(x.rows());
    std::vector<double> mean(count), squares(count);
    kernels::detail::channel_moments<S>(x, mean.data(), squares.data());
    std::array<double, 2> worst{};
    for (std::size_t c = 0; c < count; ++c) {
        const exact_moments<S> exact(x, static_cast<ddpm::isize>(c));
        const long double deviation = std::sqrt(exact.squares / static_cast<long double>(x.columns()));
        worst[0] = std::max(worst[0], static_cast<double>(std::abs(mean[c] - exact.mean) / deviation));
        worst[1] = std::max(worst[1], static_cast<double>(std::abs(squares[c] / exact.squares - 1)));
    }
    return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("channel moments are their sums on every target", "[kernels]", float, double) {
    using S = TestType;
    const auto pixels = GENERATE(ddpm::isize{2}, ddpm::isize{7}, ddpm::isize{100});
    for_each_target([&] {
        for (const ddpm::isize channels : channel_counts) {
            CAPTURE(channels, pixels);
            part<S> x(channels, pixels, 1);
            const auto [mean, squares] = moment_errors<S>(x.view());
            CHECK(mean <= 1e-13);
            CHECK(squares <= 1e-12);
        }
    });
}

TEMPLATE_TEST_CASE("channel moments keep their digits under a large mean", "[kernels]", float, double) {
    using S = TestType;
    const batch<S> noise = random_batch<S>(19, 64 * 64, 2);
    const batch<S> far = noise + S(3000);
    batch<S> outlier = noise;
    outlier.col(0) = S(1e5);
    for_each_target([&] {
        // A unit in the last place of 3000, in double, is 4.5e-13.
        const auto [mean, squares] = moment_errors<S>(far);
        CHECK(mean <= 2e-12);
        CHECK(squares <= 1e-11);
        const auto [outlier_mean, outlier_squares] = moment_errors<S>(outlier);
        CHECK(outlier_mean <= 1e-12);
        CHECK(outlier_squares <= 1e-10);
    });
}

TEMPLATE_TEST_CASE("channel moments of one pixel and of a constant", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([&] {
        for (const ddpm::isize pixels : {1, 9}) {
            const batch<S> x = batch<S>::Constant(21, pixels, S(0.1));
            std::array<double, 21> mean{}, squares{};
            kernels::detail::channel_moments<S>(x, mean.data(), squares.data());
            CHECK(std::all_of(mean.begin(), mean.end(), [](double m) { return m == static_cast<double>(S(0.1)); }));
            CHECK(std::all_of(squares.begin(), squares.end(), [](double s) { return s == 0; }));
        }
    });
}

TEMPLATE_TEST_CASE("scale_shift and its gradient are their formulas on every target", "[kernels]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 4e-6 : 1e-14;
    const activation f = every_activation[GENERATE(range(std::size_t{0}, every_activation.size()))];
    const auto pixels = GENERATE(ddpm::isize{1}, ddpm::isize{6});
    for_each_target([&] {
        for (const ddpm::isize channels : channel_counts) {
            CAPTURE(channels, pixels);
            part<S> x(channels, pixels, 1), y(channels, pixels, 2), dy(channels, pixels, 3);
            const part<S> y_before = y;
            const batch<S> a = random_batch<S>(channels, 1, 5), b = random_batch<S>(channels, 1, 6);
            kernels::detail::scale_shift<S>(x.view(), a.data(), b.data(), f, y.view());
            std::vector<double> sums(static_cast<std::size_t>(channels)), products = sums;
            part<S> got = dy;
            kernels::detail::scale_shift_sums<S>(x.view(), a.data(), b.data(), f, got.view(), sums.data(),
                                                 products.data());
            double worst = 0, worst_sum = 0;
            for (ddpm::isize c = 0; c < channels; ++c) {
                double sum = 0, product = 0;
                for (ddpm::isize n = 0; n < pixels; ++n) {
                    const double u = static_cast<double>(a(c, 0)) * x(c, n) + static_cast<double>(b(c, 0));
                    const exact_activation<double> exact = exact_at(f, u);
                    const double d = dy(c, n) * exact.slope, expected = exact.value;
                    worst =
                        std::max({worst, std::abs(y(c, n) - expected), std::abs(static_cast<double>(got(c, n)) - d)});
                    // The sums are of du as it was rounded.
                    sum += static_cast<double>(got(c, n));
                    product += static_cast<double>(got(c, n)) * x(c, n);
                }
                worst_sum = std::max({worst_sum, std::abs(sum - sums[static_cast<std::size_t>(c)]),
                                      std::abs(product - products[static_cast<std::size_t>(c)])});
            }
            CHECK(worst <= tolerance);
            CHECK(worst_sum <= 1e-14);
            CHECK(y.rest_is(y_before));
            CHECK(got.rest_is(dy));
            // In place.
            part<S> again = x;
            kernels::detail::scale_shift<S>(again.view(), a.data(), b.data(), f, again.view());
            CHECK((again.memory.topRows(channels) == y.memory.topRows(channels)).all());
        }
    });
}

TEMPLATE_TEST_CASE("channel_combination is its formula on every target", "[kernels]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 2e-6 : 4e-15;
    for_each_target([&] {
        for (const ddpm::isize channels : channel_counts) {
            CAPTURE(channels);
            part<S> du(channels, 5, 1), x(channels, 5, 2), dx(channels, 5, 3);
            const part<S> before = dx;
            const batch<S> factors = random_batch<S>(channels, 3, 4);
            const S* const p = factors.data();
            kernels::detail::channel_combination<S>(du.view(), x.view(), p, p + channels, p + 2 * channels, dx.view());
            double worst = 0;
            for (ddpm::isize n = 0; n < 5; ++n) {
                for (ddpm::isize c = 0; c < channels; ++c) {
                    const double expected = static_cast<double>(factors(c, 0)) * du(c, n) +
                                            static_cast<double>(factors(c, 1)) * x(c, n) +
                                            static_cast<double>(factors(c, 2));
                    worst = std::max(worst, std::abs(dx(c, n) - expected));
                }
            }
            CHECK(worst <= tolerance);
            CHECK(dx.rest_is(before));
            kernels::detail::channel_combination<S>(du.view(), x.view(), p, p + channels, p + 2 * channels, du.view());
            CHECK((du.view().array() == dx.view().array()).all());
        }
    });
}

TEMPLATE_TEST_CASE("the bits of a channel do not depend on those beside it", "[kernels]", float, double) {
    using S = TestType;
    constexpr ddpm::isize channels = 83, pixels = 11;
    const batch<S> x = random_batch<S>(channels, pixels, 1), dy = random_batch<S>(channels, pixels, 2),
                   a = random_batch<S>(channels, 1, 3), b = random_batch<S>(channels, 1, 4);
    for_each_target([&] {
        std::array<double, channels> mean{}, squares{}, sums{}, products{};
        batch<S> du = dy;
        kernels::detail::channel_moments<S>(x, mean.data(), squares.data());
        kernels::detail::scale_shift_sums<S>(x, a.data(), b.data(), activation::silu, du, sums.data(), products.data());
        bool right = true;
        for (ddpm::isize c = 0; c < channels; ++c) {
            const auto at = static_cast<std::size_t>(c);
            double alone[4];
            kernels::detail::channel_moments<S>(batch_view<const S>(x).middle_rows(c, 1), alone, alone + 1);
            batch<S> one = dy.row(c);
            kernels::detail::scale_shift_sums<S>(batch_view<const S>(x).middle_rows(c, 1), &a(c, 0), &b(c, 0),
                                                 activation::silu, one, alone + 2, alone + 3);
            right = right && alone[0] == mean[at] && alone[1] == squares[at] && alone[2] == sums[at] &&
                    alone[3] == products[at] && (one.row(0) == du.row(c)).all();
        }
        CHECK(right);
    });
}

}  // namespace ddpm::test
