// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm {

namespace detail {

/// Memory owned by one thread. It is freed when the thread ends but may be allocated again after that, since
/// destructors of static objects run later than those of thread_local objects and may call the library.
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

/// Scratch memory of the calling thread, aligned to cache lines, one block per tag. It grows on demand and is kept; its
/// values are those of the last use. While a block is in use, no other code on the thread may ask for the same tag.
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
