// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/types.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <vector>

namespace ddpm::test {

/// write(out, stream) must write the same `size` numbers with streaming stores as without, and no others, wherever
/// `out` begins in a cache line.
template <class S, class Write>
void check_streaming(isize size, const Write& write) {
    constexpr isize line = 64 / static_cast<isize>(sizeof(S)), step = 16 / static_cast<isize>(sizeof(S));
    for (isize offset = 0; offset < line; offset += step) {
        CAPTURE(offset);
        std::vector<S, aligned_allocator<S>> plain(static_cast<std::size_t>(size + 2 * line), S(42)), streamed = plain;
        write(plain.data() + offset, false);
        write(streamed.data() + offset, true);
        CHECK(streamed == plain);
        CHECK(streamed[static_cast<std::size_t>(offset)] != S(42));
    }
}

}  // namespace ddpm::test
