// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>

#include "support/gradient_check.hpp"

#include <vector>

namespace ddpm::test {

/// Values for all that a network takes of some samples, another for each.
template <Scalar S>
struct some_conditions {
    std::vector<ddpm::isize> labels;
    batch<S> vectors, maps;

    some_conditions(const condition_shape& takes, ddpm::isize pixels, ddpm::isize samples, std::uint64_t seed = 7)
        : vectors(random_batch<S>(takes.vector, samples, seed)),
          maps(random_batch<S>(takes.map_channels * pixels, samples, seed + 1)) {
        for (ddpm::isize n = 0; takes.classes != 0 && n < samples; ++n) {
            labels.push_back((n * 5 + 1) % takes.classes);
        }
    }

    [[nodiscard]] condition<S> all() const { return {.labels = labels, .vectors = vectors, .maps = maps}; }
    [[nodiscard]] condition<S> of(ddpm::isize first, ddpm::isize count) const { return all().middle(first, count); }
};

}  // namespace ddpm::test
