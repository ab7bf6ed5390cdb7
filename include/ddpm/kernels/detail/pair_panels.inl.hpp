// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): rounds the factors of a product to bfloat16 and packs them for packed_product, in
// blocks of 32 numbers along k. Its functions are templates so that only programs that use them compile them.

inline constexpr isize pair_block = packed_depth<bfloat16>;  // of k
inline constexpr isize block_pairs = pair_block / 2;         // of k and k + 1 that lie together
inline constexpr isize pair_pixels = 16;                     // columns of the right factor in a block

/// For each lane the pair of bfloat16 (x, y), x in the lower half.
DDPM_INLINE pack<std::uint32_t> pairs_of(pack<float> x, pack<float> y) {
    return rounded_bits(x) >> 16 | rounded_bits(y);
}

/// A block of 32 numbers along k of `Count` rows, whose distance is a.row; those along k are a.column apart. Where it has
/// fewer rows or fewer numbers it is completed with zeros in `room`, of 32 × Count elements.
template <isize Count>
DDPM_INLINE strided<float> whole_block(strided<float> a, isize rows, isize depth, float* room) {
    if (rows == Count && depth == pair_block && (a.row == 1 || a.column == 1)) {
        return a;
    }
    for (isize k = 0; k < pair_block; ++k) {
        for (isize row = 0; row < Count; ++row) {
            room[k * Count + row] = row < rows && k < depth ? *part(a, row, k).data : 0.0f;
        }
    }
    return {room, 1, Count};
}

/// out[k / 2][row][k % 2] = a(row, k), rounded.
inline void pack_left_block(bfloat16* out, strided<float> a) {
    if (a.row == 1) {
        for (isize pair = 0; pair < block_pairs; ++pair) {
            const float* const even = a.data + 2 * pair * a.column;
            for (isize row = 0; row < packed_outputs; row += lanes<float>) {
                store_pairs(out + 2 * (pair * packed_outputs + row),
                            pairs_of(load(even + row), load(even + a.column + row)));
            }
        }
        return;
    }
    alignas(4) bfloat16 rows[static_cast<std::size_t>(packed_outputs * pair_block)];
    for (isize row = 0; row < packed_outputs; ++row) {
        for (isize k = 0; k < pair_block; k += lanes<float>) {
            store_rounded(rows + row * pair_block + k, rounded_to<bfloat16>(load(a.data + row * a.row + k)));
        }
    }
    const strided<float> by_rows{reinterpret_cast<const float*>(rows), block_pairs, 1};
    for (isize pair = 0; pair < block_pairs; pair += count_of<chunk<float>>) {
        pack_chunk<float, true, packed_outputs>(reinterpret_cast<float*>(out + 2 * pair * packed_outputs),
                                                part(by_rows, 0, pair), packed_outputs);
    }
}

/// out[column][k] = b(k, column), rounded; here the rows of `b` are the columns of the right factor.
inline void pack_right_block(bfloat16* out, strided<float> b) {
    if (b.column == 1) {
        for (isize column = 0; column < pair_pixels; ++column) {
            for (isize k = 0; k < pair_block; k += lanes<float>) {
                store_rounded(out + column * pair_block + k, rounded_to<bfloat16>(load(b.data + column * b.row + k)));
            }
        }
        return;
    }
    std::uint32_t words[static_cast<std::size_t>(block_pairs * pair_pixels)];
    for (isize pair = 0; pair < block_pairs; ++pair) {
        const float* const even = b.data + 2 * pair * b.column;
        for (isize column = 0; column < pair_pixels; column += lanes<float>) {
            store(words + pair * pair_pixels + column, pairs_of(load(even + column), load(even + b.column + column)));
        }
    }
    const strided<float> by_pairs{reinterpret_cast<const float*>(words), pair_pixels, 1};
    for (isize column = 0; column < pair_pixels; column += count_of<chunk<float>>) {
        pack_chunk<float, true, block_pairs>(reinterpret_cast<float*>(out) + column * block_pairs,
                                             part(by_pairs, 0, column), block_pairs);
    }
}

/// The left factor: panels of packed_outputs rows, each of whole blocks along k.
template <class T>
void pack_left(bfloat16* out, strided<T> a, isize rows, isize depth) {
    float room[static_cast<std::size_t>(packed_outputs * pair_block)];
    for (isize row = 0; row < rows; row += packed_outputs) {
        const isize some = rows - row < packed_outputs ? rows - row : packed_outputs;
        for (isize k = 0; k < depth; k += pair_block) {
            const isize deep = depth - k < pair_block ? depth - k : pair_block;
            pack_left_block(out, whole_block<packed_outputs>(part(a, row, k), some, deep, room));
            out += packed_outputs * pair_block;
        }
    }
}

/// The right factor, one block along k after the other, each of `room_for` columns. `b` has a row for each column.
template <class T>
void pack_right(bfloat16* out, strided<T> b, isize columns, isize depth, isize room_for) {
    float room[static_cast<std::size_t>(pair_pixels * pair_block)];
    for (isize k = 0; k < depth; k += pair_block, out += room_for * pair_block) {
        const isize deep = depth - k < pair_block ? depth - k : pair_block;
        for (isize column = 0; column < columns; column += pair_pixels) {
            const isize some = columns - column < pair_pixels ? columns - column : pair_pixels;
            pack_right_block(out + column * pair_block, whole_block<pair_pixels>(part(b, column, k), some, deep, room));
        }
    }
}

/// Sums of up to packed_outputs rows, columns packed_outputs apart, to which the start is added: what is in c if `add`,
/// otherwise `bias`, if it is not null.
template <class T>
void store_sums(const T* sums, isize rows, isize columns, const T* bias, bool add, T* c, isize c_column) {
    for (isize column = 0; column < columns; ++column, sums += packed_outputs, c += c_column) {
        const T* const start = add ? c : bias;
        for (isize row = 0; row < rows; row += lanes<T>) {
            const isize count = rows - row;
            if (count >= lanes<T>) {
                const pack<T> sum = load(sums + row);
                store(c + row, start == nullptr ? sum : load(start + row) + sum);
            } else {
                const pack<T> sum = load_first(sums + row, count);
                store_first(c + row, start == nullptr ? sum : load_first(start + row, count) + sum, count);
            }
        }
    }
}
