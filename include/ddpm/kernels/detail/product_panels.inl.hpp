// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): packs rows of a matrix into panels of tile_rows rows, stored column after
// column, for matrix_product.

/// Rows of a tile of the product, and of a panel: two packs.
template <class S>
inline constexpr isize tile_rows = 2 * lanes<S>;

/// The submatrix that begins at element (i, j).
template <class S>
DDPM_INLINE strided<S> part(strided<S> m, isize i, isize j) {
    return {m.data + i * m.row + j * m.column, m.row, m.column};
}

/// A vector of 16 bytes of S. The shuffles below do not move elements between chunks of 16 bytes, which would be slow
/// or is not supported.
template <class S>
struct chunk_of {
    typedef S type __attribute__((vector_size(16)));
};
template <class S>
using chunk = typename chunk_of<S>::type;

template <class V>
inline constexpr isize count_of = static_cast<isize>(sizeof(V) / sizeof(V{}[0]));

/// a, then b.
template <class V>
DDPM_INLINE auto joined(V a, V b) {
    if constexpr (count_of<V> == 2) {
        return __builtin_shufflevector(a, b, 0, 1, 2, 3);
    } else if constexpr (count_of<V> == 4) {
        return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    } else {
        return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
}

/// Interleaves the lower halves of each chunk: {a0, b0, a1, b1} for floats, {a0, b0} for doubles.
template <class V>
DDPM_INLINE V zip_low(V a, V b) {
    if constexpr (sizeof(a[0]) == 8) {
        if constexpr (count_of<V> == 2) {
            return __builtin_shufflevector(a, b, 0, 2);
        } else if constexpr (count_of<V> == 4) {
            return __builtin_shufflevector(a, b, 0, 4, 2, 6);
        } else {
            return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
        }
    } else if constexpr (count_of<V> == 4) {
        return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    } else if constexpr (count_of<V> == 8) {
        return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    } else {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    }
}

/// Interleaves the upper halves.
template <class V>
DDPM_INLINE V zip_high(V a, V b) {
    if constexpr (sizeof(a[0]) == 8) {
        if constexpr (count_of<V> == 2) {
            return __builtin_shufflevector(a, b, 1, 3);
        } else if constexpr (count_of<V> == 4) {
            return __builtin_shufflevector(a, b, 1, 5, 3, 7);
        } else {
            return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
        }
    } else if constexpr (count_of<V> == 4) {
        return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    } else if constexpr (count_of<V> == 8) {
        return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    } else {
        return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
}

/// The chunk at element (row, 0), zeros if there is no such row.
template <class S, bool Whole>
DDPM_INLINE chunk<S> load_chunk(strided<S> a, isize row, isize rows) {
    chunk<S> v{};
    if (Whole || row < rows) {
        __builtin_memcpy(&v, a.data + row * a.row, sizeof v);
    }
    return v;
}

#if defined(DDPM_TARGET_AVX512) && !defined(__clang__)

/// v with its chunk number `Part` replaced by `part`. From plain code GCC makes a load and a shuffle, and the processor
/// executes only one shuffle per cycle.
template <isize Part>
DDPM_INLINE pack<float> with_chunk(pack<float> v, chunk<float> part) {
    return __builtin_ia32_insertf32x4_mask(v, part, Part, v, full);
}
template <isize Part>
DDPM_INLINE pack<double> with_chunk(pack<double> v, chunk<double> part) {
    return __builtin_ia32_insertf64x2_512_mask(v, part, Part, v, full);
}

#endif

/// A pack of the chunks of rows row, row + count_of<chunk>, ….
template <class S, bool Whole>
DDPM_INLINE pack<S> load_chunks(strided<S> a, isize row, isize rows) {
    constexpr isize step = count_of<chunk<S>>;
    const chunk<S> first = load_chunk<S, Whole>(a, row, rows);
    if constexpr (sizeof(pack<S>) == 16) {
        return first;
    } else if constexpr (sizeof(pack<S>) == 32) {
        return joined(first, load_chunk<S, Whole>(a, row + step, rows));
    } else {
#if defined(DDPM_TARGET_AVX512) && !defined(__clang__)
        pack<S> v = with_chunk<0>(pack<S>{}, first);
        if (Whole || row + step < rows) {
            v = with_chunk<1>(v, load_chunk<S, true>(a, row + step, rows));
        }
        if (Whole || row + 2 * step < rows) {
            v = with_chunk<2>(v, load_chunk<S, true>(a, row + 2 * step, rows));
        }
        if (Whole || row + 3 * step < rows) {
            v = with_chunk<3>(v, load_chunk<S, true>(a, row + 3 * step, rows));
        }
        return v;
#else
        const chunk<S> second = load_chunk<S, Whole>(a, row + step, rows);
        const chunk<S> third = load_chunk<S, Whole>(a, row + 2 * step, rows);
        const chunk<S> fourth = load_chunk<S, Whole>(a, row + 3 * step, rows);
        return joined(joined(first, second), joined(third, fourth));
#endif
    }
}

/// Transposes one chunk of columns of A, whose rows are contiguous: reads rows, writes columns that are `Height`
/// elements apart.
template <class S, bool Whole, isize Height>
DDPM_INLINE void pack_chunk(S* out, strided<S> a, isize rows) {
    for (isize half = 0; half < Height; half += lanes<S>) {
        const pack<S> row0 = load_chunks<S, Whole>(a, half, rows);
        const pack<S> row1 = load_chunks<S, Whole>(a, half + 1, rows);
        if constexpr (sizeof(S) == 8) {
            store(out + half, zip_low(row0, row1));
            store(out + half + Height, zip_high(row0, row1));
        } else {
            const pack<S> row2 = load_chunks<S, Whole>(a, half + 2, rows);
            const pack<S> row3 = load_chunks<S, Whole>(a, half + 3, rows);
            const pack<double> low01 = as<double>(zip_low(row0, row1)), low23 = as<double>(zip_low(row2, row3));
            const pack<double> high01 = as<double>(zip_high(row0, row1)), high23 = as<double>(zip_high(row2, row3));
            store(out + half, as<S>(zip_low(low01, low23)));
            store(out + half + Height, as<S>(zip_high(low01, low23)));
            store(out + half + 2 * Height, as<S>(zip_low(high01, high23)));
            store(out + half + 3 * Height, as<S>(zip_high(high01, high23)));
        }
    }
}

/// Packs rows of A that fill whole panels, for contiguous columns: reads each column from its first row to its last.
template <class S>
void pack_columns(S* out, strided<S> a, isize rows, isize depth) {
    constexpr isize width = lanes<S>;
    constexpr isize ahead = 4;  // prefetch distance in columns; hardware prefetchers do not cross from page to page
    for (isize k = 0; k < depth; ++k) {
        const S* const column = part(a, 0, k).data;
        const S* const soon = part(a, 0, k + ahead < depth ? k + ahead : k).data;
        for (isize row = 0; row < rows; row += tile_rows<S>) {
            S* const to = out + row * depth + k * tile_rows<S>;
            __builtin_prefetch(soon + row);
            __builtin_prefetch(soon + row + width);
            store(to, load(column + row));
            store(to + width, load(column + row + width));
        }
    }
}

/// Packs rows of A into one panel of depth × tile_rows elements; missing rows are filled with zeros.
template <class S>
void pack_panel(S* out, strided<S> a, isize rows, isize depth) {
    constexpr isize height = tile_rows<S>;
    constexpr isize step = count_of<chunk<S>>;
    isize k = 0;
    if (a.column == 1) {
        if (rows == height) {
            for (; k + step <= depth; k += step) {
                pack_chunk<S, true, height>(out + k * height, part(a, 0, k), rows);
            }
        } else {
            for (; k + step <= depth; k += step) {
                pack_chunk<S, false, height>(out + k * height, part(a, 0, k), rows);
            }
        }
    }
    for (; k < depth; ++k) {
        S* const column = out + k * height;
        if (rows < height) {
            store(column, pack<S>{});
            store(column + lanes<S>, pack<S>{});
        }
        for (isize row = 0; row < rows; ++row) {
            column[row] = *part(a, row, k).data;
        }
    }
}

/// Copies `Columns` columns of B row by row, with rows `Row` elements apart.
template <class S, isize Columns, isize Row>
void copy_rows(S* out, strided<S> b, isize depth) {
    constexpr isize step = count_of<chunk<S>>;
    isize k = 0;
    if (b.row == 1) {
        const strided<S> columns = {b.data, b.column, b.row};
        for (; k + step <= depth; k += step) {
            pack_chunk<S, false, Row>(out + k * Row, part(columns, 0, k), Columns);
        }
    } else if (b.column == 1) {
        for (; k < depth; ++k) {
            __builtin_memcpy(out + k * Row, b.data + k * b.row, sizeof(S) * Columns);
        }
    }
    for (; k < depth; ++k) {
        for (isize j = 0; j < Columns; ++j) {
            out[k * Row + j] = *part(b, k, j).data;
        }
    }
}
