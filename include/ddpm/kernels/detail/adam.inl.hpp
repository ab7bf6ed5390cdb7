// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of adam.hpp.

template <class S>
DDPM_INLINE void adam_pack(pack<S>& p, pack<S> g, pack<S>& m, pack<S>& v, S gradient_scale, S shrink, S l2, S m_rate,
                           S v_keep, S v_rate, S v_correction, S step_size, S epsilon) {
    g = g * gradient_scale + l2 * p;
    p = p * shrink;
    m = m + m_rate * (g - m);
    v = v * v_keep + v_rate * (g * g);
    p = p - step_size * m / (sqrt(v) * v_correction + epsilon);
}

template <class S>
void adam(isize size, isize ahead, S* p, const S* g, S* m, S* v, S gradient_scale, S shrink, S l2, S m_rate, S v_keep,
          S v_rate, S v_correction, S step_size, S epsilon) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        if (ahead > 0 && i + ahead < size) {  // elements beyond may belong to another thread
            fetch_elements<lanes<S>>(p + i + ahead);
            fetch_elements<lanes<S>>(g + i + ahead);
            fetch_elements<lanes<S>>(m + i + ahead);
            fetch_elements<lanes<S>>(v + i + ahead);
        }
        pack<S> p_i = load(p + i), m_i = load(m + i), v_i = load(v + i);
        adam_pack<S>(p_i, load(g + i), m_i, v_i, gradient_scale, shrink, l2, m_rate, v_keep, v_rate, v_correction,
                     step_size, epsilon);
        store(p + i, p_i);
        store(m + i, m_i);
        store(v + i, v_i);
    }
    if (i < size) {
        const isize rest = size - i;
        pack<S> p_i = load_first(p + i, rest), m_i = load_first(m + i, rest), v_i = load_first(v + i, rest);
        adam_pack<S>(p_i, load_first(g + i, rest), m_i, v_i, gradient_scale, shrink, l2, m_rate, v_keep, v_rate,
                     v_correction, step_size, epsilon);
        store_first(p + i, p_i, rest);
        store_first(m + i, m_i, rest);
        store_first(v + i, v_i, rest);
    }
}
