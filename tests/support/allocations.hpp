// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>

namespace ddpm::test {

/// How often memory was allocated, by operator new or, as Eigen does, by malloc. The test program must hold
/// a source that includes support/count_allocations.inl.hpp.
extern std::atomic<std::size_t> allocations;

}  // namespace ddpm::test
