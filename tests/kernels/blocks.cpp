// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/blocks.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::test {

TEST_CASE("every element is met once, in blocks that do not depend on the thread count", "[kernels]") {
    constexpr isize b = kernels::block_elements;
    const isize shapes[][2] = {{0, 3},     {3, 0}, {1, 1},     {7, 5},     {1, 3 * b + 1}, {100, 1000},
                               {b - 1, 3}, {b, 3}, {b + 1, 2}, {3 * b, 1}, {3 * b + 17, 2}};
    for (const auto& shape : shapes) {
        const isize rows = shape[0], columns = shape[1];
        INFO(rows << " x " << columns);
        for (const isize threads : {1, 3}) {
            set_thread_count(threads);
            std::vector<std::atomic<int>> met(static_cast<std::size_t>(rows * columns));
            std::atomic<bool> inside{true};
            kernels::for_each_block(rows, columns, [&](isize n, isize first, isize last) {
                if (n < 0 || n >= columns || first < 0 || first >= last || last > rows || last - first > b) {
                    inside = false;
                    return;
                }
                for (isize i = first; i < last; ++i) {
                    ++met[static_cast<std::size_t>(n * rows + i)];
                }
            });
            CHECK(inside);
            bool once = true;
            for (const auto& count : met) {
                once = once && count == 1;
            }
            CHECK(once);
        }
    }
    set_thread_count(0);
}

TEST_CASE("every column is met once, large ones with all threads left to them", "[kernels]") {
    constexpr isize b = kernels::block_elements;
    set_thread_count(3);
    const isize shapes[][2] = {{0, 3}, {3, 0}, {1, 3 * b + 1}, {100, 1000}, {b, 3}, {b + 1, 2}};
    for (const auto& shape : shapes) {
        const isize rows = shape[0], columns = shape[1];
        INFO(rows << " x " << columns);
        std::vector<std::atomic<int>> met(static_cast<std::size_t>(columns));
        std::atomic<bool> one_by_one{true};
        std::atomic<int> inside{0};
        kernels::for_each_column(rows, columns, [&](isize n) {
            one_by_one = one_by_one && (rows <= b || inside == 0);
            ++inside;
            ++met[static_cast<std::size_t>(n)];
            --inside;
        });
        CHECK(one_by_one);
        CHECK(std::all_of(met.begin(), met.end(), [](const std::atomic<int>& count) { return count == 1; }));
    }
    set_thread_count(0);
}

TEST_CASE("tiles are whole columns together, or parts of one", "[kernels]") {
    constexpr isize b = kernels::block_elements;
    const isize shapes[][2] = {{0, 3}, {3, 0}, {1, 3 * b + 1}, {100, 1000}, {b, 3}, {b + 1, 2}, {3 * b + 17, 2}};
    for (const auto& shape : shapes) {
        const isize rows = shape[0], columns = shape[1];
        INFO(rows << " x " << columns);
        std::vector<std::atomic<int>> met(static_cast<std::size_t>(rows * columns));
        std::atomic<bool> proper{true};
        kernels::for_each_tile(rows, columns, [&](isize n, isize count, isize first, isize last) {
            proper = proper && count >= 1 && first % b == 0 && (last - first) * count <= b && first < last &&
                     (count == 1 || (first == 0 && last == rows));
            for (isize i = 0; i < count * (last - first); ++i) {
                ++met[static_cast<std::size_t>((n + i / (last - first)) * rows + first + i % (last - first))];
            }
        });
        CHECK(proper);
        bool once = true;
        for (const auto& count : met) {
            once = once && count == 1;
        }
        CHECK(once);
    }
}

TEST_CASE("batches without gaps are taken as one column", "[kernels]") {
    std::vector<float> memory(100);
    const batch_view<float> close(memory.data(), 4, 5), apart(memory.data(), 4, 5, 7), empty;
    std::atomic<isize> calls{0};
    const auto count = [&](isize n, isize first, isize last) {
        ++calls;
        CHECK(n == 0);
        CHECK(first == 0);
        CHECK(last == 20);
    };
    kernels::for_each_alike(count, close, close, empty);
    CHECK(calls == 1);
    std::atomic<isize> elements{0};
    kernels::for_each_alike([&](isize, isize first, isize last) { elements += last - first; }, close, apart);
    CHECK(elements == 20);
    kernels::for_each_alike(count, batch_view<float>(memory.data(), 4, 0));
    CHECK(calls == 1);
}

