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

/// The normals of some elements: those of a stage's k-th term that reads any lie at z + k · stage_chunk.
template <class S>
struct stage_normals {
    alignas(64) S z[stage_scratch];
    index chunk;
};

/// Makes them for elements row … row + count − 1 of the sample that begins at `at`.
template <class S>
DDPM_INLINE void make_stage_normals(const stage_work<S>& work, const normal_address& at, index row, index count,
                                    stage_normals<S>& normals) {
    S* z = normals.z;
    for (index s = 0; s < work.count; ++s) {
        for (index t = 0; t < work.sums[s].count; ++t) {
            const stage_term<S>& term = work.sums[s].terms[t];
            if (term.of == stage_source::normals) {
                normal_address draw = at;
                draw.step += static_cast<std::uint32_t>(term.draw);
                philox_normal(draw, z, 0, 1, row, count);
                z += normals.chunk;
            }
        }
    }
}

/// The block that begins at element e of the arrays, and at z in the normals.
template <bool Whole, class S>
DDPM_INLINE void run_stage_block(const stage_work<S>& work, const S* z, index chunk, index e, index rest) {
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
            } else {
                const S* from = term.column + e;
                if (term.of == stage_source::normals) {
                    from = z;
                    z += chunk;
                }
                add_term<Whole>(term, load_block<Whole>(from, rest), t == 0, e, rest, value);
            }
        }
        put_block<Whole>(work.stream && !sum.is_read, sum.target + e, value, rest);
    }
}

template <class S>
void run_stage(const stage_work<S>& all, const normal_address& at, index draws, index columns, index row, index size,
               index first) {
    const stage_work<S> work = all;  // which no store can change
    normal_address sample = at;
    stage_normals<S> normals;
    normals.chunk = draws == 0 ? size : stage_scratch / (draws < 4 ? 4 : draws) / 64 * 64;
    for (index n = 0; n < columns; ++n, first += size, ++sample.sample) {
        for (index begin = 0; begin < size; begin += normals.chunk) {
            const index count = size - begin < normals.chunk ? size - begin : normals.chunk;
            if (draws > 0) {
                make_stage_normals(work, sample, row + begin, count, normals);
            }
            index e = 0;
            for (; e + 64 <= count; e += 64) {
                run_stage_block<true>(work, normals.z + e, normals.chunk, first + begin + e, 64);
            }
            if (e < count) {
                run_stage_block<false>(work, normals.z + e, normals.chunk, first + begin + e, count - e);
            }
        }
    }
    if (work.stream) {
        end_stream<true>();
    }
}
