// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/detail/bfloat16_product.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/emulated_panels.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddpm::test {

namespace {

using kernels::matrix_ref;
using kernels::product_start;
using kernels::detail::bfloat16_product;

/// A matrix of numbers between −1 and 1, stored by columns or by rows, with unused numbers between them.
struct float_matrix {
    float_matrix(isize rows, isize columns, bool by_rows, isize seed)
        : numbers(static_cast<std::size_t>((rows + 3) * (columns + 3) + 1)),
          ref{numbers.data() + 1, rows, columns, by_rows ? columns + 3 : 1, by_rows ? 1 : rows + 3} {
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i] =
                static_cast<float>(std::sin(static_cast<double>(i * i % 1009) * 0.7 + static_cast<double>(seed)));
        }
    }
    std::vector<float> numbers;
    matrix_ref<float> ref;
};

double bfloat16_at(const matrix_ref<float>& m, isize i, isize j) {
    return static_cast<double>(to_float(to_bfloat16(m.data[i * m.row_stride + j * m.column_stride])));
}

struct product_shape {
    isize rows, columns, depth;
};

/// All blocks whole and not, several panels and several parts of the depth.
constexpr product_shape shapes[] = {{1, 1, 1},     {2, 7, 33},    {3, 40, 9},    {31, 16, 32},
                                    {32, 17, 64},  {33, 5, 31},   {64, 48, 96},  {40, 3, 800},
                                    {70, 30, 777}, {300, 20, 40}, {20, 300, 40}, {65, 270, 100}};

enum class sum_start { zero, bias, old };

/// Checks start + a·b against sums in double, and that nothing else is written. `multiply` computes c from a, b and the
/// start.
template <class Multiply>
void check_product(const product_shape& shape, bool a_by_rows, bool b_by_rows, sum_start kind,
                   const Multiply& multiply) {
    const auto [rows, columns, depth] = shape;
    CAPTURE(rows, columns, depth, a_by_rows, b_by_rows, static_cast<int>(kind));
    const float_matrix a(rows, depth, a_by_rows, 1), b(depth, columns, b_by_rows, 2), bias(rows, 1, false, 3);
    const isize stride = rows + 2;
    std::vector<float> before(static_cast<std::size_t>(stride * columns), 0.25f), c = before;
    const float* const row_bias = kind == sum_start::bias ? bias.ref.data : nullptr;
    multiply(a.ref, b.ref, batch_view<float>(c.data(), rows, columns, stride),
             product_start<float>{.row_bias = row_bias, .accumulate = kind == sum_start::old});
    for (isize j = 0; j < columns; ++j) {
        for (isize i = 0; i < rows; ++i) {
            double sum = kind == sum_start::old ? 0.25 : row_bias != nullptr ? static_cast<double>(row_bias[i]) : 0;
            double size = std::abs(sum);
            for (isize k = 0; k < depth; ++k) {
                const double product = bfloat16_at(a.ref, i, k) * bfloat16_at(b.ref, k, j);
                sum += product;
                size += std::abs(product);
            }
            REQUIRE(std::abs(static_cast<double>(c[static_cast<std::size_t>(j * stride + i)]) - sum) <= 2e-6 * size);
        }
        for (isize i = rows; i < stride; ++i) {
            REQUIRE(c[static_cast<std::size_t>(j * stride + i)] == 0.25f);
        }
    }
}

template <class Multiply>
void check_products(const Multiply& multiply) {
    for (const product_shape& shape : shapes) {
        for (const sum_start kind : {sum_start::zero, sum_start::bias, sum_start::old}) {
            for (const bool a_by_rows : {false, true}) {
                for (const bool b_by_rows : {false, true}) {
                    check_product(shape, a_by_rows, b_by_rows, kind, multiply);
                }
            }
        }
    }
}

