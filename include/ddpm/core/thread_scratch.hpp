// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm {

namespace detail {

/// Memory that one thread keeps. It is freed as the thread ends, and may be used after that: static objects are destroyed
/// later than those of the main thread, and may call the library.
template <class Tag, Scalar S>
struct scratch_memory {
    S* data;
    isize length;

    void resize(isize wanted) {
        release();
        data = aligned_allocator<S>().allocate(static_cast<std::size_t>(wanted));
        length = wanted;
        std::fill_n(data, length, S{0});
    }

    void release() noexcept {
        if (data != nullptr) {
            aligned_allocator<S>().deallocate(data, static_cast<std::size_t>(length));
        }
        data = nullptr;
        length = 0;
    }
};

}  // namespace detail

/// Memory at cache lines, of the calling thread, for one use, which the tag names; it grows and is kept. Its numbers
/// are what the last use left. Nothing that asks for the same tag may begin on this thread before the use has ended.
template <class Tag, Scalar S>
[[nodiscard]] S* thread_scratch(isize length) {
    thread_local constinit detail::scratch_memory<Tag, S> mine{nullptr, 0};
    if (mine.length < length) {
        struct at_end_of_thread {
            ~at_end_of_thread() { mine.release(); }
        };
        thread_local const at_end_of_thread releases;
        mine.resize(length);
    }
    return mine.data;
}

}  // namespace ddpm
