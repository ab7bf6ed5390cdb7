// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

/// Checks an invariant of the library itself. Define it before the first include to replace `assert`.
#ifndef DDPM_ASSERT
#include <cassert>
#define DDPM_ASSERT(condition) assert(condition)
#endif
