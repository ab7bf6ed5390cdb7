// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of stage.hpp: all sums are computed for 64 elements at a time, the size of a block of normals.

/// Writes the first `rest` elements of a block to p.
template <class S>
__attribute__((noinline)) void put_rest(S* p, const S* block, isize rest) {
    for (isize i = 0; i < rest; ++i) {
        p[i] = block[i];
    }
}

/// The normals of a chunk of a sample, for the first most_stage_normals terms that read normals, one term after the
/// other.
template <class S>
struct stage_normals {
    alignas(64) S z[stage_scratch];
    isize chunk;
    normal_address sample;
    isize row;  // the first element of the chunk
};

/// The arrays that a stage reads and prefetches.
template <class S>
block_reads<S> reads_of(const stage_work<S>& work) {
    block_reads<S> reads = {};
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

/// Generates the normals of a term for the blocks that begin at elements e … end − 1 of the chunk, and prefetches
/// `reads`; the chunk begins at element `first` of the arrays.
template <class S>
__attribute__((noinline)) void make_stage_normals(const stage_normals<S>& normals, const stage_term<S>& term, isize e,
                                                  isize end, S* z, const block_reads<S>& reads, isize first) {
    normal_address at = normals.sample;
    at.step += static_cast<std::uint32_t>(term.draw);
    const philox_keys keys = make_philox_keys(at.seed);
    const philox_sample sample = make_philox_sample(keys, at);
    for (; e < end; e += normals_at_once, z += normals_at_once) {
        const isize size = end - e < normals_at_once ? end - e : normals_at_once;
        put_normals(keys, sample, normals.row + e, (size + 63) / 64 * 64, z, reads, first + e);
    }
}

/// Generates the normals of the first terms for `count` elements, which begin at element `first` of the arrays.
template <class S>
DDPM_INLINE void make_first_normals(const stage_work<S>& work, const block_reads<S>& reads, isize first, isize count,
                                    stage_normals<S>& normals) {
    isize made = 0;
    for (isize s = 0; s < work.count; ++s) {
        for (isize t = 0; t < work.sums[s].count; ++t) {
            const stage_term<S>& term = work.sums[s].terms[t];
            if (term.of == stage_source::normals && made < most_stage_normals) {
                make_stage_normals(normals, term, 0, count, normals.z + made * normals.chunk,
                                   made == 0 ? reads : block_reads<S>{}, first);
                ++made;
            }
        }
    }
}

/// The numbers of a block. Loops handle four packs at a time; with wide vector registers the whole block stays in them.
template <class S>
struct stage_value {
    pack<S> part[64 / lanes<S>];

    DDPM_INLINE pack<S> at(isize i) const { return part[i / lanes<S>]; }
};

/// A block in memory.
template <class S>
struct stage_memory {
    const S* first;

    DDPM_INLINE pack<S> at(isize i) const { return load(first + i); }
};

/// Writes a block to p, or only its first `rest` < 64 numbers.
template <class S>
DDPM_INLINE void put_block(bool stream, S* p, const stage_value<S>& block, isize rest) {
    if (rest < 64) {
        S room[64];
        DDPM_UNROLL
        for (isize i = 0; i < 64; i += lanes<S>) {
            store(room + i, block.at(i));
        }
        put_rest(p, room, rest);
    } else if (stream) {
        DDPM_UNROLL
        for (isize i = 0; i < 64; i += lanes<S>) {
            put(true, p + i, block.at(i));
        }
    } else {
        DDPM_UNROLL
        for (isize i = 0; i < 64; i += lanes<S>) {
            store(p + i, block.at(i));
        }
    }
}

/// x̂_0 and ε̂ of a block.
template <class S>
struct stage_estimates {
    stage_value<S> x0, eps;
};

/// Computes the estimates of the block at element e.
template <class S>
DDPM_INLINE void make_estimates(const stage_work<S>& work, isize e, isize rest, stage_estimates<S>& block) {
    const denoise_coefficients<S> c = work.estimate;  // a local copy: the compiler need not reload it after a store
    S xt_room[64], p_room[64];
    const S *const xt = whole<64>(work.xt + e, rest, xt_room), *const p = whole<64>(work.p + e, rest, p_room);
    for (isize i = 0; i < 64; i += 4 * lanes<S>) {
        DDPM_UNROLL
        for (isize k = i; k < i + 4 * lanes<S>; k += lanes<S>) {
            const estimates<S> now = estimate(c, load(xt + k), load(p + k));
            block.x0.part[k / lanes<S>] = now.x0;
            block.eps.part[k / lanes<S>] = now.eps;
        }
    }
    if (work.kept_x0 != nullptr) {
        put_block(work.stream, work.kept_x0 + e, block.x0, rest);
    }
    if (work.kept_eps != nullptr) {
        put_block(work.stream, work.kept_eps + e, block.eps, rest);
    }
}

/// value += read · spread · factor, spread 1 if null.
template <class S, class Read>
DDPM_INLINE void add_term(stage_value<S>& value, const Read& read, const S* spread, S factor) {
    for (isize i = 0; i < 64; i += 4 * lanes<S>) {
        DDPM_UNROLL
        for (isize k = 0; k < 4; ++k) {
            const isize at = i + k * lanes<S>;
            pack<S> product = read.at(at);
            if (spread != nullptr) {
                product *= load(spread + at);
            }
            value.part[at / lanes<S>] += product * factor;
        }
    }
}

/// Computes the block that begins at element e of the arrays and at element `begin` of the chunk.
template <class S>
DDPM_INLINE void run_stage_block(const stage_work<S>& work, stage_normals<S>& normals, isize begin, isize e,
                                 isize rest) {
    stage_estimates<S> block;
    if (work.p != nullptr) {
        make_estimates(work, e, rest, block);
    } else {
        block = {};  // no sum reads it
    }
    isize draw = 0;
    S read_room[64], spread_room[64];
    for (isize s = 0; s < work.count; ++s) {
        const stage_sum<S>& sum = work.sums[s];
        stage_value<S> value;
        // A sum starts at −0: adding any number to it, also +0, gives that number.
        const S start = sum.count > 0 ? -S(0) : S(0);
        DDPM_UNROLL
        for (isize k = 0; k < 64 / lanes<S>; ++k) {
            value.part[k] = splat(start);
        }
        for (isize t = 0; t < sum.count; ++t) {
            const stage_term<S>& term = sum.terms[t];
            const S* const spread = term.spread == nullptr ? nullptr : whole<64>(term.spread + e, rest, spread_room);
            if (term.of == stage_source::x0) {
                add_term(value, block.x0, spread, term.factor);
                continue;
            }
            if (term.of == stage_source::eps) {
                add_term(value, block.eps, spread, term.factor);
                continue;
            }
            const S* from = nullptr;
            if (term.of == stage_source::column) {
                from = whole<64>(term.column + e, rest, read_room);
            } else if (draw < most_stage_normals) {
                from = normals.z + draw * normals.chunk + begin;
                ++draw;
            } else {  // the buffer is full: overwrite the last block
                S* const z = normals.z + (draw - 1) * normals.chunk + begin;
                make_stage_normals<S>(normals, term, begin, begin + 64, z, {}, 0);
                from = z;
            }
            add_term(value, stage_memory<S>{from}, spread, term.factor);
        }
        put_block(work.stream && !sum.is_read, sum.target + e, value, rest);
    }
}

template <class S>
void run_stage(const stage_work<S>& all, const normal_address& at, isize draws, isize columns, isize row, isize size,
               isize first) {
    const stage_work<S> work = all;  // a local copy: the compiler need not reload it after a store
    const block_reads<S> reads = reads_of(work);
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
                make_first_normals(work, reads, first + done, count, normals);
            }
            for (isize e = 0; e < count; e += 64) {
                if (draws == 0) {
                    reads.fetch(first + done + e + ahead);
                }
                run_stage_block(work, normals, e, first + done + e, count - e);
            }
        }
    }
    end_stream(work.stream);
}
