// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

/// Calls body for each instruction set that this machine has, with the kernels running on it.
template <class Body>
void for_each_target(Body body) {
    for (const instruction_set set : float_instruction_sets) {
        if (is_supported(set)) {
            const ddpm::detail::scoped_simd_target on(set);
            CAPTURE(name_of(set));
            body();
        }
    }
}

}  // namespace ddpm::test
