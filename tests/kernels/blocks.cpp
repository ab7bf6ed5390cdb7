// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/blocks.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <vector>

namespace ddpm::test {

TEST_CASE("every element is met once, in blocks that do not depend on the thread count", "[kernels]") {
    constexpr index b = kernels::block_elements;
    const index shapes[][2] = {{0, 3},     {3, 0},         {1, 1},     {7, 5},     {1, 3 * b + 1}, {100, 1000},
                               {b - 1, 3}, {b, 3},         {b + 1, 2}, {3 * b, 1}, {3 * b + 17, 2}};
    for (const auto& [rows, columns] : shapes) {
        INFO(rows << " x " << columns);
        for (const index threads : {1, 3}) {
            set_thread_count(threads);
            std::vector<std::atomic<int>> met(static_cast<std::size_t>(rows * columns));
            std::atomic<bool> inside{true};
            kernels::for_each_block(rows, columns, [&](index n, index first, index last) {
                if (n < 0 || n >= columns || first < 0 || first >= last || last > rows || last - first > b) {
                    inside = false;
                    return;
                }
                for (index i = first; i < last; ++i) {
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

}  // namespace ddpm::test
