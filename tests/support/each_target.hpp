// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

/// Calls body for each of the instruction sets that this machine has, with the kernels running on it.
template <class Sets, class Body>
void for_each_of(const Sets& sets, const Body& body) {
    for (const instruction_set set : sets) {
        if (is_supported(set)) {
            const ddpm::detail::scoped_simd_target on(set);
            CAPTURE(name_of(set));
            body();
        }
    }
}

/// The same for the instruction sets for which every kernel has a version.
template <class Body>
void for_each_target(const Body& body) {
    for_each_of(float_instruction_sets, body);
}

/// The same for all, also those for which only products of 16-bit numbers have one. Says which this machine does not have.
template <class Body>
void for_each_instruction_set(const Body& body) {
    for (const instruction_set set : all_instruction_sets) {
        if (!is_supported(set)) {
            WARN("skipped: this machine does not have " << name_of(set));
        }
    }
    for_each_of(all_instruction_sets, body);
}

}  // namespace ddpm::test
