// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("arrays are converted as single numbers are, on every target", "[kernels]") {
    for_each_target([] {
        for (const isize size : kernel_sizes) {
            CAPTURE(size);
            unaligned_array<float> x(size, 1, true), wide(size, 2), rounded(size, 3);
            for (isize i = 0; i < size; ++i) {
                x[i] *= 1.2345f;
                if (i % 5 == 1) {
                    x[i] = 1.0f + static_cast<float>(i % 7) * 0x1p-8f;  // ties
                }
            }
            std::vector<bfloat16> narrow(static_cast<std::size_t>(size) + 2, bfloat16{0x1234});
            kernels::detail::convert(size, x.data(), narrow.data() + 1);
            kernels::detail::convert(size, narrow.data() + 1, wide.data());
            kernels::detail::convert_as<bfloat16>(size, x.data(), rounded.data());
            for (isize i = 0; i < size; ++i) {
                const float expected = to_float(to_bfloat16(x[i]));
                REQUIRE(same(wide[i], expected));
                REQUIRE(same(rounded[i], expected));
            }
            CHECK(narrow.front().bits == 0x1234);
            CHECK(narrow.back().bits == 0x1234);
            CHECK(wide.guarded());
            CHECK(rounded.guarded());
            kernels::detail::convert_as<bfloat16>(size, x.data(), x.data());
            for (isize i = 0; i < size; ++i) {
                REQUIRE(same(x[i], rounded[i]));
            }
        }
    });
}

}  // namespace ddpm::test
