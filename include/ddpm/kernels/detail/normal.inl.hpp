// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): Philox4x32-10 and the normal transform in vector registers, for kernels that
// generate noise. They give the same bits as random/philox.hpp and random/normal_transform.hpp, which explain the
// formulas.

/// The round keys of a seed, each in the low half of every 64-bit lane.
struct philox_keys {
    pack<std::uint64_t> first[philox_rounds];
    pack<std::uint64_t> second[philox_rounds];
};

DDPM_INLINE philox_keys make_philox_keys(std::uint64_t seed) {
    philox_keys keys;
    std::uint32_t first = static_cast<std::uint32_t>(seed), second = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < philox_rounds; ++round) {
        keys.first[round] = splat(std::uint64_t{first});
        keys.second[round] = splat(std::uint64_t{second});
        first += philox_weyl_0;
        second += philox_weyl_1;
    }
    return keys;
}

/// The parts of the first three rounds, including round keys, that all counters (block, step, sample, stream) of one
/// sample share: only word 0 differs between them, so half of the first and second round need not be repeated.
struct philox_sample {
    pack<std::uint64_t> round1_word2, round2_word0, round2_word2, round3_word2;
};

/// The sample n after that of the address.
DDPM_INLINE philox_sample make_philox_sample(const philox_keys& keys, const normal_address& at, isize n = 0) {
    const std::uint64_t product1 = std::uint64_t{philox_multiplier_1} * (at.sample + static_cast<std::uint32_t>(n));
    const std::uint32_t word0 = static_cast<std::uint32_t>((product1 >> 32) ^ at.step ^ keys.first[0][0]);
    const std::uint64_t product2 = std::uint64_t{philox_multiplier_0} * word0;
    return {splat(std::uint64_t{at.stream}) ^ keys.second[0], splat(product1) ^ keys.first[1],
            splat(product2 >> 32) ^ keys.second[1], splat(product2) ^ keys.second[2]};
}

/// The four words of lanes<uint64_t> counters, each in the low half of a 64-bit lane. The high halves are arbitrary:
/// multiply_even reads low halves only, so no shuffles are needed.
struct philox_words {
    pack<std::uint64_t> word0, word1, word2, word3;
};

DDPM_INLINE philox_words philox(const philox_keys& keys, const philox_sample& sample, pack<std::uint64_t> block) {
    const pack<std::uint32_t> multiplier_0 = as<std::uint32_t>(splat(std::uint64_t{philox_multiplier_0}));
    const pack<std::uint32_t> multiplier_1 = as<std::uint32_t>(splat(std::uint64_t{philox_multiplier_1}));
    pack<std::uint64_t> product0 = multiply_even(as<std::uint32_t>(block), multiplier_0);
    pack<std::uint64_t> product1 =
        multiply_even(as<std::uint32_t>((product0 >> 32) ^ sample.round1_word2), multiplier_1);
    philox_words w;
    w.word0 = (product1 >> 32) ^ sample.round2_word0;
    w.word1 = product1;
    w.word2 = product0 ^ sample.round2_word2;
    product0 = multiply_even(as<std::uint32_t>(w.word0), multiplier_0);
    product1 = multiply_even(as<std::uint32_t>(w.word2), multiplier_1);
    w.word0 = (product1 >> 32) ^ w.word1 ^ keys.first[2];
    w.word1 = product1;
    w.word2 = (product0 >> 32) ^ sample.round3_word2;
    w.word3 = product0;
    DDPM_UNROLL
    for (int round = 3; round < philox_rounds; ++round) {
        product0 = multiply_even(as<std::uint32_t>(w.word0), multiplier_0);
        product1 = multiply_even(as<std::uint32_t>(w.word2), multiplier_1);
        w.word0 = (product1 >> 32) ^ w.word1 ^ keys.first[round];
        w.word1 = product1;
        w.word2 = (product0 >> 32) ^ w.word3 ^ keys.second[round];
        w.word3 = product0;
    }
    return w;
}

