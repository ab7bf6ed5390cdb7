// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/aligned_allocator.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

namespace ddpm::test {

TEST_CASE("aligned memory begins at a cache line", "[core]") {
    for (const std::size_t count : std::vector<std::size_t>{1, 3, 17, 1000}) {
        const std::vector<float, aligned_allocator<float>> values(count);
        CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % 64 == 0);
    }
}

TEST_CASE("more memory than there are addresses is refused, and any allocator frees what another took", "[core]") {
    aligned_allocator<double> of_double;
    CHECK_THROWS_AS(static_cast<void>(of_double.allocate(std::numeric_limits<std::size_t>::max() / 8)),
                    std::bad_array_new_length);
    CHECK(of_double == aligned_allocator<float>(of_double));
}

}  // namespace ddpm::test
