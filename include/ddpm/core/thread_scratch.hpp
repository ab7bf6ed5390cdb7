// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/types.hpp>

#include <cstddef>
#include <vector>

namespace ddpm {

/// Memory at cache lines, of the calling thread, for one use, which the tag names; it grows and is kept. Its numbers
/// are what the last use left. Nothing that asks for the same tag may begin on this thread before the use has ended.
template <class Tag, Scalar S>
[[nodiscard]] S* thread_scratch(index length) {
    thread_local std::vector<S, aligned_allocator<S>> mine;
    if (static_cast<index>(mine.size()) < length) {
        mine.clear();
        mine.resize(static_cast<std::size_t>(length));
    }
    return mine.data();
}

}  // namespace ddpm
