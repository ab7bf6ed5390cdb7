// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/matrix_product.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using kernels::matrix_product;
using kernels::matrix_ref;
using kernels::product_start;

/// Numbers that round in every operation, from a fixed sequence.
template <class S>
std::vector<S> numbers(isize size, unsigned seed) {
    std::vector<S> values(static_cast<std::size_t>(size));
    std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (S& value : values) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        value = static_cast<S>(static_cast<double>(state >> 11) * 0x1p-52 - 1.0);
    }
    return values;
}

/// A matrix with memory of its own, stored by columns or by rows, with a gap between them and off the alignment.
template <class S>
struct stored_matrix {
    stored_matrix(isize rows, isize columns, bool by_rows, isize gap, unsigned seed)
        : memory(numbers<S>((rows + gap) * (columns + gap) + 8, seed)),
          ref{memory.data() + 1, rows, columns, by_rows ? columns + gap : 1, by_rows ? 1 : rows + gap} {}
    std::vector<S> memory;
    matrix_ref<S> ref;
};

template <class S>
S at(const matrix_ref<S>& m, isize i, isize j) {
    return m.data[i * m.row_stride + j * m.column_stride];
}

/// The promise, word for word: chains of 192 with k ascending, fused on every target that has it, are added
/// to the sum one after the other. Unless `add`, the first begins at `start`, and the sum is what it gives.
template <class S>
S reference_sum(const matrix_ref<S>& a, const matrix_ref<S>& b, isize i, isize j, S start, bool add, bool fused) {
    constexpr isize length = 192;
    S sum = start;
    for (isize first = 0; first < a.columns; first += length) {
        S chain = first == 0 && !add ? start : S{};
        for (isize k = first; k < std::min(a.columns, first + length); ++k) {
            if (fused) {
                chain = std::fma(at(a, i, k), at(b, k, j), chain);
            } else {
                const volatile S product = at(a, i, k) * at(b, k, j);  // volatile: rounded before the addition
                chain = product + chain;
            }
        }
        sum = first == 0 && !add ? chain : sum + chain;
    }
    return sum;
}

template <class S>
bool same_bits(S a, S b) {
    return std::memcmp(&a, &b, sizeof(S)) == 0;
}

enum class start_kind { zero, bias, old };

/// The memory of a result: one more number before it, `gap` after each column, and one at the end.
template <class S>
std::vector<S> result_memory(isize rows, isize columns, isize gap) {
    return numbers<S>((rows + gap) * columns + 2, 6);
}

template <class S>
std::vector<S> expected_memory(const matrix_ref<S>& a, const matrix_ref<S>& b, start_kind kind, const S* bias,
                               isize gap, bool fused) {
    std::vector<S> expected = result_memory<S>(a.rows, b.columns, gap);
    for (isize j = 0; j < b.columns; ++j) {
        for (isize i = 0; i < a.rows; ++i) {
            S& sum = expected[static_cast<std::size_t>(1 + i + j * (a.rows + gap))];
            const S start = kind == start_kind::zero ? S{} : kind == start_kind::bias ? bias[i] : sum;
            sum = reference_sum(a, b, i, j, start, kind == start_kind::old, fused);
        }
    }
    return expected;
}

/// Checks on every target that the elements of the product are what the promise says, and that nothing else is written.
template <class S>
void check_product(const matrix_ref<S>& a, const matrix_ref<S>& b, start_kind kind, isize gap) {
    const std::vector<S> biases = numbers<S>(a.rows + 1, 5);
    const S* const bias = biases.data() + 1;
    std::vector<S> expected[2];  // without fused multiplications, and with them
    for_each_target([&] {
        const bool fused = simd_target() != instruction_set::baseline;
        std::vector<S>& here = expected[fused ? 1 : 0];
        if (here.empty()) {
            here = expected_memory(a, b, kind, bias, gap, fused);
        }
        std::vector<S> c = result_memory<S>(a.rows, b.columns, gap);
        matrix_product(a, b, batch_view<S>(c.data() + 1, a.rows, b.columns, a.rows + gap),
                       {kind == start_kind::bias ? bias : nullptr, kind == start_kind::old});
        int wrong = 0;
        for (std::size_t n = 0; n < c.size(); ++n) {
            wrong += !same_bits(c[n], here[n]);
        }
        CHECK(wrong == 0);
    });
}

