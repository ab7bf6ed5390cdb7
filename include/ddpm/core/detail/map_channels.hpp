// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>

namespace ddpm::detail {

/// The condition of a network whose last `channels` map channels hold an estimate of x_0, without those channels. Maps
/// are then never absent, since the estimate would be absent with them.
[[nodiscard]] inline condition_shape without_estimate(condition_shape takes, isize channels) noexcept {
    takes.map_channels -= channels;
    takes.learned = static_cast<condition_forms>(takes.learned & ~static_cast<unsigned>(condition_form::map));
    return takes;
}

/// Copies the channels of one sample into channels first … first + channels − 1 of a map with `all` channels per pixel;
/// writes zeros if `from` is null.
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
