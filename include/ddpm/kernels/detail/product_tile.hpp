// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/product_panels.hpp>
#include <ddpm/kernels/detail/product_problem.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/product_tile.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
