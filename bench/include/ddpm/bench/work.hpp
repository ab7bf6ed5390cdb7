// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

namespace ddpm::bench {

/// The arrays of floats that a pass over memory runs through.
struct memory_streams {
    double floats = 0;  ///< in each array; a double counts as two
    int read = 0;       ///< how many arrays are read,
    int written = 0;    ///< written,
    int updated = 0;    ///< or both

    [[nodiscard]] double bytes() const noexcept { return 4 * floats * (read + written + 2 * updated); }
};

/// How much a benchmark's body does in one call, as far as it is counted. Times of two runs compare only where it is the
/// same in both.
struct work_per_call {
    double items = 0;
    double bytes = 0;
    double flops = 0;

    bool operator==(const work_per_call&) const = default;
};

/// What a benchmark's body does in one call; 0 where it does not apply. Flops and passes say what limits it: a probe
/// that does nothing but these runs beside it.
struct work {
    double items = 0;                      ///< elements, samples or calls: what a user counts
    double bytes = 0;                      ///< read and written, each once; by default those of the passes
    double flops = 0;                      ///< additions and multiplications, if they may bind
    bool in_double = false;                ///< whether the flops are of double precision
    std::vector<memory_streams> passes{};  ///< over memory, one after another

    [[nodiscard]] double bytes_moved() const noexcept {
        double all = 0;
        for (const memory_streams& pass : passes) {
            all += pass.bytes();
        }
        return bytes > 0 ? bytes : all;
    }

    [[nodiscard]] work_per_call per_call() const noexcept {
        return {.items = items, .bytes = bytes_moved(), .flops = flops};
    }

    /// Whether no cache is likely to keep what it writes.
    [[nodiscard]] bool is_worth_streaming() const noexcept {
        constexpr double large = 0x1p22;  // 16 MiB an array
        return std::any_of(passes.begin(), passes.end(),
                           [](const memory_streams& pass) { return pass.written > 0 && pass.floats >= large; });
    }
};

}  // namespace ddpm::bench
