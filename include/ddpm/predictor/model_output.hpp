// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>

namespace ddpm {

/// The memory to which a predictor writes its prediction, and its variance head if it has one.
template <Scalar S>
struct model_output {
    batch_view<S> prediction;  ///< D × N
    batch_view<S> variance{};  ///< D × N, or empty
    isize first_sample = 0;    ///< position in the run of the batch's first sample, which selects its condition
};

}  // namespace ddpm
