// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of group_norm.hpp. The sums of a channel are added in double, in the order of the pixels. If `Part`, a
// block is the remainder: `count` channels that do not fill a pack.

template <class S>
DDPM_INLINE pack<double> load_wide_first(const S* p, isize count) {
    narrow<S> v{};
    __builtin_memcpy(&v, p, static_cast<decltype(sizeof 0)>(count) * sizeof(S));
    return __builtin_convertvector(v, pack<double>);
}

/// In one pass, from the differences to the first pixel of a channel. Of n pixels none is further from the mean than √n
/// standard deviations, which bounds the cancellation in Σ d² − (Σ d)² / n.
template <isize Packs, bool Part, class S>
DDPM_INLINE void channel_moments_block(isize count, isize pixels, const S* x, isize stride, double* mean,
                                       double* squares) {
    constexpr std::size_t packs = static_cast<std::size_t>(Packs);
    pack<double> first[packs], sum[packs], square[packs];
    DDPM_UNROLL
    for (isize p = 0; p < Packs; ++p) {
        first[p] = Part ? load_wide_first<S>(x, count) : load_wide<S>(x + p * lanes<double>);
        sum[p] = square[p] = pack<double>{};
    }
    for (isize n = 1; n < pixels; ++n) {
        const S* const at = x + n * stride;
        DDPM_UNROLL
        for (isize p = 0; p < Packs; ++p) {
            const pack<double> difference =
                (Part ? load_wide_first<S>(at, count) : load_wide<S>(at + p * lanes<double>)) - first[p];
            sum[p] += difference;
            square[p] = multiply_add(difference, difference, square[p]);
        }
    }
    const double inverse = 1 / static_cast<double>(pixels);
    DDPM_UNROLL
    for (isize p = 0; p < Packs; ++p) {
        const pack<double> shift = sum[p] * inverse, rest = max(pack<double>{}, square[p] - sum[p] * shift);
        if (Part) {
            store_first(mean, first[p] + shift, count);
            store_first(squares, rest, count);
        } else {
            store(mean + p * lanes<double>, first[p] + shift);
            store(squares + p * lanes<double>, rest);
        }
    }
}

template <isize Packs, class S>
DDPM_INLINE void channel_moments_from(isize c, isize channels, isize pixels, const S* x, isize stride, double* mean,
                                      double* squares) {
    for (; c + Packs * lanes<double> <= channels; c += Packs * lanes<double>) {
        channel_moments_block<Packs, false, S>(0, pixels, x + c, stride, mean + c, squares + c);
    }
    if constexpr (Packs > 1) {
        channel_moments_from<Packs / 2, S>(c, channels, pixels, x, stride, mean, squares);
    } else if (c < channels) {
        channel_moments_block<1, true, S>(channels - c, pixels, x + c, stride, mean + c, squares + c);
    }
}

template <class S>
void channel_moments(isize channels, isize pixels, const S* x, isize stride, double* mean, double* squares) {
    channel_moments_from<DDPM_TARGET_BYTES == 64 ? 8 : 4, S>(0, channels, pixels, x, stride, mean, squares);
}

template <activation F, class S>
DDPM_INLINE pack<S> scaled_and_shifted(pack<S> x, pack<S> a, pack<S> b) {
    return activate<F, S>(multiply_add(a, x, b));
}

template <activation F, class S>
void scale_shift(isize channels, isize pixels, const S* x, isize x_stride, const S* a, const S* b, S* y,
                 isize y_stride) {
    for (isize n = 0; n < pixels; ++n) {
        transform(channels, function<scaled_and_shifted<F, S>>{}, y + n * y_stride, x + n * x_stride, a, b);
    }
}

