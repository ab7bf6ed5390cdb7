// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): stores that go past the caches where the processor has them. `stream` says
// whether they do; p is then 16-byte aligned, which Eigen's memory is (whole registers may not be), and the kernel ends
// with end_stream. Lines that are written in parts are slow, above all where several outputs have such. And loads that come
// before their time.

/// A quarter, half or whole of a pack, in floats.
typedef float streamed_part __attribute__((vector_size(16)));

template <class S, class Vector>
DDPM_INLINE void put([[maybe_unused]] bool stream, S* p, Vector v) {
#if defined(__x86_64__)
    constexpr std::size_t parts = sizeof v / sizeof(streamed_part);
    if constexpr (parts == 0) {
        stream = false;
    } else if (stream) {
        streamed_part part[parts];
        __builtin_memcpy(part, &v, sizeof v);
        DDPM_UNROLL
        for (std::size_t i = 0; i < parts; ++i) {
#if defined(__clang__)
            __builtin_nontemporal_store(part[i], reinterpret_cast<streamed_part*>(p) + i);
#else
            __builtin_ia32_movntps(reinterpret_cast<float*>(p) + 4 * i, part[i]);
#endif
        }
        return;
    }
#endif
    __builtin_memcpy(p, &v, sizeof v);
}

/// Makes streamed stores visible to other threads before what follows.
DDPM_INLINE void end_stream([[maybe_unused]] bool stream) {
#if defined(__x86_64__)
    if (stream) {
        __builtin_ia32_sfence();
    }
#endif
}

/// How many elements lie before the first that begins a cache line.
template <class S>
DDPM_INLINE isize elements_to_line(const S* p) {
    return static_cast<isize>(-reinterpret_cast<__UINTPTR_TYPE__>(p) % 64 / sizeof(S));
}

/// Fetches the lines of some elements, which need not be there.
template <isize Count, class S>
DDPM_INLINE void fetch_elements(const S* p) {
    DDPM_UNROLL
    for (isize i = 0; i < Count; i += 64 / static_cast<isize>(sizeof(S))) {
        __builtin_prefetch(p + i);
    }
}

/// Arrays that a kernel reads together, fetched ahead block by block while it computes something else.
template <class S>
struct block_reads {
    static constexpr isize most = 8;
    const S* column[most];
    isize count;

    DDPM_INLINE void add(const S* from) {
        if (from != nullptr && count < most) {
            column[count++] = from;
        }
    }

    /// Fetches the 64 elements from e on of each.
    DDPM_INLINE void fetch(isize e) const {
        for (isize i = 0; i < count; ++i) {
            fetch_elements<64>(column[i] + e);
        }
    }
};
