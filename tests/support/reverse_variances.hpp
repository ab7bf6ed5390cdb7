// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/process/variance.hpp>

namespace ddpm::test {

inline constexpr reverse_variance all_reverse_variances[] = {
    reverse_variance::fixed_small, reverse_variance::fixed_large, reverse_variance::learned,
    reverse_variance::learned_range, reverse_variance::optimal};

}  // namespace ddpm::test