template <activation F, isize Packs, bool Part, class S>
DDPM_INLINE void scale_shift_sums_block(isize count, isize pixels, const S* x, isize x_stride, const S* a, const S* b,
                                        S* d, isize d_stride, double* sums, double* products) {
    constexpr isize parts = lanes<S> / lanes<double>;
    constexpr std::size_t packs = static_cast<std::size_t>(Packs), wide_packs = static_cast<std::size_t>(Packs * parts);
    pack<S> scale[packs], shift[packs];
    pack<double> sum[wide_packs], product[wide_packs];
    DDPM_UNROLL
    for (isize p = 0; p < Packs; ++p) {
        scale[p] = Part ? load_first(a, count) : load(a + p * lanes<S>);
        shift[p] = Part ? load_first(b, count) : load(b + p * lanes<S>);
        DDPM_UNROLL
        for (isize k = 0; k < parts; ++k) {
            sum[p * parts + k] = product[p * parts + k] = pack<double>{};
        }
    }
    for (isize n = 0; n < pixels; ++n) {
        DDPM_UNROLL
        for (isize p = 0; p < Packs; ++p) {
            const S* const x_at = x + n * x_stride + p * lanes<S>;
            S* const d_at = d + n * d_stride + p * lanes<S>;
            const pack<S> x_pack = Part ? load_first(x_at, count) : load(x_at);
            pack<S> d_pack = Part ? load_first(d_at, count) : load(d_at);
            if constexpr (F != activation::none) {
                d_pack *= activation_slope<F, S>(multiply_add(scale[p], x_pack, shift[p]));
                if (Part) {
                    store_first(d_at, d_pack, count);
                } else {
                    store(d_at, d_pack);
                }
            }
            narrow<S> x_part[static_cast<std::size_t>(parts)], d_part[static_cast<std::size_t>(parts)];
            __builtin_memcpy(x_part, &x_pack, sizeof x_pack);
            __builtin_memcpy(d_part, &d_pack, sizeof d_pack);
            DDPM_UNROLL
            for (isize k = 0; k < parts; ++k) {
                const pack<double> x_wide = __builtin_convertvector(x_part[k], pack<double>);
                const pack<double> d_wide = __builtin_convertvector(d_part[k], pack<double>);
                sum[p * parts + k] += d_wide;
                product[p * parts + k] = multiply_add(d_wide, x_wide, product[p * parts + k]);
            }
        }
    }
    DDPM_UNROLL
    for (isize i = 0; i < Packs * parts; ++i) {
        if (!Part) {
            store(sums + i * lanes<double>, sum[i]);
            store(products + i * lanes<double>, product[i]);
        }
    }
    for (isize i = 0; Part && i < count; ++i) {
        sums[i] = sum[i / lanes<double>][i % lanes<double>];
        products[i] = product[i / lanes<double>][i % lanes<double>];
    }
}

template <activation F, isize Packs, class S>
DDPM_INLINE void scale_shift_sums_from(isize c, isize channels, isize pixels, const S* x, isize x_stride, const S* a,
                                       const S* b, S* d, isize d_stride, double* sums, double* products) {
    for (; c + Packs * lanes<S> <= channels; c += Packs * lanes<S>) {
        scale_shift_sums_block<F, Packs, false, S>(0, pixels, x + c, x_stride, a + c, b + c, d + c, d_stride, sums + c,
                                                   products + c);
    }
    if constexpr (Packs > 1) {
        scale_shift_sums_from<F, Packs / 2, S>(c, channels, pixels, x, x_stride, a, b, d, d_stride, sums, products);
    } else if (c < channels) {
        scale_shift_sums_block<F, 1, true, S>(channels - c, pixels, x + c, x_stride, a + c, b + c, d + c, d_stride,
                                              sums + c, products + c);
    }
}

template <activation F, class S>
void scale_shift_sums(isize channels, isize pixels, const S* x, isize x_stride, const S* a, const S* b, S* d,
                      isize d_stride, double* sums, double* products) {
    scale_shift_sums_from<F, F == activation::none ? 4 : 2, S>(0, channels, pixels, x, x_stride, a, b, d, d_stride,
                                                               sums, products);
}

template <class S>
DDPM_INLINE pack<S> combined(pack<S> du, pack<S> x, pack<S> p, pack<S> q, pack<S> r) {
    return multiply_add(p, du, multiply_add(q, x, r));
}

template <class S>
void channel_combination(isize channels, isize pixels, const S* du, isize du_stride, const S* x, isize x_stride,
                         const S* p, const S* q, const S* r, S* dx, isize dx_stride) {
    for (isize n = 0; n < pixels; ++n) {
        transform(channels, function<combined<S>>{}, dx + n * dx_stride, du + n * du_stride, x + n * x_stride, p, q, r);
    }
}
