// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of mersenne_twister.hpp.

/// The new values of state words: `now` are their old values, `next` those one word later, `later` those 397 words
/// later.
template <class V>
DDPM_INLINE V twisted(V now, V next, V later) {
    const V joined_bits = (now & 0x80000000u) | (next & 0x7fffffffu);
    return later ^ (joined_bits >> 1) ^ (-(joined_bits & 1u) & 0x9908b0dfu);
}

/// Updates words Begin … End − 1; the words 397 later, modulo 624, are at distance `Far`.
template <isize Begin, isize End, isize Far>
DDPM_INLINE void twist_words(std::uint32_t* state) {
    constexpr isize whole = Begin + (End - Begin) / lanes<std::uint32_t> * lanes<std::uint32_t>;
    for (isize i = Begin; i < whole; i += lanes<std::uint32_t>) {
        store(state + i, twisted(load(state + i), load(state + i + 1), load(state + i + Far)));
    }
    for (isize i = whole; i < End; ++i) {
        state[i] = twisted(state[i], state[i + 1], state[i + Far]);
    }
}

inline void twist(std::uint32_t* state) {
    twist_words<0, 227, 397>(state);
    twist_words<227, 623, -227>(state);
    state[623] = twisted(state[623], state[0], state[396]);
}

DDPM_INLINE pack<std::uint32_t> tempered(pack<std::uint32_t> word) {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680u;
    word ^= (word << 15) & 0xefc60000u;
    return word ^ (word >> 18);
}

inline void temper(isize count, const std::uint32_t* state, std::uint32_t* words) {
    transform(count, function<tempered>{}, words, state);
}

DDPM_INLINE pack<float> unit_of(pack<std::uint32_t> word) {
    return convert<float>(as<std::int32_t>(word & 0xffffffu)) * 0x1p-24f;
}

inline void words_to_units(isize count, const std::uint32_t* words, float* units) {
    transform(count, function<unit_of>{}, units, words);
}