constexpr auto multiply_here = [](const matrix_ref<float>& a, const matrix_ref<float>& b, batch_view<float> c,
                                  const product_start<float>& start) { bfloat16_product(a, b, c, start); };

#if defined(__x86_64__)

constexpr auto multiply_by_emulated_tiles = [](const matrix_ref<float>& a, const matrix_ref<float>& b,
                                               batch_view<float> c, const product_start<float>& start) {
    kernels::detail::run_product_of_pairs<emulated_panels>(kernels::detail::problem_of(a, b, c, start));
};

#endif

}  // namespace

TEST_CASE("a product of bfloat16 is that of the rounded factors, on every target", "[kernels]") {
    for_each_instruction_set([] { check_products(multiply_here); });
}

#if defined(__x86_64__)
TEST_CASE("panels of pairs of bfloat16 give the product, on tiles that are emulated", "[kernels]") {
    check_products(multiply_by_emulated_tiles);
}
#endif

TEST_CASE("a product of bfloat16 takes factors of any strides, and a depth of 0", "[kernels]") {
    const auto check = [](const auto& multiply) {
        const float_matrix wide(2 * 40, 2 * 50, false, 4);
        const matrix_ref<float> a{wide.ref.data, 40, 50, 2, 2 * wide.ref.column_stride}, b = a.transposed();
        batch<float> c(40, 40);
        multiply(a, b, batch_view<float>(c), product_start<float>{});
        for (isize i = 0; i < 40; ++i) {
            double sum = 0;
            for (isize k = 0; k < 50; ++k) {
                sum += bfloat16_at(a, i, k) * bfloat16_at(a, 39, k);
            }
            CHECK(std::abs(static_cast<double>(c(i, 39)) - sum) < 1e-4);
        }
        const float bias[] = {1, 2};
        batch<float> two(2, 3);
        multiply({bias, 2, 0, 1, 2}, {bias, 0, 3, 1, 0}, batch_view<float>(two), {.row_bias = bias});
        CHECK((two.row(0) == 1 && two.row(1) == 2).all());
    };
    for_each_instruction_set([&] { check(multiply_here); });
#if defined(__x86_64__)
    check(multiply_by_emulated_tiles);
#endif
}

TEST_CASE("the bits of a product of bfloat16 depend on no other row or column, nor on the threads", "[kernels]") {
    const float_matrix a(100, 900, false, 5), b(900, 290, true, 6);
    for_each_instruction_set([&] {
        batch<float> all(100, 290), some(70, 40);
        bfloat16_product(a.ref, b.ref, batch_view<float>(all));
        const isize threads = thread_count();
        for (const isize count : {1, 3}) {
            set_thread_count(count);
            batch<float> again(100, 290);
            bfloat16_product(a.ref, b.ref, batch_view<float>(again));
            CHECK((again == all).all());
        }
        set_thread_count(threads);
        const matrix_ref<float> rows{a.ref.data + 30, 70, 900, 1, a.ref.column_stride};
        const matrix_ref<float> columns{b.ref.data + 250, 900, 40, b.ref.row_stride, 1};
        bfloat16_product(rows, columns, batch_view<float>(some));
        CHECK((some == all.block(30, 250, 70, 40)).all());
    });
}

TEST_CASE("a product of bfloat16 refuses what does not fit", "[kernels]") {
    const float_matrix a(4, 5, false, 7);
    batch<float> c(4, 4);
    const auto multiply = [&](const matrix_ref<float>& left, const matrix_ref<float>& right,
                              const product_start<float>& start = {}) {
        bfloat16_product(left, right, batch_view<float>(c), start);
    };
    CHECK_THROWS_AS(multiply(a.ref, a.ref), shape_error);
    CHECK_THROWS_AS(multiply(a.ref.transposed(), a.ref), shape_error);
    CHECK_THROWS_AS(multiply(a.ref, a.ref.transposed(), {.row_bias = a.ref.data, .accumulate = true}), value_error);
}

}  // namespace ddpm::test
