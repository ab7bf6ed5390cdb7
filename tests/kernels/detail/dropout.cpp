// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/dropout.hpp>
#include <ddpm/random/noise.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"

#include <cstdint>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the dropout kernel compares the words of philox_noise on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    constexpr std::uint32_t threshold = 0x60000000u;
    const philox_noise noise(0xfedcba9876543210, noise_stream::dropout);
    constexpr isize columns = 3, step = 7, sample = 0xfffffff0;
    for_each_target([&] {
        for (const isize rows : {0, 1, 15, 17, 63, 64, 65, 128, 200, 16384, 16400}) {
            const isize stride = rows + 5;
            std::vector<S> x(static_cast<std::size_t>(columns * stride)), y(x.size(), S(42));
            for (std::size_t i = 0; i < x.size(); ++i) {
                x[i] = static_cast<S>(i + 1);
            }
            kernels::detail::dropout<S>(noise.address(rows, columns, step, sample), threshold, S(1.5),
                                        batch_view<const S>(x.data(), rows, columns, stride),
                                        batch_view<S>(y.data(), rows, columns, stride));
            bool same = true;
            for (isize i = 0; i < columns * stride; ++i) {
                const isize n = i / stride, e = i % stride;
                const S in = x[static_cast<std::size_t>(i)];
                const S expected = e >= rows                                      ? S(42)
                                   : noise.bits(sample + n, step, e) >= threshold ? S(1.5) * in
                                                                                  : S(0);
                same = same && y[static_cast<std::size_t>(i)] == expected;
            }
            CAPTURE(rows);
            CHECK(same);
        }
    });
}

TEST_CASE("the dropout kernel treats words as unsigned", "[kernels]") {
    const philox_noise noise(3, noise_stream::dropout);
    for_each_target([&] {
        for (const std::uint32_t threshold : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xf0000000u, 0xffffffffu}) {
            const batch<float> x = batch<float>::Ones(1000, 1);
            batch<float> y(1000, 1);
            kernels::detail::dropout<float>(noise.address(1000, 1, 0), threshold, 1.0f, x, batch_view<float>(y));
            isize kept = 0;
            for (isize e = 0; e < 1000; ++e) {
                kept += noise.bits(0, 0, e) >= threshold ? 1 : 0;
            }
            CHECK(static_cast<isize>(y.sum()) == kept);
        }
    });
}

}  // namespace ddpm::test
