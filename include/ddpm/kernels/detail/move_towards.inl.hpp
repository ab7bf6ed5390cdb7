// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of move_towards.hpp.

template <class S>
struct towards {
    S rate;
    DDPM_INLINE pack<S> operator()(pack<S> average, pack<S> target) const {
        return average - rate * (average - target);
    }
};

template <class S>
void move_towards(isize size, S rate, const S* target, S* average) {
    transform(size, towards<S>{rate}, average, average, target);
}
