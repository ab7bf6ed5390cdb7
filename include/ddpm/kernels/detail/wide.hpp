// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/pack.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/wide.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
