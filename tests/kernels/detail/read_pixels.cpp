// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

using kernels::activation;

double activated(activation f, double x) {
    switch (f) {
        case activation::silu:
            return x / (1 + std::exp(-x));
        case activation::mish:
            return x * std::tanh(std::log1p(std::exp(x)));
        case activation::gelu:
            return x * std::erfc(-x / std::sqrt(2.0)) / 2;
        case activation::relu:
            return std::max(0.0, x);
        default:
            return x;
    }
}

struct read_case {
    isize pixels, channels, first, chunk, copies;
    bool scales;
    activation f;
};

template <class T, class X>
void check_read(const read_case& of) {
    CAPTURE(of.pixels, of.channels, of.first, of.chunk, of.copies, of.scales, static_cast<int>(of.f));
    const auto at = [](isize i) { return static_cast<std::size_t>(i); };
    const isize pixel = of.channels + 3, chunks = (of.first + of.channels + of.chunk - 1) / of.chunk;
    const isize to_pixel = of.chunk + 2, to_chunk = of.pixels * of.copies * to_pixel + 5;
    std::vector<T> from(at(of.pixels * pixel));
    for (std::size_t i = 0; i < from.size(); ++i) {
        from[i] = stored_as<T>(6 * std::sin(static_cast<float>(i)));
    }
    std::vector<float> a(at(of.channels)), b(at(of.channels));
    for (std::size_t c = 0; c < a.size(); ++c) {
        a[c] = 1 + 0.5f * std::cos(static_cast<float>(c));
        b[c] = std::sin(static_cast<float>(3 * c));
    }
    const X untouched = stored_as<X>(77);
    std::vector<X> to(at(chunks * to_chunk), untouched);
    kernels::detail::read_pixels<T, X>(
        {from.data(), pixel, of.pixels, of.channels, of.scales ? a.data() : nullptr, of.scales ? b.data() : nullptr,
         to.data(), of.first, of.chunk, to_chunk, to_pixel, of.copies},
        of.f);
    constexpr bool rounds = sizeof(T) == 2 || sizeof(X) == 2;
    constexpr double bound = rounds ? 0.0045 : 3e-6;  // half a unit and the silu's error
    isize written = 0;
    for (isize p = 0; p < of.pixels; ++p) {
        for (isize c = 0; c < of.channels; ++c) {
            const auto x = static_cast<double>(number(from[at(p * pixel + c)]));
            const double u = of.scales ? static_cast<double>(a[at(c)]) * x + static_cast<double>(b[at(c)]) : x;
            const double expected = activated(of.f, u);
            const isize k = of.first + c;
            for (isize copy = 0; copy < of.copies; ++copy, ++written) {
                const X read = to[at(k / of.chunk * to_chunk + (p * of.copies + copy) * to_pixel + k % of.chunk)];
                REQUIRE(std::abs(static_cast<double>(number(read)) - expected) <= bound * std::abs(expected) + 2e-6);
                if (rounds) {
                    REQUIRE(number(read) == to_float(to_bfloat16(number(read))));
                }
                if (!of.scales && of.f == activation::none) {
                    const float same = number(from[at(p * pixel + c)]);
                    REQUIRE(number(read) == (rounds ? to_float(to_bfloat16(same)) : same));
                }
            }
        }
    }
    const auto changed = std::count_if(to.begin(), to.end(), [&](X x) { return number(x) != number(untouched); });
    CHECK(changed == written);
}

template <class T, class X>
void check_reads() {
    using enum activation;
    for (const activation f : {none, silu, mish, gelu, relu}) {
        check_read<T, X>({9, 64, 0, 32, 1, true, f});
        check_read<T, X>({17, 37, 5, 32, 2, true, f});
        check_read<T, X>({1, 3, 0, 32, 1, false, f});
        check_read<T, X>({5, 70, 30, 100, 2, false, f});
    }
}

}  // namespace

TEST_CASE("pixels are read normalized, activated and in chunks of channels, on every target", "[kernels]") {
    for_each_instruction_set([] {
        check_reads<float, float>();
        check_reads<float, bfloat16>();
        check_reads<bfloat16, bfloat16>();
        check_reads<bfloat16, float>();
    });
}

TEST_CASE("the silu for bfloat16 has its limits, and keeps NaN", "[kernels]") {
    for_each_target([] {
        constexpr float nan = std::numeric_limits<float>::quiet_NaN();
        const std::vector<bfloat16> x{to_bfloat16(-200), to_bfloat16(200), to_bfloat16(0), to_bfloat16(nan)};
        const std::vector<float> one(x.size(), 1.0f), zero(x.size());
        std::vector<float> y(x.size());
        kernels::detail::read_pixels<bfloat16, float>(
            {x.data(), 4, 1, 4, one.data(), zero.data(), y.data(), 0, 4, 4, 4, 1}, activation::silu);
        CHECK(std::abs(y[0]) < 1e-30f);
        CHECK(y[1] == 200.0f);
        CHECK(y[2] == 0.0f);
        CHECK(std::isnan(y[3]));
    });
}

}  // namespace ddpm::test
