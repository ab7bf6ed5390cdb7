// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): rounds the factors of a product to bfloat16 and packs them for packed_product, in
// blocks of 32 numbers along k. Its functions are templates so that only programs that use them compile them.

inline constexpr isize pair_block = packed_depth<bfloat16>;  // of k
inline constexpr isize block_pairs = pair_block / 2;         // of k and k + 1 that lie together
inline constexpr isize pair_pixels = 16;                     // columns of the right factor in a block

/// For each lane the pair of bfloat16 (x, y), x in the lower half.
#if defined(DDPM_TARGET_NATIVE_BFLOAT16)
DDPM_INLINE pack<std::uint32_t> pairs_of(pack<float> x, pack<float> y) {
    // Number i of x, then number i of y, which is 16 numbers later in `pairs`.
    const pack<std::uint32_t> place = {0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007,
                                       0x180008, 0x190009, 0x1a000a, 0x1b000b, 0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f};
    pack<std::uint32_t> pairs;
    asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs) : "v"(x), "v"(y));
    asm("vpermw %0, %1, %0" : "+v"(pairs) : "v"(place));
    return pairs;
}
#else
DDPM_INLINE pack<std::uint32_t> pairs_of(pack<float> x, pack<float> y) {
    return rounded_bits(x) >> 16 | rounded_bits(y);
}
#endif

/// A block of 32 numbers along k of `Count` rows, whose distance is a.row; those along k are a.column apart. Where it has
/// fewer rows or fewer numbers it is completed with zeros in `room`, of 32 × Count elements.
template <isize Count>
DDPM_INLINE strided<float> whole_block(strided<float> a, isize rows, isize depth, float* room) {
    if (rows == Count && depth == pair_block && (a.row == 1 || a.column == 1)) {
        return a;
    }
    constexpr std::size_t number = sizeof(float);
    __builtin_memset(room, 0, number * static_cast<std::size_t>(pair_block * Count));
    if (a.column == 1) {
        for (isize row = 0; row < rows; ++row) {
            __builtin_memcpy(room + row * pair_block, a.data + row * a.row, number * static_cast<std::size_t>(depth));
        }
        return {room, pair_block, 1};
    }
    for (isize k = 0; k < depth; ++k) {
        if (a.row == 1) {
            __builtin_memcpy(room + k * Count, a.data + k * a.column, number * static_cast<std::size_t>(rows));
            continue;
        }
        for (isize row = 0; row < rows; ++row) {
            room[k * Count + row] = *part(a, row, k).data;
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
            store_as<bfloat16>(rows + row * pair_block + k, load(a.data + row * a.row + k), lanes<float>);
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
                store_as<bfloat16>(out + column * pair_block + k, load(b.data + column * b.row + k), lanes<float>);
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

/// The numbers of a pixel from `channel` on, of `channels`, and zeros beyond them.
DDPM_INLINE pack<float> load_channels(const float* pixel, isize channel, isize channels) {
    const isize count = channels - channel;
    return count >= lanes<float> ? load(pixel + channel)
           : count > 0           ? load_some(pixel + channel, count)
                                 : pack<float>{};
}

/// 32 pixels after another of packed_outputs channels from `channel` on, which are zeros beyond `channels`:
/// out[(c − channel) · row + pixel] = from[pixel][c], rounded.
template <class T>
void transpose_pixels(const T* const* from, isize channel, isize channels, isize pixels, bfloat16* out, isize row) {
    for (isize first = 0; first < pixels; first += pair_block) {
        for (isize c = 0; c < packed_outputs; c += pair_pixels) {
            alignas(64) std::uint32_t words[static_cast<std::size_t>(block_pairs * pair_pixels)];
            alignas(64) float columns[static_cast<std::size_t>(block_pairs * pair_pixels)];
            for (isize pair = 0; pair < block_pairs; ++pair) {
                const T* const even = from[first + 2 * pair];
                const T* const odd = from[first + 2 * pair + 1];
                for (isize i = 0; i < pair_pixels; i += lanes<T>) {
                    const isize at = channel + c + i;
                    store(words + pair * pair_pixels + i,
                          pairs_of(load_channels(even, at, channels), load_channels(odd, at, channels)));
                }
            }
            const strided<float> by_pairs{reinterpret_cast<const float*>(words), pair_pixels, 1};
            for (isize i = 0; i < pair_pixels; i += count_of<chunk<float>>) {
                pack_chunk<float, true, block_pairs>(columns + i * block_pairs, part(by_pairs, 0, i), block_pairs);
            }
            for (isize i = 0; i < pair_pixels; ++i) {
                __builtin_memcpy(out + (c + i) * row + first, columns + i * block_pairs, 2 * pair_block);
            }
        }
    }
}

/// Pairs of pixels of such channels: out[(pixel / 2 · packed_outputs + c − channel) · 2 + pixel % 2] = from[pixel][c],
/// rounded; if `later` is not null, there the pairs that begin one pixel later. The number of pixels is even, and `from` has
/// one more.
template <class T>
void pair_pixels_of(const T* const* from, isize channel, isize channels, isize pixels, bfloat16* out, bfloat16* later) {
    for (isize c = 0; c < packed_outputs; c += lanes<T>) {
        pack<T> first = load_channels(from[0], channel + c, channels);
        for (isize pixel = 0; pixel < pixels; pixel += 2) {
            const isize place = pixel * packed_outputs + 2 * c;
            const pack<T> second = load_channels(from[pixel + 1], channel + c, channels);
            const pack<T> third = load_channels(from[pixel + 2], channel + c, channels);
            store_pairs(out + place, pairs_of(first, second));
            if (later != nullptr) {
                store_pairs(later + place, pairs_of(second, third));
            }
            first = third;
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

/// Adds sums to c: number j of row i, which begins at sums + i · packed_outputs, to c[j · c_column + i].
template <class T>
void add_transposed(const T* sums, isize rows, isize columns, T* c, isize c_column) {
    alignas(64) T turned[static_cast<std::size_t>(packed_outputs * packed_outputs)];
    for (isize j = 0; j < packed_outputs; j += count_of<chunk<T>>) {
        pack_chunk<T, true, packed_outputs>(turned + j * packed_outputs, strided<T>{sums + j, packed_outputs, 1},
                                            packed_outputs);
    }
    store_sums(turned, rows, columns, static_cast<const T*>(nullptr), true, c, c_column);
}
