// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include "support/sanitizer.hpp"

#include <algorithm>
#include <ctime>

namespace ddpm::test {

/// How long a small spoilt file may take until it is refused. A sanitizer takes its own time, and so do an emulator and code
/// that is not optimized.
#if defined(DDPM_TEST_SANITIZER) || defined(DDPM_TEST_EMULATED) || !defined(__OPTIMIZE__)
inline constexpr double most_milliseconds = 1000;
#else
inline constexpr double most_milliseconds = 50;
#endif

/// The time of the processor since it was made, in which no other program has a part.
class processor_time {
public:
    [[nodiscard]] double milliseconds() const {
        return 1000.0 * static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC;
    }

private:
    std::clock_t start_ = std::clock();
};

/// The least time of the processor that `refuse` takes: `first`, or, if that is beyond the limit, which a busy machine can
/// cause, of four more runs.
template <class Refuse>
[[nodiscard]] double refusal_milliseconds(double first, const Refuse& refuse) {
    double least = first;
    for (int again = 0; again < 4 && least >= most_milliseconds; ++again) {
        const processor_time time;
        try {
            refuse();
        } catch (const base_error&) {  // as the first time
        }
        least = std::min(least, time.milliseconds());
    }
    return least;
}

}  // namespace ddpm::test
