// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of langevin_norms.hpp.

/// Prefetch distance in elements. A smaller one than fetch_ahead, so that the end of a sample is still in the L1 cache
/// when the step reads it again.
inline constexpr isize langevin_fetch_ahead = 512;

/// Adds the squares of 64 elements of z and of the score: four per partial sum in S, then these to the partial sums in
/// double.
template <class S>
DDPM_INLINE void add_langevin_squares(const score_coefficients<S>& c, const S* xt, const S* p, const S* z,
                                      sixteen_sums& noise, sixteen_sums& score) {
    S noise_squares[16], score_squares[16];
    DDPM_UNROLL
    for (isize at = 0; at < 16; at += lanes<S>) {
        pack<S> of_noise{}, of_score{};
        DDPM_UNROLL
        for (isize i = at; i < 64; i += 16) {
            const pack<S> n = load(z + i), s = c.xt * load(xt + i) + c.value * load(p + i);
            of_noise += n * n;
            of_score += s * s;
        }
        store(noise_squares + at, of_noise);
        store(score_squares + at, of_score);
    }
    DDPM_UNROLL
    for (isize part = 0; part < 16 / lanes<double>; ++part) {
        noise.lane[part] += load_wide(noise_squares + part * lanes<double>);
        score.lane[part] += load_wide(score_squares + part * lanes<double>);
    }
}

/// The same for `count` < 64 remainder elements.
template <class S>
DDPM_INLINE void add_last_langevin_squares(const score_coefficients<S>& c, const S* xt, const S* p, const S* z,
                                           isize count, sixteen_sums& noise, sixteen_sums& score) {
    S xt_room[64], p_room[64], z_room[64];
    add_langevin_squares(c, whole<64>(xt, count, xt_room), whole<64>(p, count, p_room), whole<64>(z, count, z_room),
                         noise, score);
}

template <class S>
langevin_norms measure_langevin(isize size, const score_coefficients<S>& coefficients, const S* xt, const S* p,
                                const S* z) {
    const score_coefficients<S> c = coefficients;
    sixteen_sums noise{}, score{};
    isize e = 0;
    for (; e + 64 <= size; e += 64) {
        fetch_elements<64>(xt + e + langevin_fetch_ahead);
        fetch_elements<64>(p + e + langevin_fetch_ahead);
        fetch_elements<64>(z + e + langevin_fetch_ahead);
        add_langevin_squares(c, xt + e, p + e, z + e, noise, score);
    }
    add_last_langevin_squares(c, xt + e, p + e, z + e, size - e, noise, score);
    return {total(noise), total(score)};
}

template <class S>
langevin_norms draw_and_measure_langevin(const normal_address& at, isize first, isize size,
                                         const score_coefficients<S>& coefficients, const S* xt, const S* p, S* z) {
    const score_coefficients<S> c = coefficients;
    const philox_keys keys = make_philox_keys(at.seed);
    const philox_sample sample = make_philox_sample(keys, at);
    sixteen_sums noise{}, score{};
    isize e = 0;
    for (; e + 64 <= size; e += 64) {
        fetch_elements<64>(xt + e + langevin_fetch_ahead);
        fetch_elements<64>(p + e + langevin_fetch_ahead);
        put_normals(keys, sample, first + e, 64, z + e);
        add_langevin_squares(c, xt + e, p + e, z + e, noise, score);
    }
    if (e < size) {
        put_normals(keys, sample, first + e, size - e, z + e);
        add_last_langevin_squares(c, xt + e, p + e, z + e, size - e, noise, score);
    }
    return {total(noise), total(score)};
}
