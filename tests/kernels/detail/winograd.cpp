// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/kernels/detail/winograd_weights.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"

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
    std::array<std::array<float, at(places)>, at(channels)> weights{};
    for (isize c = 0; c < channels; ++c) {
        weights[at(c)] =
            kernels::detail::winograd_weights<Outputs>([&](isize tap) { return kernel[at(tap * channels + c)]; });
    }
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
        DDPM_DISPATCH(transform_inputs<Outputs>)(input);
        for (isize q = 0; q < places; ++q) {
            for (isize t = 0; t < across; ++t) {
                for (isize c = 0; c < channels; ++c) {
                    products[at(q * from_place + t * channels + c)] =
                        weights[at(c)][at(q)] * tiles[at(q * to_place + t * to_tile + c)];
                }
            }
        }
        DDPM_DISPATCH(transform_outputs<Outputs>)
        ({products.data(), from_place, across, sums.data() + y * Outputs * width * channels, width, add});
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
    for (const instruction_set set : all_instruction_sets) {
        if (!is_supported(set)) {
            continue;
        }
        const ddpm::detail::scoped_simd_target on(set);
        CAPTURE(name(set));
        for (const isize across : {1, 2, 5}) {
            for (const bool add : {false, true}) {
                check_winograd<2>(across, add);
                check_winograd<4>(across, add);
            }
        }
    }
}

TEST_CASE("Winograd's weights are those of the paper", "[kernels]") {
    // The kernel that is 1 in the centre: G g Gᵀ is the outer product of the second column of G with itself.
    const auto centre = [](isize tap) { return tap == 4 ? 1.0f : 0.0f; };
    const auto small = kernels::detail::winograd_weights<2>(centre);
    const auto large = kernels::detail::winograd_weights<4>(centre);
    const std::array<double, 4> column2{0, 0.5, -0.5, 0};
    const std::array<double, 6> column4{0, -1.0 / 6, 1.0 / 6, 1.0 / 12, -1.0 / 12, 0};
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 4; ++j) {
            CHECK(small[i * 4 + j] == static_cast<float>(column2[i] * column2[j]));
        }
    }
    for (std::size_t i = 0; i < 6; ++i) {
        for (std::size_t j = 0; j < 6; ++j) {
            CHECK(large[i * 6 + j] == static_cast<float>(column4[i] * column4[j]));
        }
    }
}

}  // namespace ddpm::test
