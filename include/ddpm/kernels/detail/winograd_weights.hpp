// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/winograd.hpp>

#include <array>
#include <cstddef>

namespace ddpm::kernels::detail {

/// G of F(Outputs × Outputs, 3 × 3), row by row.
template <isize Outputs>
[[nodiscard]] constexpr auto winograd_filter() noexcept {
    if constexpr (Outputs == 2) {
        return std::array<std::array<double, 3>, 4>{{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};
    } else {
        static_assert(Outputs == 4);
        return std::array<std::array<double, 3>, 6>{{{1.0 / 4, 0, 0},
                                                     {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                                     {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                     {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                                     {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                                     {0, 0, 1}}};
    }
}

/// G g Gᵀ, row by row, of a 3 × 3 kernel whose taps are g(0) … g(8); computed in double.
template <isize Outputs, class Kernel>
[[nodiscard]] auto winograd_weights(const Kernel& g) {
    constexpr auto filter = winograd_filter<Outputs>();
    constexpr std::size_t side = filter.size();
    std::array<float, side * side> to{};
    for (std::size_t i = 0; i < side; ++i) {
        std::array<double, 3> row{};
        for (std::size_t a = 0; a < 3; ++a) {
            for (std::size_t b = 0; b < 3; ++b) {
                row[b] += filter[i][a] * static_cast<double>(g(static_cast<isize>(3 * a + b)));
            }
        }
        for (std::size_t j = 0; j < side; ++j) {
            to[i * side + j] =
                static_cast<float>(row[0] * filter[j][0] + row[1] * filter[j][1] + row[2] * filter[j][2]);
        }
    }
    return to;
}

}  // namespace ddpm::kernels::detail
