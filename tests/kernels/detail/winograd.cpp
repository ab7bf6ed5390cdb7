// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/winograd.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace ddpm::test {

namespace {

constexpr std::size_t at(isize i) { return static_cast<std::size_t>(i); }

std::vector<float> random_numbers(isize count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> draw(-1, 1);
    std::vector<float> numbers(at(count));
    for (float& x : numbers) {
        x = draw(engine);
    }
    return numbers;
}

/// G g Gᵀ for `depth` times 32 kernels g with taps at tap · depth · 32 + k · 32 + output, at the same places for `place`
/// instead of `tap`.
template <isize Outputs, class W>
std::vector<float> transformed_filters(isize depth, const std::vector<float>& kernel) {
    constexpr isize side = kernels::detail::winograd_side<Outputs>, step = kernels::detail::packed_step<W>;
    const isize tap = depth * kernels::detail::packed_outputs;
    std::vector<W> packed(kernel.size());
    for (isize i = 0; i < 9 * tap; ++i) {
        const isize k = i % tap / 32, o = i % 32;
        packed[at(i / tap * tap + (k / step * 32 + o) * step + k % step)] = stored_as<W>(kernel[at(i)]);
    }
    std::vector<float> to(at(side * side * tap));
    constexpr auto rows = kernels::detail::winograd_filter_rows<Outputs>();
    for (isize row = 0; row < side; ++row) {
        kernels::detail::winograd_filter<Outputs, W> problem{};
        std::copy_n(rows.row[row], 3, problem.row);
        problem.weights = packed.data();
        problem.tap = tap;
        problem.input = kernels::detail::packed_outputs;
        problem.depth = depth;
        problem.to = to.data() + row * side * tap;
        problem.to_place = tap;
        kernels::detail::transform(problem);
    }
    return to;
}

template <isize Outputs, class W>
void check_filters(const std::array<std::array<double, 3>, at(Outputs + 2)>& g) {
    constexpr isize depth = 6, side = Outputs + 2, tap = depth * 32;
    std::vector<float> kernel = random_numbers(9 * tap, 4);
    const std::vector<float> found = transformed_filters<Outputs, W>(depth, kernel);
    double worst = 0;
    for (isize i = 0; i < side * side * tap; ++i) {
        const isize row = i / tap / side, column = i / tap % side;
        double expected = 0;
        for (isize t = 0; t < 9; ++t) {
            const W stored = stored_as<W>(kernel[at(t * tap + i % tap)]);
            expected += g[at(row)][at(t / 3)] * g[at(column)][at(t % 3)] * static_cast<double>(number(stored));
        }
        worst = std::max(worst, std::abs(static_cast<double>(found[at(i)]) - expected));
    }
    CHECK(worst < 3e-7);
}

/// Convolves an image of 3 rows of tiles, each of `across` tiles, channel by channel, with the kernels of 32 channels:
/// transforms of the input, products of the places, transform of the outputs. Compares with the definition.
template <isize Outputs>
void check_winograd(isize across, bool add) {
    using kernels::detail::packed_outputs;
    constexpr isize side = kernels::detail::winograd_side<Outputs>, places = side * side, channels = packed_outputs;
    constexpr isize down = 3, pixel = channels + 5;
    CAPTURE(Outputs, across, add);
    const isize height = down * Outputs, width = across * Outputs, row = (width + 2) * pixel;
    const std::vector<float> image = random_numbers((height + 2) * row, 1), kernel = random_numbers(9 * channels, 2);
    const isize to_tile = channels + 3, to_place = across * to_tile + 7, from_place = across * channels + 9;
    std::vector<float> tiles(at(places * to_place)), products(at(places * from_place));
    const std::vector<float> before = random_numbers(height * width * channels, 3);
    std::vector<float> sums = before;
    const std::vector<float> weights = transformed_filters<Outputs, float>(1, kernel);
    for (isize y = 0; y < down; ++y) {
        kernels::detail::winograd_input<Outputs> input{};
        for (isize r = 0; r < side; ++r) {
            input.rows[r] = image.data() + (y * Outputs + r) * row;
        }
        input.pixel = pixel;
        input.channels = channels;
        input.tiles = across;
        input.to = tiles.data();
        input.to_place = to_place;
        input.to_tile = to_tile;
        kernels::detail::transform(input);
        for (isize q = 0; q < places; ++q) {
            for (isize t = 0; t < across; ++t) {
                for (isize c = 0; c < channels; ++c) {
                    products[at(q * from_place + t * channels + c)] =
                        weights[at(q * channels + c)] * tiles[at(q * to_place + t * to_tile + c)];
                }
            }
        }
        kernels::detail::transform(kernels::detail::winograd_output<Outputs>{
            products.data(), from_place, across, sums.data() + y * Outputs * width * channels, width, add});
    }
    double worst = 0;
    for (isize y = 0; y < height; ++y) {
        for (isize x = 0; x < width; ++x) {
            for (isize c = 0; c < channels; ++c) {
                const isize place = (y * width + x) * channels + c;
                double expected = add ? static_cast<double>(before[at(place)]) : 0;
                for (isize tap = 0; tap < 9; ++tap) {
                    expected += static_cast<double>(kernel[at(tap * channels + c)]) *
                                static_cast<double>(image[at((y + tap / 3) * row + (x + tap % 3) * pixel + c)]);
                }
                worst = std::max(worst, std::abs(static_cast<double>(sums[at(place)]) - expected));
            }
        }
    }
    CHECK(worst < (Outputs == 4 ? 2e-5 : 3e-6));
}

}  // namespace

TEST_CASE("Winograd's transforms give the convolution of a tile, on every target", "[kernels]") {
    for_each_instruction_set([&] {
        for (const isize across : {1, 2, 5}) {
            for (const bool add : {false, true}) {
                check_winograd<2>(across, add);
                check_winograd<4>(across, add);
            }
        }
    });
}

TEMPLATE_TEST_CASE("Winograd's kernels are G g of the paper, on every target", "[kernels]", float, bfloat16) {
    for_each_instruction_set([&] {
        check_filters<2, TestType>({{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}});
        check_filters<4, TestType>({{{1.0 / 4, 0, 0},
                                     {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                     {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                     {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                     {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                     {0, 0, 1}}});
    });
}

}  // namespace ddpm::test
