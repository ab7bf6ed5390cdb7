// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace ddpm::bench {

/// The arrays of floats that a benchmark's body runs through once in a call.
struct memory_streams {
    double floats = 0;  ///< in each array; a double counts as two
    int read = 0;       ///< how many arrays are read,
    int written = 0;    ///< written,
    int updated = 0;    ///< or both

    [[nodiscard]] double bytes() const noexcept { return 4 * floats * (read + written + 2 * updated); }
};

/// What a benchmark's body does in one call; 0 where it does not apply. Flops and streams say what limits it: a probe
/// that does nothing but these runs beside it.
struct work {
    double items = 0;        ///< elements, samples or calls: what a user counts
    double bytes = 0;        ///< read and written, each once; by default those of the streams
    double flops = 0;        ///< additions and multiplications, if they may bind
    bool in_double = false;  ///< whether the flops are of double precision
    memory_streams streams{};

    [[nodiscard]] double bytes_moved() const noexcept { return bytes > 0 ? bytes : streams.bytes(); }
};

}  // namespace ddpm::bench
