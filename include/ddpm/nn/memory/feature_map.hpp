// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>

#include <string_view>
#include <type_traits>

namespace ddpm::nn {

/// A non-owning view of a batch of images without gaps: the channel varies fastest, then column, row and sample.
template <class T>
struct feature_map {
    using scalar = std::remove_const_t<T>;
    static_assert(Scalar<scalar>);

    T* data = nullptr;
    isize channels = 0;
    isize height = 0;
    isize width = 0;
    isize samples = 0;

    [[nodiscard]] isize pixels() const noexcept { return height * width; }
    [[nodiscard]] isize size() const noexcept { return channels * pixels() * samples; }

    /// Whether there is no memory: an output that is not needed.
    [[nodiscard]] bool empty() const noexcept { return data == nullptr; }

    /// All pixels of all samples, channels × N·height·width.
    [[nodiscard]] batch_view<T> columns() const { return {data, channels, pixels() * samples}; }

    /// One image per column, D × N.
    [[nodiscard]] batch_view<T> images() const { return {data, channels * pixels(), samples}; }

    /// The image of sample n, in the same memory.
    [[nodiscard]] feature_map sample(isize n) const {
        return {data + n * channels * pixels(), channels, height, width, 1};
    }

    // Not explicit, as a pointer to what is not const converts to one to what is.
    operator feature_map<const scalar>() const noexcept
        requires(!std::is_const_v<T>)
    {
        return {data, channels, height, width, samples};
    }
};

namespace detail {

/// @throws shape_error unless the map has these sizes
template <class T>
void require_map(std::string_view where, std::string_view what, const feature_map<T>& map, isize channels, isize height,
                 isize width, isize samples) {
    if (map.channels != channels || map.height != height || map.width != width || map.samples != samples) {
        ddpm::detail::require<shape_error>(
            false, where, what, {channels, " channels, ", height, " x ", width, ", ", samples, " samples"},
            {map.channels, " channels, ", map.height, " x ", map.width, ", ", map.samples, " samples"});
    }
}

}  // namespace detail

}  // namespace ddpm::nn
