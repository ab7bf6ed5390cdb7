// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/winograd.hpp>

#include "kernels/differential/cases.hpp"
#include "support/stored_number.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

/// A matrix of Winograd's algorithm, row by row.
struct winograd_matrix {
    isize rows, columns;
    std::vector<double> values;

    [[nodiscard]] double at(isize i, isize j) const { return values[static_cast<std::size_t>(i * columns + j)]; }
    [[nodiscard]] winograd_matrix transposed() const {
        winograd_matrix to{columns, rows, {}};
        for (isize j = 0; j < columns; ++j) {
            for (isize i = 0; i < rows; ++i) {
                to.values.push_back(at(i, j));
            }
        }
        return to;
    }
};

winograd_matrix winograd_input_matrix(isize outputs) {  // Bᵀ
    return outputs == 2 ? winograd_matrix{4, 4, {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1}}
                        : winograd_matrix{6, 6, {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                                                 0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1}};
}
winograd_matrix winograd_output_matrix(isize outputs) {  // Aᵀ
    return outputs == 2
               ? winograd_matrix{2, 4, {1, 1, 1, 0, 0, 1, -1, -1}}
               : winograd_matrix{4, 6, {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1}};
}
winograd_matrix winograd_filter_matrix(isize outputs) {  // G
    return outputs == 2 ? winograd_matrix{4, 3, {1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1}}
                        : winograd_matrix{6,
                                          3,
                                          {1.0 / 4, 0, 0, -1.0 / 6, -1.0 / 6, -1.0 / 6, -1.0 / 6, 1.0 / 6, -1.0 / 6,
                                           1.0 / 24, 1.0 / 12, 1.0 / 6, 1.0 / 24, -1.0 / 12, 1.0 / 6, 0, 0, 1}};
}

/// Compares got(row, column) with L x Lᵀ + before(row, column), in roundings of the sum of the terms' sizes.
template <class X, class Before, class Got>
void check_transform(const winograd_matrix& l, const X& x, const Before& before, const Got& got, comparison& to) {
    constexpr double epsilon = std::numeric_limits<float>::epsilon();
    for (isize row = 0; row < l.rows; ++row) {
        for (isize column = 0; column < l.rows; ++column) {
            double sum = static_cast<double>(before(row, column)), size = std::abs(sum);
            for (isize i = 0; i < l.columns; ++i) {
                for (isize j = 0; j < l.columns; ++j) {
                    const double term = l.at(row, i) * l.at(column, j) * static_cast<double>(number(x(i, j)));
                    sum += term;
                    size += std::abs(term);
                }
            }
            to.within<double>(static_cast<double>(got(row, column)), sum, epsilon * size, 4, "Winograd transform");
        }
    }
}

template <isize Outputs>
void winograd_tiles(number_source& from, comparison& to) {
    using namespace kernels::detail;
    constexpr isize side = winograd_side<Outputs>, places = side * side;
    const bool gradient = from.one_in(2);
    const isize tiles = 1 + from.below(3), channels = winograd_channels * (1 + from.below(2)),
                pixel = channels + from.below(4), to_tile = channels + from.below(4),
                to_place = tiles * to_tile + from.below(4), length = gradient ? Outputs : side,
                row = (tiles * Outputs + 2) * pixel;
    const guarded_array<float> x(from, length * row);
    on_each_set([&] {
        guarded_array<float> v(from, places * to_place);
        if (gradient) {
            winograd_gradient<Outputs> problem{{}, pixel, channels, tiles, v.data(), to_place, to_tile};
            for (isize r = 0; r < length; ++r) {
                problem.rows[r] = x.data() + r * row;
            }
            transform(problem);
        } else {
            winograd_input<Outputs> problem{{}, pixel, channels, tiles, v.data(), to_place, to_tile};
            for (isize r = 0; r < length; ++r) {
                problem.rows[r] = x.data() + r * row;
            }
            transform(problem);
        }
        to.require(v.guarded(), "Winograd transform");
        const winograd_matrix l =
            gradient ? winograd_output_matrix(Outputs).transposed() : winograd_input_matrix(Outputs);
        for (isize t = 0; t < tiles; ++t) {
            for (isize c = 0; c < channels; ++c) {
                check_transform(
                    l, [&](isize i, isize j) { return x[i * row + (t * Outputs + j) * pixel + c]; },
                    [](isize, isize) { return 0.0f; },
                    [&](isize i, isize j) { return v[(i * side + j) * to_place + t * to_tile + c]; }, to);
            }
        }
    });
}

