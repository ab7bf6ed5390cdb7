// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>

namespace ddpm::test {

/// The size of the largest single operator new since it was last set to 0; Eigen's arrays, which come from malloc, are
/// not counted. The test program must hold tests/io/largest_allocation.cpp.
extern std::atomic<std::size_t> largest_allocation;

}  // namespace ddpm::test