TEST_CASE("sums over blocks and columns have the same bits for every thread count", "[kernels]") {
    constexpr isize b = kernels::block_elements;
    const auto part = [](isize n, isize first, isize last) {
        double sum = 0;
        for (isize i = first; i < last; ++i) {
            sum += 1.0 / static_cast<double>(3 * i + n + 1);
        }
        return sum;
    };
    const isize shapes[][2] = {{0, 3}, {3, 0}, {1, 1}, {5, 20000}, {b, 3}, {3 * b + 17, 2}};
    for (const auto& shape : shapes) {
        const isize rows = shape[0], columns = shape[1];
        INFO(rows << " x " << columns);
        double first_total = -1;
        std::vector<double> first_sums;
        for (const isize threads : {1, 2, 5}) {
            set_thread_count(threads);
            std::vector<double> sums(static_cast<std::size_t>(columns), -1.0);
            kernels::sum_columns(rows, columns, part,
                                 [&](isize n, double sum) { sums[static_cast<std::size_t>(n)] = sum; });
            const double total = kernels::sum_over_blocks(rows, columns, part);
            if (threads == 1) {
                first_total = total;
                first_sums = sums;
                double expected = 0;
                for (isize n = 0; n < columns; ++n) {
                    CHECK(std::abs(sums[static_cast<std::size_t>(n)] - part(n, 0, rows)) < 1e-12);
                    expected += part(n, 0, rows);
                }
                CHECK(std::abs(total - expected) <= 1e-12 * expected);
            }
            CHECK(total == first_total);
            CHECK(sums == first_sums);
        }
    }
    set_thread_count(0);
}

TEST_CASE("sums over blocks and columns keep their bounds of roundings", "[kernels]") {
    constexpr isize b = kernels::block_elements;
    struct column_terms {
        double weight;
    };
    random_numbers random;
    const isize shapes[][2] = {{1, 1}, {1, 300000}, {5, 20000}, {b, 3}, {3 * b + 17, 700}};
    for (const auto& shape : shapes) {
        const isize rows = shape[0], columns = shape[1], per_column = (rows + b - 1) / b;
        INFO(rows << " x " << columns);
        const batch<double> parts = random.values<double>(per_column, columns),
                            weight = random.values<double>(columns, 1);
        const auto part = [&](isize n, isize first, isize) { return parts(first / b, n); };
        const auto weighed = [&](const column_terms&, isize n, isize first, isize) { return parts(first / b, n); };
        const auto terms_of = [&](isize n) { return column_terms{weight(n)}; };
        long double exact = 0, size = 0, exact_weighed = 0, size_weighed = 0;
        std::vector<long double> column_sums, column_sizes;
        for (isize n = 0; n < columns; ++n) {
            long double sum = 0, magnitude = 0;
            for (isize k = 0; k < per_column; ++k) {
                sum += parts(k, n);
                magnitude += std::abs(parts(k, n));
            }
            column_sums.push_back(sum);
            column_sizes.push_back(magnitude);
            exact += sum;
            size += magnitude;
            exact_weighed += weight(n) * sum;
            size_weighed += std::abs(weight(n)) * magnitude;
        }
        const auto count = [&](isize of_columns) {
            return static_cast<long double>(of_columns * per_column) / 256 + 16384.0L / static_cast<long double>(rows) +
                   256;
        };
        CHECK(within(kernels::sum_over_blocks(rows, columns, part), exact, roundings<double>(count(columns)) * size));
        const long double count_weighed = count(columns) + static_cast<long double>(columns);
        std::vector<double> sums(column_sums.size());
        for (double* const kept : {static_cast<double*>(nullptr), sums.data()}) {
            CHECK(within(kernels::weighted_sum_over_columns(rows, columns, terms_of, weighed, kept), exact_weighed,
                         roundings<double>(count_weighed) * size_weighed));
        }
        bool right = true;
        for (std::size_t n = 0; n < sums.size(); ++n) {
            right = right && within(sums[n], column_sums[n], roundings<double>(count(1)) * column_sizes[n]);
        }
        CHECK(right);
    }
}

}  // namespace ddpm::test
