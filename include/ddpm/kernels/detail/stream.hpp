// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#include <cstdint>

namespace ddpm::kernels::detail {

/// The size from which an output is written past the caches: they could not hold it until it is read, and so a line
/// need not be read before it is written.
inline constexpr isize streaming_bytes = isize{32} << 20;

/// Whether a kernel may and should write `out` with `stream`. Not where out is an input: its lines are in the caches
/// then.
template <Scalar S, class... Inputs>
[[nodiscard]] bool should_stream(const batch_view<S>& out, const Inputs&... inputs) noexcept {
    constexpr isize aligned = 16 / static_cast<isize>(sizeof(S));
    return out.size() * static_cast<isize>(sizeof(S)) >= streaming_bytes && ((out.data() != inputs.data()) && ...) &&
           reinterpret_cast<std::uintptr_t>(out.data()) % 16 == 0 &&
           (out.columns() == 1 || out.stride() % aligned == 0);
}

/// How far ahead memory is fetched that no cache holds, in elements: processors foresee less, and not beyond a page.
inline constexpr isize fetch_ahead = 1024;

/// The same for a kernel with an output of so many elements: 0 where a cache may hold it.
template <Scalar S>
[[nodiscard]] isize fetch_distance(isize elements) noexcept {
    return elements * static_cast<isize>(sizeof(S)) >= streaming_bytes ? fetch_ahead : 0;
}

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/stream.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
