// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <limits>
#include <string_view>
#include <type_traits>

namespace ddpm::detail {

/// Fills a variance head with NaN before a predictor is called, so that the values of an earlier call are not used where
/// the predictor writes none.
template <Scalar S>
void clear_head(batch_view<S> head) {
    if (head.size() != 0) {
        head.array() = std::numeric_limits<S>::quiet_NaN();
    }
}

/// Checks a variance head that was cleared before the predictor was called.
/// @throws value_error if the head is not written at an element whose prediction is a number
template <Scalar S>
void require_written_head(std::string_view where, batch_view<S> head,
                          std::type_identity_t<batch_view<const S>> prediction) {
    if (head.size() != 0 && (head.array().isNaN() && !prediction.array().isNaN()).any()) {
        throw value_error(where, "variance head, which the reverse variance uses", "a value for each element",
                          "none from the predictor");
    }
}

}  // namespace ddpm::detail
