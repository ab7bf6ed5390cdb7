// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/silu.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/ulp.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

template <class S>
wide<S> exact_silu(S x) {
    const wide<S> at = x;
    return at < 0 ? at * std::exp(at) / (1 + std::exp(at)) : at / (1 + std::exp(-at));
}

template <class S>
wide<S> exact_slope(S x) {
    const wide<S> at = x, e = std::exp(-std::abs(at)), s = (x < 0 ? e : 1) / (1 + e), rest = (x < 0 ? 1 : e) / (1 + e);
    return s + at * s * rest;
}

}  // namespace

TEMPLATE_TEST_CASE("silu and its slope keep their bounds on every target", "[kernels]", float, double) {
    using S = TestType;
    constexpr isize count = 200001;
    const wide<S> limit = std::is_same_v<S, float> ? 87 : 708, unit = std::numeric_limits<S>::epsilon();
    const auto size = static_cast<std::size_t>(count);
    std::vector<S> x(size), y(size), dx(size);
    const std::vector<S> one(size, 1);
    for (std::size_t i = 0; i < size; ++i) {
        x[i] = static_cast<S>((static_cast<double>(i) / 100000 - 1) * (i % 2 == 0 ? 10 : 120));
    }
    for_each_target([&] {
        kernels::silu(count, x.data(), y.data());
        kernels::silu_backward(count, x.data(), one.data(), dx.data());
        double worst = 0;
        wide<S> worst_slope = 0;
        for (std::size_t i = 0; i < size; ++i) {
            if (x[i] >= -limit) {
                worst = std::max(worst, ulp_error(y[i], exact_silu(x[i])));
            } else {
                CHECK(std::abs(y[i] - exact_silu(x[i])) <= -x[i] * std::numeric_limits<S>::denorm_min());
            }
            worst_slope = std::max(worst_slope, std::abs(dx[i] - exact_slope(x[i])) / unit);
        }
        CHECK(worst <= 3);
        CHECK(worst_slope <= 2);
    });
}

TEMPLATE_TEST_CASE("the gradient of silu is scaled by that of the output", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        const S x[3] = {S(-2), S(0.25), S(3)}, one[3] = {1, 1, 1}, dout[3] = {S(4), S(-0.5), S(0)};
        S slope[3], dx[3];
        kernels::silu_backward(3, x, one, slope);
        kernels::silu_backward(3, x, dout, dx);
        for (int i = 0; i < 3; ++i) {
            CHECK(dx[i] == dout[i] * slope[i]);
        }
    });
}

TEMPLATE_TEST_CASE("silu has the documented values at the ends", "[kernels]", float, double) {
    using S = TestType;
    using limits = std::numeric_limits<S>;
    constexpr S inf = limits::infinity(), nan = limits::quiet_NaN(), most = limits::max();
    for_each_target([&] {
        const S x[] = {0, -S(0), inf, most, -most, -inf, nan}, want[] = {0, -S(0), inf, most, -S(0), nan, nan};
        const S one[] = {1, 1, 1, 1, 1, 1, 1}, want_slope[] = {S(0.5), S(0.5), nan, 1, 0, nan, nan};
        S y[7], dx[7];
        kernels::silu(7, x, y);
        kernels::silu_backward(7, x, one, dx);
        for (int i = 0; i < 7; ++i) {
            INFO(x[i]);
            CHECK(same(y[i], want[i]));
            CHECK((dx[i] == want_slope[i] || (std::isnan(dx[i]) && std::isnan(want_slope[i]))));
        }
    });
}

TEMPLATE_TEST_CASE("the bits of silu depend on the element only", "[kernels]", float, double) {
    using S = TestType;
    constexpr std::size_t most = 40, margin = 3;
    std::vector<S> x(most + margin), dout(x), want(x), want_dx(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<S>(0.37 * static_cast<double>(i) - 8);
        dout[i] = static_cast<S>(1 + 0.1 * static_cast<double>(i));
    }
    for_each_target([&] {
        for (std::size_t i = 0; i < x.size(); ++i) {
            kernels::silu(1, &x[i], &want[i]);
            kernels::silu_backward(1, &x[i], &dout[i], &want_dx[i]);
        }
        bool right = true;
        for (std::size_t size = 0; size <= most; ++size) {
            for (std::size_t offset = 0; offset <= margin; ++offset) {
                std::vector<S> y(x.size(), S(42)), dx(y), in_place = x, over_dout = dout;
                const auto n = static_cast<isize>(size);
                kernels::silu(n, x.data() + offset, y.data() + offset);
                kernels::silu(n, in_place.data() + offset, in_place.data() + offset);
                kernels::silu_backward(n, x.data() + offset, dout.data() + offset, dx.data() + offset);
                kernels::silu_backward(n, x.data() + offset, over_dout.data() + offset, over_dout.data() + offset);
                for (std::size_t i = 0; i < x.size(); ++i) {
                    const bool inside = i >= offset && i < offset + size;
                    right = right && y[i] == (inside ? want[i] : S(42)) && in_place[i] == (inside ? want[i] : x[i]);
                    right = right && dx[i] == (inside ? want_dx[i] : S(42));
                    right = right && over_dout[i] == (inside ? want_dx[i] : dout[i]);
                }
            }
        }
        CHECK(right);
    });
}

}  // namespace ddpm::test
