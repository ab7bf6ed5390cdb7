// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>

namespace ddpm::detail {

/// What a network is told beside an estimate that stands in the last channels of its maps: none of its maps may be absent,
/// since the estimate would be so too.
[[nodiscard]] inline condition_shape without_estimate(condition_shape takes, isize channels) noexcept {
    takes.map_channels -= channels;
    takes.learned = static_cast<condition_forms>(takes.learned & ~static_cast<unsigned>(condition_form::map));
    return takes;
}

/// Writes some channels of one sample into maps of more: at each pixel channels first … first + channels − 1 of `all`. Zeros
/// where there is nothing to read.
template <Scalar S>
void place_channels(const sample_shape& sample, const S* from, isize channels, S* to, isize first, isize all) {
    for (isize pixel = 0; pixel < sample.height * sample.width; ++pixel) {
        if (from == nullptr) {
            std::fill_n(to + pixel * all + first, channels, S{0});
        } else {
            std::copy_n(from + pixel * channels, channels, to + pixel * all + first);
        }
    }
}

}  // namespace ddpm::detail
