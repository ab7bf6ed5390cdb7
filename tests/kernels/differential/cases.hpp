// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/differential/source.hpp"

#include <span>

namespace ddpm::test {

// The cases of all kernels, by what the kernels are.
std::span<const kernel_case> elementwise_kernels();
std::span<const kernel_case> noise_kernels();
std::span<const kernel_case> sum_kernels();
std::span<const kernel_case> network_kernels();
std::span<const kernel_case> winograd_kernels();

/// Calls visit(one) for the case of each kernel.
template <class Visit>
void for_each_kernel_case(const Visit& visit) {
    for (const auto kernels :
         {elementwise_kernels(), noise_kernels(), sum_kernels(), network_kernels(), winograd_kernels()}) {
        for (const kernel_case& one : kernels) {
            visit(one);
        }
    }
}

}  // namespace ddpm::test
