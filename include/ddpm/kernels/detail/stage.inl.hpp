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
DDPM_INLINE stage_block<S> load_block(const S* p, [[maybe_unused]] isize rest) {
    stage_block<S> block;
    DDPM_UNROLL
    for (isize i = 0; i < 64; i += lanes<S>) {
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
DDPM_INLINE void put_block(bool stream, S* p, const stage_block<S>& block, [[maybe_unused]] isize rest) {
    DDPM_UNROLL
    for (isize i = 0; i < 64; i += lanes<S>) {
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
DDPM_INLINE void add_term(const stage_term<S>& term, const stage_block<S>& read, bool is_first, isize e, isize rest,
                          stage_block<S>& value) {
    stage_block<S> product = read;
    if (term.spread != nullptr) {
        const stage_block<S> spread = load_block<Whole>(term.spread + e, rest);
        DDPM_UNROLL
        for (isize k = 0; k < 64 / lanes<S>; ++k) {
            product.part[k] *= spread.part[k];
        }
    }
    DDPM_UNROLL
    for (isize k = 0; k < 64 / lanes<S>; ++k) {
        product.part[k] *= term.factor;
        value.part[k] = is_first ? product.part[k] : value.part[k] + product.part[k];
    }
}

/// The normals of a chunk of a sample: those of the first few terms of a stage that read any, one after the other.
template <class S>
struct stage_normals {
    alignas(64) S z[stage_scratch];
    isize chunk;
    normal_address sample;
    isize row;  // where the chunk begins
};

/// What a stage reads from memory, in so far as it is fetched ahead.
template <class S>
struct stage_reads {
    static constexpr isize most = 8;
    const S* column[most];
    isize count = 0;

    DDPM_INLINE void add(const S* from) {
        if (from != nullptr && count < most) {
            column[count++] = from;
        }
    }

    /// Fetches the block at element e.
    DDPM_INLINE void fetch(isize e) const {
        for (isize i = 0; i < count; ++i) {
            fetch_elements<64>(column[i] + e);
        }
    }
};

template <class S>
stage_reads<S> reads_of(const stage_work<S>& work) {
    stage_reads<S> reads;
    reads.add(work.xt);
    reads.add(work.p);
    for (isize s = 0; s < work.count; ++s) {
        for (isize t = 0; t < work.sums[s].count; ++t) {
            const stage_term<S>& term = work.sums[s].terms[t];
            if (term.column != work.xt) {
                reads.add(term.column);
            }
            reads.add(term.spread);
        }
    }
    return reads;
}

/// Makes those of a term for the blocks from e on that begin before `end`; fetches meanwhile what is read with them, if it is
/// given, where the chunk begins at element `first` of the arrays.
template <class S>
DDPM_INLINE void make_stage_normals(const stage_normals<S>& normals, const stage_term<S>& term, isize e, isize end,
                                    S* z, const stage_reads<S>* reads = nullptr, isize first = 0) {
    const normal_address& at = normals.sample;
    const philox_keys keys = make_philox_keys(at.seed);
    const philox_sample sample =
        make_philox_sample(keys, at.step + static_cast<std::uint32_t>(term.draw), at.sample, at.stream);
    for (; e < end; e += 64, z += 64) {
        if (reads != nullptr) {
            reads->fetch(first + e);
        }
        put_normal_block(keys, sample, static_cast<std::uint32_t>((normals.row + e) / 4), z);
    }
}

/// Makes those of the first terms for `count` elements, which lie in the arrays from element `first` on.
template <class S>
DDPM_INLINE void make_stage_normals(const stage_work<S>& work, const stage_reads<S>& reads, isize first, isize count,
                                    stage_normals<S>& normals) {
    isize made = 0;
    for (isize s = 0; s < work.count; ++s) {
        for (isize t = 0; t < work.sums[s].count; ++t) {
            const stage_term<S>& term = work.sums[s].terms[t];
            if (term.of == stage_source::normals && made < most_stage_normals) {
                make_stage_normals(normals, term, 0, count, normals.z + made * normals.chunk,
                                   made == 0 ? &reads : nullptr, first);
                ++made;
            }
        }
    }
}

/// The block that begins at element e of the arrays, and at `begin` of the chunk.
template <bool Whole, class S>
DDPM_INLINE void run_stage_block(const stage_work<S>& work, stage_normals<S>& normals, isize begin, isize e,
                                 isize rest) {
    isize draw = 0;
    stage_block<S> x0 = {}, eps = {};
    if (work.p != nullptr) {
        const stage_block<S> xt = load_block<Whole>(work.xt + e, rest), p = load_block<Whole>(work.p + e, rest);
        DDPM_UNROLL
        for (isize k = 0; k < 64 / lanes<S>; ++k) {
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
    for (isize s = 0; s < work.count; ++s) {
        const stage_sum<S>& sum = work.sums[s];
        stage_block<S> value = {};
        for (isize t = 0; t < sum.count; ++t) {
            const stage_term<S>& term = sum.terms[t];
            if (term.of == stage_source::x0) {
                add_term<Whole>(term, x0, t == 0, e, rest, value);
            } else if (term.of == stage_source::eps) {
                add_term<Whole>(term, eps, t == 0, e, rest, value);
            } else {
                const S* from;
                if (term.of == stage_source::column) {
                    from = term.column + e;
                } else if (draw < most_stage_normals) {
                    from = normals.z + draw * normals.chunk + begin;
                    ++draw;
                } else {  // there is no room for more: one by one, in place of the last
                    S* const z = normals.z + (draw - 1) * normals.chunk + begin;
                    make_stage_normals(normals, term, begin, begin + rest, z);
                    from = z;
                }
                add_term<Whole>(term, load_block<Whole>(from, rest), t == 0, e, rest, value);
            }
        }
        put_block<Whole>(work.stream && !sum.is_read, sum.target + e, value, rest);
    }
}

template <class S>
void run_stage(const stage_work<S>& all, const normal_address& at, isize draws, isize columns, isize row, isize size,
               isize first) {
    const stage_work<S> work = all;  // which no store can change
    const stage_reads<S> reads = reads_of(work);
    stage_normals<S> normals;
    normals.sample = at;
    const isize ahead = work.stream ? fetch_ahead : 0;
    const isize together = draws < 4 ? 4 : draws < most_stage_normals ? draws : most_stage_normals;
    normals.chunk = draws == 0 ? size : stage_scratch / together / 64 * 64;
    for (isize n = 0; n < columns; ++n, first += size, ++normals.sample.sample) {
        for (isize done = 0; done < size; done += normals.chunk) {
            const isize count = size - done < normals.chunk ? size - done : normals.chunk;
            normals.row = row + done;
            if (draws > 0) {
                make_stage_normals(work, reads, first + done, count, normals);
            }
            isize e = 0;
            for (; e + 64 <= count; e += 64) {
                if (draws == 0) {
                    reads.fetch(first + done + e + ahead);
                }
                run_stage_block<true>(work, normals, e, first + done + e, 64);
            }
            if (e < count) {
                run_stage_block<false>(work, normals, e, first + done + e, count - e);
            }
        }
    }
    if (work.stream) {
        end_stream<true>();
    }
}
