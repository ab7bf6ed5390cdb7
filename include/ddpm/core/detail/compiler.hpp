// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Requirements on the compiler. RTTI is not needed.

#if defined(__clang__)
#if __clang_major__ < 14
#error "ddpm needs Clang 14 or newer"
#endif
#elif defined(__GNUC__)
#if __GNUC__ < 12
#error "ddpm needs GCC 12 or newer"
#endif
#else
#error "ddpm needs GCC 12 or newer, or Clang 14 or newer: its kernels use their vector extensions"
#endif

#if __cplusplus < 202002L
#error "ddpm needs C++20: compile with -std=c++20 or a newer standard"
#endif

#if !defined(__cpp_exceptions)
#error "ddpm needs exceptions, which -fno-exceptions switches off: its errors are exceptions"
#endif
