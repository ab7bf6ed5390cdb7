// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#include <cstdint>

namespace ddpm::kernels::detail {

/// Outputs of at least this size are written with streaming (non-temporal) stores. They would be evicted from the
/// caches before they are read, and streaming stores do not first read the cache line from memory.
inline constexpr isize streaming_bytes = isize{32} << 20;

/// Whether a kernel should write `out` with streaming stores: if it is large, 16-byte aligned, and not an input, whose
/// lines are in the caches already.
template <Scalar S, class... Inputs>
[[nodiscard]] bool should_stream(const batch_view<S>& out, const Inputs&... inputs) noexcept {
    constexpr isize aligned = 16 / static_cast<isize>(sizeof(S));
    return out.size() * static_cast<isize>(sizeof(S)) >= streaming_bytes && ((out.data() != inputs.data()) && ...) &&
           reinterpret_cast<std::uintptr_t>(out.data()) % 16 == 0 &&
           (out.columns() == 1 || out.stride() % aligned == 0);
}

/// Distance, in elements, at which large arrays are prefetched: hardware prefetchers look less far ahead and stop at a
/// page's end.
inline constexpr isize fetch_ahead = 1024;

/// The same for a kernel with an output of `elements` elements: 0 if that may fit in a cache.
template <Scalar S>
[[nodiscard]] isize fetch_distance(isize elements) noexcept {
    return elements * static_cast<isize>(sizeof(S)) >= streaming_bytes ? fetch_ahead : 0;
}

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/stream.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>
