// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/sampler/plan.hpp>

#include <vector>

namespace ddpm::test {

/// The factor of a quantity in a sum of terms.
[[nodiscard]] inline double factor_of(const std::vector<term>& sum, quantity of, isize number = 0) {
    double factor = 0;
    for (const term& t : sum) {
        factor += t.of == of && t.number == number ? t.factor : 0;
    }
    return factor;
}

}  // namespace ddpm::test
