// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/sanitizer.hpp"

#include <atomic>
#include <cstddef>

// The program's memory, counted. The test program must hold one source that includes
// support/count_allocations.inl.hpp.
namespace ddpm::test {

/// Whether allocations are counted, and can be made to fail; the macro is defined if so. Not without glibc, nor with
/// clang's sanitizers, whose malloc is linked into the program, where there can be no other, nor with a thread sanitizer,
/// which allocates in a thread before it can follow that thread.
#if defined(__GLIBC__) && !defined(DDPM_TEST_THREAD_SANITIZER) && !(defined(__clang__) && defined(DDPM_TEST_SANITIZER))
#define DDPM_TEST_COUNTS_ALLOCATIONS
inline constexpr bool allocations_are_counted = true;
#else
inline constexpr bool allocations_are_counted = false;
#endif

/// How often memory was allocated, by operator new or, as Eigen does, by malloc.
extern std::atomic<std::size_t> allocations;

/// The size of the largest single operator new since it was last set to 0; Eigen's arrays, which come from malloc, are
/// not counted.
extern std::atomic<std::size_t> largest_allocation;

/// How many blocks are allocated and not yet given back, how many bytes they have, and how many they had at most since
/// it was last set. A block that the program's start allocated and that is given back later counts negatively.
extern std::atomic<std::ptrdiff_t> live_blocks;
extern std::atomic<std::ptrdiff_t> live_bytes;
extern std::atomic<std::ptrdiff_t> peak_bytes;

/// The most bytes that action() held at once, what it returns among them, beyond those held before.
template <class Action>
[[nodiscard]] std::ptrdiff_t peak_of(const Action& action) {
    const std::ptrdiff_t before = live_bytes;
    peak_bytes = before;
    { [[maybe_unused]] const auto result = action(); }
    return peak_bytes - before;
}

/// Which allocation from now on fails: 1 the next one, 0 or less none. It counts down.
extern std::atomic<std::ptrdiff_t> failing_allocation;

/// Whether all allocations after that one fail too.
extern std::atomic<bool> failing_ever_after;

/// How many were made to fail.
extern std::atomic<std::size_t> failed_allocations;

}  // namespace ddpm::test
