// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of move_towards.hpp.

template <class S>
void move_towards(isize size, S rate, const S* target, S* average) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> a = load(average + i);
        store(average + i, a - rate * (a - load(target + i)));
    }
    for (; i < size; ++i) {
        average[i] = average[i] - rate * (average[i] - target[i]);
    }
}
