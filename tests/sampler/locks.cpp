// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/sanitizer.hpp"

// The sanitizers have their own pthread_mutex_lock, and need it.
#if defined(__linux__) && !defined(DDPM_TEST_SANITIZER)
#include "support/count_locks.inl.hpp"
#endif