/// The low halves of `even` in the even 32-bit lanes, those of `odd` in the odd lanes.
DDPM_INLINE pack<std::uint32_t> interleave(pack<std::uint64_t> even, pack<std::uint64_t> odd) {
    return as<std::uint32_t>((even & 0xffffffffu) | (odd << 32));
}

/// The two normals of each lane: r cos θ and r sin θ.
struct normal_packs {
    pack<float> first, second;
};

DDPM_INLINE normal_packs box_muller(pack<std::uint32_t> radius_word, pack<std::uint32_t> angle_word) {
    const pack<std::int32_t> s = as<std::int32_t>(radius_word | 1u);
    const pack<float> x = convert<float>(s) * -two_to_minus_32;
    const pack<float> base = as<float>(~(s >> 31) & 0x3f800000);  // 1 where s ≥ 0, else 0
    const pack<std::int32_t> offset = as<std::int32_t>(base + x) - sqrt_half_bits;
    const pack<std::int32_t> k = offset >> 23;
    const pack<float> mantissa = as<float>((offset & mantissa_mask) + sqrt_half_bits);
    const pack<float> t = select(k < 0, mantissa - 1.0f, x);
    pack<float> log_factor = minus_two_log1p[8] * t + minus_two_log1p[7];
    DDPM_UNROLL
    for (int i = 6; i >= 0; --i) {
        log_factor = log_factor * t + minus_two_log1p[i];
    }
    const pack<float> radius = sqrt(convert<float>(k) * minus_two_log_two + log_factor * t);

    const pack<std::uint32_t> turned = angle_word + 0x20000000u;
    const pack<float> fraction = convert<float>(as<std::int32_t>((angle_word << 2) | 2u)) * two_to_minus_32;
    const pack<float> z = fraction * fraction;
    pack<float> sine = sine_of_quarter_turns[3] * z + sine_of_quarter_turns[2];
    sine = (sine * z + sine_of_quarter_turns[1]) * z + sine_of_quarter_turns[0];
    sine = sine * fraction;
    pack<float> cosine = cosine_of_quarter_turns[3] * z + cosine_of_quarter_turns[2];
    cosine = (cosine * z + cosine_of_quarter_turns[1]) * z + cosine_of_quarter_turns[0];
    cosine = cosine * z + 1.0f;
    const auto odd = as<std::int32_t>(turned << 1) < 0;
    const pack<float> signed_radius = as<float>(as<std::uint32_t>(radius) ^ (turned & 0x80000000u));
    return {signed_radius * select(odd, -sine, cosine), signed_radius * select(odd, cosine, sine)};
}

/// 0, 2, 4, …: the even counters of a group of lanes<float>; the odd ones are these plus 1.
DDPM_INLINE pack<std::uint64_t> even_counters() {
    pack<std::uint64_t> v{};
    for (isize i = 0; i < lanes<std::uint64_t>; ++i) {
        v[i] = static_cast<std::uint64_t>(2 * i);
    }
    return v;
}

/// The normals of lanes<float> counters: `low` from words 0 and 1, `high` from words 2 and 3. Lane i belongs to counter
/// c = first + i, first a multiple of lanes<float>. low.first is element (c / 16) · 64 + c mod 16 of the sample;
/// low.second, high.first and high.second are the elements 16, 32 and 48 later.
struct normal_group {
    normal_packs low, high;
};

DDPM_INLINE normal_group make_normals(const philox_keys& keys, const philox_sample& sample, std::uint32_t first) {
    const pack<std::uint64_t> counters = even_counters() + std::uint64_t{first};
    const philox_words even = philox(keys, sample, counters);
    const philox_words odd = philox(keys, sample, counters + 1u);
    return {box_muller(interleave(even.word0, odd.word0), interleave(even.word1, odd.word1)),
            box_muller(interleave(even.word2, odd.word2), interleave(even.word3, odd.word3))};
}
