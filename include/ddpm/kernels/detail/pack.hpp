// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/dispatch.hpp>

#include <cstddef>
#include <cstdint>

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/pack.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
