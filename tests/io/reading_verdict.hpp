// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/refusal_time.hpp"

#include <cstddef>
#include <string>

namespace ddpm::test {

/// The message of the io_error that read() throws, or "accepted". It must take at most the memory of the numbers that it
/// returns and a constant, and little time.
template <class Read>
[[nodiscard]] std::string reading_verdict(const Read& read) {
    constexpr std::ptrdiff_t constant = 4096;
    std::string message = "accepted";
    std::ptrdiff_t numbers = 0;
    const processor_time time;
    const std::ptrdiff_t peak = peak_of([&] {
        decltype(read()) result;
        try {
            result = read();
            numbers = static_cast<std::ptrdiff_t>(result.size()) * static_cast<std::ptrdiff_t>(sizeof(*result.data()));
        } catch (const io_error& e) {
            message = e.what();
        }
        return result;
    });
    const double milliseconds = refusal_milliseconds(time.milliseconds(), read);
    if (peak > numbers + constant) {
        FAIL(message << ": took " << peak << " bytes of memory for " << numbers << " of numbers");
    }
    if (milliseconds >= most_milliseconds) {
        FAIL(message << ": took " << milliseconds << " ms");
    }
    return message;
}

}  // namespace ddpm::test
