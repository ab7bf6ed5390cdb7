// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// In a build with the address or the thread sanitizer DDPM_TEST_ADDRESS_SANITIZER or DDPM_TEST_THREAD_SANITIZER is defined, by
// GCC's macros or clang's feature tests, and DDPM_TEST_SANITIZER.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DDPM_TEST_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define DDPM_TEST_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(DDPM_TEST_ADDRESS_SANITIZER)
#define DDPM_TEST_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__) && !defined(DDPM_TEST_THREAD_SANITIZER)
#define DDPM_TEST_THREAD_SANITIZER
#endif
#if defined(DDPM_TEST_ADDRESS_SANITIZER) || defined(DDPM_TEST_THREAD_SANITIZER)
#define DDPM_TEST_SANITIZER
#endif
