// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of stage.hpp: for 64 elements at a time, as many as a block of normals has, all terms are gone through.

/// The elements of a block of 64 in registers.
template <class S>
struct stage_block {
    pack<S> part[64 / lanes<S>];
};

/// The block at p, or the first `rest` elements of it, then zeros.
template <bool Whole, class S>
DDPM_INLINE stage_block<S> load_block(const S* p, [[maybe_unused]] index rest) {
    stage_block<S> block;
    DDPM_UNROLL
    for (index i = 0; i < 64; i += lanes<S>) {
        if constexpr (Whole) {
            block.part[i / lanes<S>] = load(p + i);
        } else {
            block.part[i / lanes<S>] = rest - i >= lanes<S> ? load(p + i)
                                       : rest > i           ? load_first(p + i, rest - i)
                                                            : pack<S>{};
        }
    }
    return block;
}

template <bool Whole, class S>
DDPM_INLINE void put_block(bool stream, S* p, const stage_block<S>& block, [[maybe_unused]] index rest) {
    DDPM_UNROLL
    for (index i = 0; i < 64; i += lanes<S>) {
        if constexpr (!Whole) {
            if (rest > i) {
                store_first(p + i, block.part[i / lanes<S>], rest - i < lanes<S> ? rest - i : lanes<S>);
            }
        } else if (stream) {
            put<true>(p + i, block.part[i / lanes<S>]);
        } else {
            store(p + i, block.part[i / lanes<S>]);
        }
    }
}

/// Where the normals of a sample are made.
struct stage_normals {
    philox_keys keys;
    normal_address at;
};

/// value (+)= factor · read · spread.
template <bool Whole, class S>
DDPM_INLINE void add_term(const stage_term<S>& term, const stage_block<S>& read, bool is_first, index e, index rest,
                          stage_block<S>& value) {
    stage_block<S> product = read;
    if (term.spread != nullptr) {
        const stage_block<S> spread = load_block<Whole>(term.spread + e, rest);
        DDPM_UNROLL
        for (index k = 0; k < 64 / lanes<S>; ++k) {
            product.part[k] *= spread.part[k];
        }
    }
    DDPM_UNROLL
    for (index k = 0; k < 64 / lanes<S>; ++k) {
        product.part[k] *= term.factor;
        value.part[k] = is_first ? product.part[k] : value.part[k] + product.part[k];
    }
}

/// The block that begins at element e, which is element `row` of its sample.
template <bool Whole, bool Normals, class S>
DDPM_INLINE void run_stage_block(const stage_work<S>& work, [[maybe_unused]] const stage_normals& normals,
                                 [[maybe_unused]] index row, index e, index rest) {
    stage_block<S> x0 = {}, eps = {};
    if (work.p != nullptr) {
        const stage_block<S> xt = load_block<Whole>(work.xt + e, rest), p = load_block<Whole>(work.p + e, rest);
        DDPM_UNROLL
        for (index k = 0; k < 64 / lanes<S>; ++k) {
            const estimates<S> now = estimate(work.estimate, xt.part[k], p.part[k]);
            x0.part[k] = now.x0;
            eps.part[k] = now.eps;
        }
        if (work.kept_x0 != nullptr) {
            put_block<Whole>(work.stream, work.kept_x0 + e, x0, rest);
        }
        if (work.kept_eps != nullptr) {
            put_block<Whole>(work.stream, work.kept_eps + e, eps, rest);
        }
    }
    for (index s = 0; s < work.count; ++s) {
        const stage_sum<S>& sum = work.sums[s];
        stage_block<S> value = {};
        for (index t = 0; t < sum.count; ++t) {
            const stage_term<S>& term = sum.terms[t];
            if (term.of == stage_source::x0) {
                add_term<Whole>(term, x0, t == 0, e, rest, value);
            } else if (term.of == stage_source::eps) {
                add_term<Whole>(term, eps, t == 0, e, rest, value);
            } else if (term.of == stage_source::column) {
                add_term<Whole>(term, load_block<Whole>(term.column + e, rest), t == 0, e, rest, value);
            } else if constexpr (Normals) {
                const normal_address& at = normals.at;
                const philox_sample sample = make_philox_sample(
                    normals.keys, at.step + static_cast<std::uint32_t>(term.draw), at.sample, at.stream);
                S z[64];
                put_normal_block(normals.keys, sample, static_cast<std::uint32_t>(row / 4), z);
                add_term<Whole>(term, load_block<true>(z, 64), t == 0, e, rest, value);
            }
        }
        put_block<Whole>(work.stream && !sum.is_read, sum.target + e, value, rest);
    }
}

template <bool Normals, class S>
void run_stage(const stage_work<S>& all, const normal_address& at, index columns, index row, index size, index first) {
    const stage_work<S> work = all;  // which no store can change
    stage_normals normals{make_philox_keys(at.seed), at};
    for (index n = 0; n < columns; ++n, first += size, ++normals.at.sample) {
        index e = 0;
        for (; e + 64 <= size; e += 64) {
            run_stage_block<true, Normals>(work, normals, row + e, first + e, 64);
        }
        if (e < size) {
            run_stage_block<false, Normals>(work, normals, row + e, first + e, size - e);
        }
    }
    if (work.stream) {
        end_stream<true>();
    }
}
