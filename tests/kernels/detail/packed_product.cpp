// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/emulated_tiles.hpp"
#include "support/stored_number.hpp"

#include <cmath>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

/// A problem with its memory. X is what the product reads.
template <class W, class X>
struct product_data {
    isize pixels, depth, pixel;
    std::vector<isize> segments;
    std::vector<X> x;
    std::vector<W> weights;
    std::vector<float> sums;

    product_data(isize pixels_, isize depth_, isize segment_count)
        : pixels(pixels_),
          depth(depth_),
          pixel(depth_ + 4),
          sums(static_cast<std::size_t>((pixels_ + 16) * 40), -7.0f) {
        for (isize s = 0; s < segment_count; ++s) {
            segments.push_back((segment_count - 1 - s) * 3 * pixel);
        }
        const auto number_of = [](isize i) {
            return static_cast<float>(std::sin(static_cast<double>(i * i % 1009) * 0.7));
        };
        x.resize(static_cast<std::size_t>((pixels + 16 + 3 * segment_count) * pixel));
        for (std::size_t i = 0; i < x.size(); ++i) {
            const bfloat16 rounded = stored_as<bfloat16>(number_of(static_cast<isize>(i)));
            if constexpr (std::is_same_v<X, bfloat16>) {
                x[i] = rounded;
            } else {
                x[i] = std::is_same_v<W, bfloat16> ? to_float(rounded) : number_of(static_cast<isize>(i));
            }
        }
        weights.resize(static_cast<std::size_t>(segment_count * depth * packed_outputs));
        for (std::size_t i = 0; i < weights.size(); ++i) {
            weights[i] = stored_as<W>(number_of(static_cast<isize>(3 * i + 1)));
        }
    }

    [[nodiscard]] packed_problem<W> problem(isize first = 0, isize count = -1) {
        return {x.data() + first * pixel,
                pixel,
                segments.data(),
                static_cast<isize>(segments.size()),
                depth,
                weights.data(),
                sums.data() + first * 40,
                40,
                count < 0 ? pixels : count};
    }

    /// The sum of one output, and of the absolute values of its products.
    [[nodiscard]] std::pair<double, double> reference(isize p, isize o) const {
        constexpr isize step = kernels::detail::packed_step<W>;
        double sum = 0, size = 0;
        for (std::size_t s = 0; s < segments.size(); ++s) {
            for (isize k = 0; k < depth; ++k) {
                const isize row = (static_cast<isize>(s) * depth + k) / step;
                const auto weight = static_cast<std::size_t>((row * packed_outputs + o) * step + k % step);
                const double product =
                    static_cast<double>(number(weights[weight])) *
                    static_cast<double>(number(x[static_cast<std::size_t>(p * pixel + segments[s] + k)]));
                sum += product;
                size += std::abs(product);
            }
        }
        return {sum, size};
    }

    /// Whether all sums are right up to rounding, and no others were written.
    void check() const {
        for (isize p = 0; p < pixels; ++p) {
            for (isize o = 0; o < packed_outputs; ++o) {
                const auto [sum, size] = reference(p, o);
                REQUIRE(std::abs(static_cast<double>(sums[static_cast<std::size_t>(p * 40 + o)]) - sum) <=
                        1e-6 * size + 1e-12);
            }
            REQUIRE(sums[static_cast<std::size_t>(p * 40 + packed_outputs)] == -7.0f);
        }
    }
};

/// With `add` a product begins with the sums that are there.
template <class W, class X>
void check_that_it_adds(void (*body)(const packed_problem<W>&), isize pixels, isize depth, isize segments) {
    product_data<W, X> data(pixels, depth, segments);
    packed_problem<W> problem = data.problem();
    problem.add = true;
    const std::vector<float> before = data.sums;
    body(problem);
    for (isize p = 0; p < pixels; ++p) {
        for (isize o = 0; o < packed_outputs; ++o) {
            const auto i = static_cast<std::size_t>(p * 40 + o);
            const auto [sum, size] = data.reference(p, o);
            REQUIRE(std::abs(static_cast<double>(data.sums[i]) - static_cast<double>(before[i]) - sum) <=
                    1e-6 * (size + 7));
        }
    }
}

template <class W, class X>
void check_product(void (*body)(const packed_problem<W>&) = kernels::detail::packed_product_body<W>()) {
    for (const isize pixels : {4, 8, 12, 16, 20, 24, 28, 36, 48, 64}) {
        for (const isize segments : {1, 2, 9}) {
            for (const isize depth : {32, 64, 96}) {
                CAPTURE(pixels, segments, depth);
                product_data<W, X> data(pixels, depth, segments);
                body(data.problem());
                data.check();
                check_that_it_adds<W, X>(body, pixels, depth, segments);
                // The bits of a pixel do not depend on the others.
                const std::vector<float> whole = data.sums;
                body(data.problem(pixels - 4, 4));
                for (isize p = pixels - 4; p < pixels; ++p) {
                    for (isize o = 0; o < packed_outputs; ++o) {
                        const auto i = static_cast<std::size_t>(p * 40 + o);
                        REQUIRE(data.sums[i] == whole[i]);
                    }
                }
            }
        }
    }
}

}  // namespace

TEST_CASE("a packed product is the sum of its products, on every target", "[kernels]") {
    for_each_instruction_set([&] {
        check_product<float, float>();
        if (kernels::detail::takes_pairs()) {
            check_product<bfloat16, bfloat16>();
        } else {
            check_product<bfloat16, float>();
        }
    });
}

#if defined(__x86_64__)
TEST_CASE("pairs of AVX512_BF16 give the sums, also where they are slow", "[kernels]") {
    if (!is_supported(instruction_set::avx512_bf16)) {
        WARN("skipped: this machine does not have AVX512_BF16");
        return;
    }
    check_product<bfloat16, bfloat16>(&kernels::detail::avx512::pairs_product<bfloat16>);
}
#endif

TEST_CASE("AMX's blocks give the sums, on tiles that are emulated", "[kernels]") {
    for (const isize pixels : {4, 12, 16, 20, 32, 36, 48, 64, 76, 96}) {
        for (const isize segments : {1, 3, 7}) {  // the last ones need several groups of steps
            CAPTURE(pixels, segments);
            product_data<bfloat16, bfloat16> data(pixels, 64, segments);
            tile_product<emulated_tiles>(data.problem());
            data.check();
            check_that_it_adds<bfloat16, bfloat16>(&tile_product<emulated_tiles>, pixels, 64, segments);
        }
    }
}

TEST_CASE("AMX's instructions give the bits of the emulated tiles", "[kernels]") {
    if (!is_supported(instruction_set::amx)) {
        WARN("skipped: this machine does not have AMX");
        return;
    }
    const ddpm::detail::scoped_simd_target on(instruction_set::amx);
    for (const isize pixels : {4, 16, 20, 48, 96, 108}) {
        product_data<bfloat16, bfloat16> emulated(pixels, 96, 5), real(pixels, 96, 5);
        tile_product<emulated_tiles>(emulated.problem());
        const kernels::detail::packed_products_scope scope;  // within which each product finds the registers configured
        kernels::detail::packed_product_body<bfloat16>()(real.problem());
        kernels::detail::packed_product_body<bfloat16>()(real.problem());
        for (isize p = 0; p < pixels; ++p) {
            for (isize o = 0; o < packed_outputs; ++o) {
                const auto i = static_cast<std::size_t>(p * 40 + o);
                REQUIRE(real.sums[i] == emulated.sums[i]);
            }
        }
    }
}

}  // namespace ddpm::test
