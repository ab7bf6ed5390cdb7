// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp), for pack.cpp: operations of packs, on arrays of whole packs.

template <class S>
void all_pack_operations(isize size, const S* a, const S* b, const S* n, S* smaller, S* larger, S* scaled, S* signed_) {
    for (isize i = 0; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> x = load(a + i), y = load(b + i);
        store(smaller + i, min(x, y));
        store(larger + i, max(x, y));
        store(scaled + i, times_power_of_two<S>(splat(S(1.25)), load(n + i)));
        store(signed_ + i, with_sign_of<S>(abs(x), y));
    }
}
