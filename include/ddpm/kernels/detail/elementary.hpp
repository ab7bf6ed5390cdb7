// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/log.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/sincos.hpp>

namespace ddpm::kernels::detail {

/// The functions with one argument and one result, as a template argument of evaluate.
enum class elementary_function { exp_of, log_of, sin_of, cos_of, tanh_of, sigmoid_of, rsqrt_of };

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/elementary.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
