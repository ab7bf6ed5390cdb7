// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace ddpm::test {

/// How many mutexes the program has locked. The test program must hold a source that includes
/// support/count_locks.inl.hpp.
extern std::atomic<long> locks_taken;

}  // namespace ddpm::test
