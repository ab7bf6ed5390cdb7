// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp) for kernels that sum in double: vectors of S with as many lanes as
// pack<double>, and sums whose bits do not depend on the width of a vector register.

template <class S>
struct narrow_vector {
    typedef S type __attribute__((vector_size(static_cast<unsigned long>(lanes<double>) * sizeof(S))));
};

/// A vector of lanes<double> numbers of type S.
template <class S>
using narrow = typename narrow_vector<S>::type;

template <class S>
DDPM_INLINE narrow<S> load_narrow(const S* p) {
    narrow<S> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/// Loads the same, converted to double.
template <class S>
DDPM_INLINE pack<double> load_wide(const S* p) {
    return __builtin_convertvector(load_narrow<S>(p), pack<double>);
}

/// x, but 0 where the weight is 0, even if x is infinite or NaN there.
template <class V>
DDPM_INLINE V where_weighted(V weight, V x) {
    return select(weight == V{}, V{}, x);
}

/// Sixteen partial sums, one per element index modulo 16.
struct sixteen_sums {
    pack<double> lane[16 / lanes<double>];
};

/// Adds the squares of sixteen elements.
template <class S>
DDPM_INLINE void add_squares(sixteen_sums& sums, const S* sixteen) {
    DDPM_UNROLL
    for (isize part = 0; part < 16 / lanes<double>; ++part) {
        const pack<double> wide = load_wide(sixteen + part * lanes<double>);
        sums.lane[part] += wide * wide;
    }
}

/// The sum of the sixteen, added in order.
DDPM_INLINE double total(const sixteen_sums& sums) {
    double sum = 0;
    for (isize i = 0; i < 16; ++i) {
        sum += sums.lane[i / lanes<double>][i % lanes<double>];
    }
    return sum;
}
