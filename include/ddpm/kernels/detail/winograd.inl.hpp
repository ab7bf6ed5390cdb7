// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of winograd.hpp.

/// One row of G g Gᵀ for lanes<float> outputs, from their taps, three in each row of the kernel.
template <isize Outputs, class W>
DDPM_INLINE void transform_filter(const winograd_filter<Outputs, W>& of, const pack<float> (&taps)[9], float* to) {
    pack<float> t[3];  // row · g
    DDPM_UNROLL
    for (isize b = 0; b < 3; ++b) {
        t[b] = multiply_add(splat(of.row[2]), taps[6 + b],
                            multiply_add(splat(of.row[1]), taps[3 + b], of.row[0] * taps[b]));
    }
    const pack<float> outer = t[0] + t[2];
    store(to + (winograd_side<Outputs> - 1) * of.to_place, t[2]);
    if constexpr (Outputs == 2) {
        store(to, t[0]);
        store(to + of.to_place, (outer + t[1]) * 0.5f);
        store(to + 2 * of.to_place, (outer - t[1]) * 0.5f);
    } else {
        store(to, t[0] * 0.25f);
        store(to + of.to_place, (outer + t[1]) * (-1.0f / 6));
        store(to + 2 * of.to_place, (outer - t[1]) * (-1.0f / 6));
        const pack<float> even = multiply_add(splat(1.0f / 6), t[2], t[0] * (1.0f / 24)), odd = t[1] * (1.0f / 12);
        store(to + 3 * of.to_place, even + odd);
        store(to + 4 * of.to_place, even - odd);
    }
}

template <isize Outputs>
DDPM_INLINE void transform_step(const winograd_filter<Outputs, float>& of, const float* weights, float* to) {
    pack<float> taps[9];
    DDPM_UNROLL
    for (isize i = 0; i < 9; ++i) {
        taps[i] = load(weights + i * of.tap);
    }
    transform_filter(of, taps, to);
}

/// k and k + 1, of which each output has a pair.
template <isize Outputs>
DDPM_INLINE void transform_step(const winograd_filter<Outputs, bfloat16>& of, const bfloat16* weights, float* to) {
    pack<float> low[9], high[9];
    DDPM_UNROLL
    for (isize i = 0; i < 9; ++i) {
        const pack<std::uint32_t> pairs = load_pairs(weights + i * of.tap);
        low[i] = as<float>(pairs << 16);
        high[i] = as<float>(pairs & 0xffff0000u);
    }
    transform_filter(of, low, to);
    transform_filter(of, high, to + packed_outputs);
}

template <isize Outputs, class W>
void transform_filters(const winograd_filter<Outputs, W>& of) {
    constexpr isize step = packed_step<W>;
    for (isize k = 0; k < of.depth; k += step) {
        for (isize o = 0; o < packed_outputs; o += lanes<float>) {
            transform_step(of, of.weights + k * of.input + o * step, of.to + k * packed_outputs + o);
        }
    }
}

/// v = Bᵀ d.
template <isize Outputs>
DDPM_INLINE void winograd_spread(const pack<float>* d, pack<float>* v) {
    if constexpr (Outputs == 2) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[1] - d[3];
    } else {
        const pack<float> four = splat(4.0f), five = splat(5.0f);
        v[0] = multiply_add(four, d[0], d[4] - five * d[2]);
        v[5] = multiply_add(four, d[1], d[5] - five * d[3]);
        const pack<float> even = d[4] - four * d[2], odd = d[3] - four * d[1];
        v[1] = even + odd;
        v[2] = even - odd;
        const pack<float> low = d[4] - d[2], difference = d[3] - d[1], high = difference + difference;
        v[3] = low + high;
        v[4] = low - high;
    }
}

/// y = Aᵀ v.
template <isize Outputs>
DDPM_INLINE void winograd_gather(const pack<float>* v, pack<float>* y) {
    const pack<float> sum = v[1] + v[2], difference = v[1] - v[2];
    if constexpr (Outputs == 2) {
        y[0] = v[0] + sum;
        y[1] = difference - v[3];
    } else {
        const pack<float> sum2 = v[3] + v[4], difference2 = v[3] - v[4];
        y[0] = v[0] + (sum + sum2);
        y[1] = multiply_add(splat(2.0f), difference2, difference);
        y[2] = multiply_add(splat(4.0f), sum2, sum);
        y[3] = multiply_add(splat(8.0f), difference2, difference) + v[5];
    }
}

/// v = A y.
template <isize Outputs>
DDPM_INLINE void winograd_scatter(const pack<float>* y, pack<float>* v) {
    v[0] = y[0];
    if constexpr (Outputs == 2) {
        v[1] = y[0] + y[1];
        v[2] = y[0] - y[1];
        v[3] = -y[1];
    } else {
        const pack<float> even = y[0] + y[2], odd = y[1] + y[3];
        v[1] = even + odd;
        v[2] = even - odd;
        const pack<float> even2 = multiply_add(splat(4.0f), y[2], y[0]);
        const pack<float> odd2 = multiply_add(splat(8.0f), y[3], y[1] + y[1]);
        v[3] = even2 + odd2;
        v[4] = even2 - odd2;
        v[5] = y[3];
    }
}

