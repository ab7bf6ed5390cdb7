// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): streaming (non-temporal) stores, which write to memory without filling the
// caches, on processors that have them, and prefetches. If `stream` is true, p must be 16-byte aligned, as Eigen's
// memory is (so a pack is stored in parts of 16 bytes), and the kernel must call end_stream. Streaming stores should
// fill whole cache lines: partly written lines are slow, especially with several outputs.

/// 16 bytes of a pack, as floats.
typedef float streamed_part __attribute__((vector_size(16)));

/// The same of 32 bytes.
typedef float streamed_half __attribute__((vector_size(32)));

/// Stores a vector of 32 or 64 bytes that is aligned to its size: one store takes less room in the processor's store
/// buffer than its parts would.
template <class S, class Vector>
DDPM_INLINE void put_whole([[maybe_unused]] S* p, [[maybe_unused]] Vector v) {
#if defined(__clang__) && defined(__x86_64__)
    __builtin_nontemporal_store(v, reinterpret_cast<Vector*>(p));
#elif defined(DDPM_TARGET_AVX512) || defined(DDPM_TARGET_AVX2)
    if constexpr (sizeof v == sizeof(streamed_half)) {
        __builtin_ia32_movntps256(reinterpret_cast<float*>(p), reinterpret_cast<streamed_half>(v));
    } else {
#if defined(DDPM_TARGET_AVX512)
        __builtin_ia32_movntps512(reinterpret_cast<float*>(p), reinterpret_cast<pack<float>>(v));
#endif
    }
#endif
}

template <class S, class Vector>
DDPM_INLINE void put([[maybe_unused]] bool stream, S* p, Vector v) {
#if defined(__x86_64__)
    // NOLINTNEXTLINE(bugprone-sizeof-expression): 0 for a vector that is smaller than a part
    constexpr std::size_t parts = sizeof v / sizeof(streamed_part);
    if constexpr (parts == 0) {
        stream = false;
    } else if (stream) {
        if (parts > 1 && reinterpret_cast<__UINTPTR_TYPE__>(p) % sizeof v == 0) {
            put_whole(p, v);
            return;
        }
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

/// Makes streaming stores visible to other threads before any later store.
DDPM_INLINE void end_stream([[maybe_unused]] bool stream) {
#if defined(__x86_64__)
    if (stream) {
        __builtin_ia32_sfence();
    }
#endif
}

/// The number of elements from p to the next start of a cache line.
template <class S>
DDPM_INLINE isize elements_to_line(const S* p) {
    return static_cast<isize>((64 - reinterpret_cast<__UINTPTR_TYPE__>(p) % 64) % 64 / sizeof(S));
}

/// Prefetches the cache lines of Count elements; p may point past the end of the array.
template <isize Count, class S>
DDPM_INLINE void fetch_elements(const S* p) {
    DDPM_UNROLL
    for (isize i = 0; i < Count; i += 64 / static_cast<isize>(sizeof(S))) {
        __builtin_prefetch(p + i);
    }
}

/// Arrays that a kernel reads together, to be prefetched block by block while it computes something else.
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

    /// Prefetches elements e … e + 63 of each array.
    DDPM_INLINE void fetch(isize e) const {
        for (isize i = 0; i < count; ++i) {
            fetch_elements<64>(column[i] + e);
        }
    }
};