template <isize Outputs>
void winograd_results(number_source& from, comparison& to) {
    using namespace kernels::detail;
    constexpr isize side = winograd_side<Outputs>, places = side * side, width = packed_outputs;
    const isize tiles = 1 + from.below(3), from_place = tiles * width + from.below(4),
                sums_row = tiles * Outputs + from.below(3);
    const bool add = from.one_in(2);
    const guarded_array<float> m(from, places * from_place), before(from, Outputs * sums_row * width);
    on_each_set([&] {
        guarded_array<float> sums = before;
        transform(winograd_output<Outputs>{m.data(), from_place, tiles, sums.data(), sums_row, add});
        to.require(sums.guarded(), "Winograd transform");
        for (isize t = 0; t < tiles; ++t) {
            for (isize o = 0; o < width; ++o) {
                const auto place = [&](isize i, isize j) { return (i * sums_row + t * Outputs + j) * width + o; };
                check_transform(
                    winograd_output_matrix(Outputs),
                    [&](isize i, isize j) { return m[(i * side + j) * from_place + t * width + o]; },
                    [&](isize i, isize j) { return add ? before[place(i, j)] : 0.0f; },
                    [&](isize i, isize j) { return sums[place(i, j)]; }, to);
            }
        }
    });
}

template <isize Outputs, class W>
void winograd_filters(number_source& from, comparison& to) {
    using namespace kernels::detail;
    constexpr isize side = winograd_side<Outputs>, step = packed_step<W>, width = packed_outputs;
    const isize depth = step * (1 + from.below(4)), input = width + step * from.below(3), tap = depth * input,
                to_place = depth * width + from.below(4);
    const guarded_array<W> weights(from, 9 * tap);
    constexpr auto rows = winograd_filter_rows<Outputs>();
    on_each_set([&] {
        guarded_array<float> u(from, side * side * to_place);
        for (isize row = 0; row < side; ++row) {
            winograd_filter<Outputs, W> problem{
                {}, weights.data(), tap, input, depth, u.data() + row * side * to_place, to_place};
            std::copy_n(rows.row[row], 3, problem.row);
            transform(problem);
        }
        to.require(u.guarded(), "Winograd transform");
        for (isize k = 0; k < depth; ++k) {
            for (isize o = 0; o < width; ++o) {
                const isize place = k / step * step * input + o * step + k % step;
                check_transform(
                    winograd_filter_matrix(Outputs),
                    [&](isize i, isize j) { return weights[(3 * i + j) * tap + place]; },
                    [](isize, isize) { return 0.0f; },
                    [&](isize i, isize j) { return u[(i * side + j) * to_place + k * width + o]; }, to);
            }
        }
    });
}

template <isize Outputs>
void winograd_filter_gradients(number_source& from, comparison& to) {
    using namespace kernels::detail;
    constexpr isize side = winograd_side<Outputs>;
    const isize count = winograd_channels * (1 + from.below(3)), place = count + from.below(4),
                tap = count + from.below(4);
    const guarded_array<float> u(from, side * side * place), before(from, 9 * tap);
    on_each_set([&] {
        guarded_array<float> g = before;
        transform(winograd_filter_gradient<Outputs>{u.data(), place, count, g.data(), tap});
        to.require(g.guarded(), "Winograd transform");
        for (isize k = 0; k < count; ++k) {
            check_transform(
                winograd_filter_matrix(Outputs).transposed(),
                [&](isize i, isize j) { return u[(i * side + j) * place + k]; },
                [&](isize i, isize j) { return before[(3 * i + j) * tap + k]; },
                [&](isize i, isize j) { return g[(3 * i + j) * tap + k]; }, to);
        }
    });
}

template <isize Outputs>
void winograd_transforms(number_source& from, comparison& to) {
    switch (from.below(5)) {
        case 0:
            winograd_results<Outputs>(from, to);
            break;
        case 1:
            winograd_filters<Outputs, float>(from, to);
            break;
        case 2:
            winograd_filters<Outputs, bfloat16>(from, to);
            break;
        case 3:
            winograd_filter_gradients<Outputs>(from, to);
            break;
        default:
            winograd_tiles<Outputs>(from, to);
    }
}

constexpr kernel_case winograd_cases[] = {
    {"detail/winograd.hpp", "4 roundings of the sum of the terms' sizes",
     [](number_source& from, comparison& to) {
         from.one_in(2) ? winograd_transforms<2>(from, to) : winograd_transforms<4>(from, to);
     }},
};

}  // namespace

std::span<const kernel_case> winograd_kernels() { return winograd_cases; }

}  // namespace ddpm::test