/// The transform of tiles of Length × Length pixels, which begin Outputs pixels apart. Line transforms a row or column.
template <isize Length, isize Outputs, auto Line, class Problem>
DDPM_INLINE void transform_tiles(const Problem& of) {
    constexpr isize side = winograd_side<Outputs>;
    constexpr auto length = static_cast<std::size_t>(Length), places = static_cast<std::size_t>(side);
    for (isize tile = 0; tile < of.tiles; ++tile) {
        for (isize c = 0; c < of.channels; c += lanes<float>) {
            pack<float> half[places][length];  // row, column
            const isize first = tile * Outputs * of.pixel + c;
            DDPM_UNROLL
            for (isize column = 0; column < Length; ++column) {
                pack<float> d[length], v[places];
                DDPM_UNROLL
                for (isize row = 0; row < Length; ++row) {
                    d[row] = load(of.rows[row] + first + column * of.pixel);
                }
                Line(d, v);
                DDPM_UNROLL
                for (isize row = 0; row < side; ++row) {
                    half[row][column] = v[row];
                }
            }
            float* to = of.to + tile * of.to_tile + c;
            DDPM_UNROLL
            for (isize row = 0; row < side; ++row) {
                pack<float> v[places];
                Line(half[row], v);
                DDPM_UNROLL
                for (isize column = 0; column < side; ++column) {
                    store(to, v[column]);
                    to += of.to_place;
                }
            }
        }
    }
}

template <isize Outputs>
void transform_inputs(const winograd_input<Outputs>& of) {
    transform_tiles<winograd_side<Outputs>, Outputs, winograd_spread<Outputs>>(of);
}

template <isize Outputs>
void transform_gradients(const winograd_gradient<Outputs>& of) {
    transform_tiles<Outputs, Outputs, winograd_scatter<Outputs>>(of);
}

/// The transform of one tile, for lanes<float> outputs from `o` on.
template <isize Outputs, bool Add>
DDPM_INLINE void transform_output(const winograd_output<Outputs>& of, isize tile, isize o) {
    constexpr isize side = winograd_side<Outputs>;
    constexpr auto length = static_cast<std::size_t>(side), outputs = static_cast<std::size_t>(Outputs);
    pack<float> half[outputs][length];  // row, column
    const float* from = of.from + tile * packed_outputs + o;
    DDPM_UNROLL
    for (isize column = 0; column < side; ++column) {
        pack<float> v[length], y[outputs];
        DDPM_UNROLL
        for (isize row = 0; row < side; ++row) {
            v[row] = load(from + (row * side + column) * of.from_place);
        }
        winograd_gather<Outputs>(v, y);
        DDPM_UNROLL
        for (isize row = 0; row < Outputs; ++row) {
            half[row][column] = y[row];
        }
    }
    DDPM_UNROLL
    for (isize row = 0; row < Outputs; ++row) {
        pack<float> y[outputs];
        winograd_gather<Outputs>(half[row], y);
        float* const to = of.sums + (row * of.sums_row + tile * Outputs) * packed_outputs + o;
        DDPM_UNROLL
        for (isize column = 0; column < Outputs; ++column) {
            float* const place = to + column * packed_outputs;
            store(place, Add ? load(place) + y[column] : y[column]);
        }
    }
}

template <isize Outputs>
void transform_outputs(const winograd_output<Outputs>& of) {
    for (isize tile = 0; tile < of.tiles; ++tile) {
        for (isize o = 0; o < packed_outputs; o += lanes<float>) {
            if (of.add) {
                transform_output<Outputs, true>(of, tile, o);
            } else {
                transform_output<Outputs, false>(of, tile, o);
            }
        }
    }
}

/// g = Gᵀ u.
template <isize Outputs>
DDPM_INLINE void winograd_filter_sums(const pack<float>* u, pack<float>* g) {
    if constexpr (Outputs == 2) {
        const pack<float> sum = (u[1] + u[2]) * 0.5f;
        g[0] = u[0] + sum;
        g[1] = (u[1] - u[2]) * 0.5f;
        g[2] = u[3] + sum;
    } else {
        const pack<float> sum = (u[1] + u[2]) * (-1.0f / 6), sum2 = u[3] + u[4];
        g[0] = multiply_add(splat(0.25f), u[0], multiply_add(splat(1.0f / 24), sum2, sum));
        g[1] = multiply_add(splat(1.0f / 12), u[3] - u[4], (u[2] - u[1]) * (1.0f / 6));
        g[2] = u[5] + multiply_add(splat(1.0f / 6), sum2, sum);
    }
}

template <isize Outputs>
void add_filter_gradients(const winograd_filter_gradient<Outputs>& of) {
    constexpr isize side = winograd_side<Outputs>;
    constexpr auto length = static_cast<std::size_t>(side);
    for (isize i = 0; i < of.count; i += lanes<float>) {
        pack<float> half[3][length];  // row, column
        DDPM_UNROLL
        for (isize column = 0; column < side; ++column) {
            pack<float> u[length], g[3];
            DDPM_UNROLL
            for (isize row = 0; row < side; ++row) {
                u[row] = load(of.from + (row * side + column) * of.place + i);
            }
            winograd_filter_sums<Outputs>(u, g);
            DDPM_UNROLL
            for (isize row = 0; row < 3; ++row) {
                half[row][column] = g[row];
            }
        }
        DDPM_UNROLL
        for (isize row = 0; row < 3; ++row) {
            pack<float> g[3];
            winograd_filter_sums<Outputs>(half[row], g);
            DDPM_UNROLL
            for (isize column = 0; column < 3; ++column) {
                float* const to = of.to + (row * 3 + column) * of.tap + i;
                store(to, load(to) + g[column]);
            }
        }
    }
}