struct size_of_product {
    isize rows, columns, depth;
};

}  // namespace

TEMPLATE_TEST_CASE("matrix_product keeps its promise to the bit on every target", "[kernels]", float, double) {
    const size_of_product sizes[] = {{1, 1, 1},     {1, 100, 33},  {2, 37, 16},   {3, 5, 7},     {7, 13, 15},
                                     {8, 4, 9},     {16, 6, 17},   {31, 11, 31},  {32, 12, 32},  {33, 13, 33},
                                     {15, 16, 40},  {64, 24, 100}, {65, 25, 64},  {128, 1, 128}, {127, 2, 65},
                                     {129, 3, 130}, {40, 97, 5},   {200, 1, 3},   {70, 31, 45},  {130, 19, 37},
                                     {200, 7, 50},  {33, 1, 192},  {70, 13, 193}, {150, 9, 400}, {5, 20, 385}};
    for (const size_of_product& size : sizes) {
        for (const bool a_by_rows : {false, true}) {
            for (const bool b_by_rows : {false, true}) {
                const stored_matrix<TestType> a(size.rows, size.depth, a_by_rows, 3, 1);
                const stored_matrix<TestType> b(size.depth, size.columns, b_by_rows, 2, 2);
                for (const start_kind kind : {start_kind::zero, start_kind::bias, start_kind::old}) {
                    INFO(size.rows << " x " << size.columns << " x " << size.depth << " by rows " << a_by_rows
                                   << b_by_rows << " start " << static_cast<int>(kind));
                    check_product(a.ref, b.ref, kind, 0);
                    check_product(a.ref, b.ref, kind, 5);
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("matrix_product keeps its error bound", "[kernels]", float, double) {
    using S = TestType;
    using wide = std::conditional_t<std::is_same_v<S, float>, double, long double>;
    constexpr wide unit = static_cast<wide>(std::numeric_limits<S>::epsilon()) / 2;
    for (const isize depth : {1, 50, 192, 5000}) {
        const stored_matrix<S> a(20, depth, false, 0, 1), b(depth, 7, false, 0, 2);
        const std::vector<S> bias = numbers<S>(20, 5);
        batch<S> c(20, 7);
        for_each_target([&] {
            matrix_product<S>(a.ref, b.ref, c, {.row_bias = bias.data()});
            for (isize j = 0; j < 7; ++j) {
                for (isize i = 0; i < 20; ++i) {
                    const auto start = static_cast<wide>(bias[static_cast<std::size_t>(i)]);
                    wide sum = start, size = std::abs(start);
                    for (isize k = 0; k < depth; ++k) {
                        const wide term = static_cast<wide>(at(a.ref, i, k)) * static_cast<wide>(at(b.ref, k, j));
                        sum += term;
                        size += std::abs(term);
                    }
                    const wide bound = unit * (static_cast<wide>(depth) / 192 + 194) * size;
                    CHECK(std::abs(static_cast<wide>(c(i, j)) - sum) <= bound);
                }
            }
        });
    }
}

TEMPLATE_TEST_CASE("matrix_product: sizes beyond one block of rows, columns and depth", "[kernels]", float, double) {
    const size_of_product sizes[] = {{400, 30, 20},   {20, 1230, 10}, {40, 26, 1200}, {390, 50, 600},
                                     {10, 1300, 400}, {650, 850, 7},  // a result beyond the second cache
                                     {130, 26, 1160},                 // few rows, and so more of k
                                     {200, 14, 560}};
    for (const size_of_product& size : sizes) {
        for (const bool by_rows : {false, true}) {
            const stored_matrix<TestType> a(size.rows, size.depth, by_rows, 200, 1);
            const stored_matrix<TestType> b(size.depth, size.columns, by_rows, 520, 2);
            INFO(size.rows << " x " << size.columns << " x " << size.depth << " by rows " << by_rows);
            check_product(a.ref, b.ref, start_kind::bias, 1);
            check_product(a.ref, b.ref, start_kind::old, 0);
        }
    }
}

TEMPLATE_TEST_CASE("matrix_product: strides of neither rows nor columns", "[kernels]", float, double) {
    const std::vector<TestType> memory = numbers<TestType>(3 * 50 * 2 * 60 + 10, 3);
    const matrix_ref<TestType> a{memory.data(), 50, 60, 2, 3 * 50};
    const matrix_ref<TestType> b{memory.data() + 7, 60, 40, 3, 3 * 60 + 1};
    const matrix_ref<TestType> repeated{memory.data() + 3, 60, 40, 1, 0};
    check_product(a, b, start_kind::bias, 3);
    check_product(b.transposed(), a.transposed(), start_kind::old, 3);
    check_product(a, repeated, start_kind::zero, 0);
}

TEMPLATE_TEST_CASE("matrix_product: the bits depend on neither the thread count nor the other columns", "[kernels]",
                   float, double) {
    const isize rows = 200, columns = 301, depth = 150;
    const stored_matrix<TestType> a(rows, depth, false, 0, 1);
    const stored_matrix<TestType> b(depth, columns, false, 0, 2);
    for_each_target([&] {
        set_thread_count(1);
        batch<TestType> whole(rows, columns);
        matrix_product<TestType>(a.ref, b.ref, whole);
        for (const isize threads : {2, 3, 7}) {
            set_thread_count(threads);
            batch<TestType> again(rows, columns);
            matrix_product<TestType>(a.ref, b.ref, again);
            CHECK((again == whole).all());
        }
        for (const isize width : {1, 2, 5, 12, 17, 100}) {
            batch<TestType> parts(rows, columns);
            for (isize first = 0; first < columns; first += width) {
                matrix_ref<TestType> part = b.ref;
                part.data += first * part.column_stride;
                part.columns = std::min(width, columns - first);
                matrix_product<TestType>(a.ref, part, parts.middleCols(first, part.columns));
            }
            CHECK((parts == whole).all());
        }
        batch<TestType> upper(77, columns);
        matrix_ref<TestType> some = a.ref;
        some.rows = 77;
        matrix_product<TestType>(some, b.ref, upper);
        CHECK((upper == whole.topRows(77)).all());
    });
    set_thread_count(0);
}

TEMPLATE_TEST_CASE("matrix_product: products over parts of k, each of whole chains, give the same bits", "[kernels]",
                   float, double) {
    const isize rows = 70, columns = 30, depth = 1000;
    const stored_matrix<TestType> a(rows, depth, false, 0, 1);
    const stored_matrix<TestType> b(depth, columns, false, 0, 2);
    for_each_target([&] {
        batch<TestType> whole(rows, columns);
        matrix_product<TestType>(a.ref, b.ref, whole);
        for (const isize chains : {1, 2, 3}) {
            const isize length = chains * kernels::detail::product_chain;
            batch<TestType> sum(rows, columns);
            for (isize first = 0; first < depth; first += length) {
                matrix_ref<TestType> left = a.ref, right = b.ref;
                left.columns = right.rows = std::min(length, depth - first);
                left.data += first * left.column_stride;
                right.data += first * right.row_stride;
                matrix_product<TestType>(left, right, sum, {.accumulate = first > 0});
            }
            CHECK((sum == whole).all());
        }
    });
}

TEMPLATE_TEST_CASE("matrix_product inside parallel work", "[kernels]", float, double) {
    const isize size = 130;
    const stored_matrix<TestType> a(size, size, true, 0, 1);
    const stored_matrix<TestType> b(size, size, false, 0, 2);
    batch<TestType> expected(size, size);
    matrix_product<TestType>(a.ref, b.ref, expected);
    set_thread_count(3);
    std::vector<batch<TestType>> results(8, batch<TestType>(size, size));
    parallel_for(8, 1, [&](isize first, isize) {
        matrix_product<TestType>(a.ref, b.ref, results[static_cast<std::size_t>(first)]);
    });
    set_thread_count(0);
    for (const batch<TestType>& result : results) {
        CHECK((result == expected).all());
    }
}

TEMPLATE_TEST_CASE("matrix_product: empty sums and empty results", "[kernels]", float, double) {
    const TestType bias[] = {1, 2, 3};
    for_each_target([&] {
        batch<TestType> c = batch<TestType>::Constant(3, 2, 7);
        const matrix_ref<TestType> a{nullptr, 3, 0, 1, 3};
        const matrix_ref<TestType> b{nullptr, 0, 2, 1, 0};
        matrix_product<TestType>(a, b, c, {nullptr, true});
        CHECK((c == 7).all());
        matrix_product<TestType>(a, b, c, {bias, false});
        CHECK((c.col(0) == c.col(1)).all());
        CHECK(c(2, 1) == 3);
        matrix_product<TestType>(a, b, c);
        CHECK((c == 0).all());
        matrix_product<TestType>({nullptr, 0, 5, 1, 0}, {nullptr, 5, 4, 1, 5}, batch_view<TestType>(nullptr, 0, 4));
        matrix_product<TestType>({nullptr, 4, 5, 1, 4}, {nullptr, 5, 0, 1, 5}, batch_view<TestType>(nullptr, 4, 0));
    });
}

TEMPLATE_TEST_CASE("matrix_product: NaN and infinity go where they belong and nowhere else", "[kernels]", float,
                   double) {
    const TestType infinity = std::numeric_limits<TestType>::infinity();
    const isize size = 41;
    for_each_target([&] {
        for (const bool by_rows : {false, true}) {
            stored_matrix<TestType> a(size, size, by_rows, 0, 1);
            stored_matrix<TestType> b(size, size, by_rows, 0, 2);
            const auto set = [](matrix_ref<TestType>& m, isize i, isize j, TestType value) {
                const_cast<TestType*>(m.data)[i * m.row_stride + j * m.column_stride] = value;
            };
            set(a.ref, 40, 3, std::numeric_limits<TestType>::quiet_NaN());
            set(b.ref, 7, 38, infinity);
            set(b.ref, 8, 0, -infinity);
            set(a.ref, 5, 8, 0);
            batch<TestType> c(size, size);
            matrix_product<TestType>(a.ref, b.ref, c);
            for (isize j = 0; j < size; ++j) {
                for (isize i = 0; i < size; ++i) {
                    const bool is_nan = i == 40 || (i == 5 && j == 0);
                    const bool is_infinite = !is_nan && (j == 38 || j == 0);
                    REQUIRE(std::isnan(c(i, j)) == is_nan);
                    REQUIRE(std::isinf(c(i, j)) == is_infinite);
                }
            }
        }
    });
}

TEMPLATE_TEST_CASE("matrix_product rejects what does not fit", "[kernels]", float, double) {
    const std::vector<TestType> x(100);
    batch<TestType> c(4, 5);
    const auto matrix = [&](isize rows, isize columns) {
        return matrix_ref<TestType>{x.data(), rows, columns, 1, rows};
    };
    CHECK_THROWS_AS(matrix_product<TestType>(matrix(4, 3), matrix(2, 5), c), shape_error);
    CHECK_THROWS_AS(matrix_product<TestType>(matrix(3, 3), matrix(3, 5), c), shape_error);
    CHECK_THROWS_AS(matrix_product<TestType>(matrix(4, 3), matrix(3, 6), c), shape_error);
    CHECK_THROWS_AS(matrix_product<TestType>(matrix(4, 3), matrix(3, 5), c, {x.data(), true}), value_error);
}

TEMPLATE_TEST_CASE("matrix_of names the memory as it lies", "[kernels]", float, double) {
    batch<TestType> x(3, 4);
    for (isize n = 0; n < x.size(); ++n) {
        x.data()[n] = static_cast<TestType>(n);
    }
    const auto by_columns = kernels::matrix_of(batch_view<const TestType>(x).middle_rows(1, 2));
    CHECK(by_columns.rows == 2);
    CHECK(by_columns.columns == 4);
    CHECK(at(by_columns, 1, 2) == x(2, 2));
    CHECK(at(by_columns.transposed(), 2, 1) == x(2, 2));
}

}  // namespace ddpm::test
