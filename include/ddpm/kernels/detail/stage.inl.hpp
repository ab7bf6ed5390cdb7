// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of stage.hpp: all sums are computed for 64 elements at a time, the size of a block of normals.

/// Writes the 64 elements at `block`, or only the first `rest`, to p.
template <class S>
__attribute__((noinline)) void put_block(bool stream, S* p, const S* block, isize rest) {
    isize i = 0;
    if (rest >= 64) {
        for (; i < 64; i += lanes<S>) {
            put(stream, p + i, load(block + i));
        }
    }
    for (; i < 64 && i < rest; ++i) {
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

/// x̂_0 and ε̂ of a block: in the arrays that keep them, or in local arrays.
template <class S>
struct stage_estimates {
    const S *x0, *eps;
    S x0_room[64], eps_room[64];
};

/// Computes the estimates of the block at element e.
template <class S>
DDPM_INLINE void make_estimates(const stage_work<S>& work, isize e, isize rest, stage_estimates<S>& block) {
    const denoise_coefficients<S> c = work.estimate;  // a local copy: the compiler need not reload it after a store
    const bool in_place = rest >= 64 && !work.stream;
    S* const x0 = in_place && work.kept_x0 != nullptr ? work.kept_x0 + e : block.x0_room;
    S* const eps = in_place && work.kept_eps != nullptr ? work.kept_eps + e : block.eps_room;
    S xt_room[64], p_room[64];
    const S *const xt = whole<64>(work.xt + e, rest, xt_room), *const p = whole<64>(work.p + e, rest, p_room);
    for (isize i = 0; i < 64; i += 4 * lanes<S>) {
        DDPM_UNROLL
        for (isize k = i; k < i + 4 * lanes<S>; k += lanes<S>) {
            const estimates<S> now = estimate(c, load(xt + k), load(p + k));
            store(x0 + k, now.x0);
            store(eps + k, now.eps);
        }
    }
    if (!in_place && work.kept_x0 != nullptr) {
        put_block(work.stream, work.kept_x0 + e, x0, rest);
    }
    if (!in_place && work.kept_eps != nullptr) {
        put_block(work.stream, work.kept_eps + e, eps, rest);
    }
    block.x0 = x0;
    block.eps = eps;
}

/// The sum of a block. Loops handle four packs at a time; with wide vector registers the whole sum stays in them.
template <class S>
struct stage_value {
    pack<S> part[64 / lanes<S>];
};

/// value += read · spread · factor, spread 1 if null.
template <class S>
DDPM_INLINE void add_term(stage_value<S>& value, const S* read, const S* spread, S factor) {
    for (isize i = 0; i < 64; i += 4 * lanes<S>) {
        DDPM_UNROLL
        for (isize k = 0; k < 4; ++k) {
            const isize at = i + k * lanes<S>;
            pack<S> product = load(read + at);
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
    }
    isize draw = 0;
    S read_room[64], spread_room[64], room[64];
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
            const S* from;
            switch (term.of) {
                case stage_source::x0:
                    from = block.x0;
                    break;
                case stage_source::eps:
                    from = block.eps;
                    break;
                case stage_source::column:
                    from = whole<64>(term.column + e, rest, read_room);
                    break;
                default:
                    if (draw < most_stage_normals) {
                        from = normals.z + draw * normals.chunk + begin;
                        ++draw;
                    } else {  // the buffer is full: overwrite the last block
                        S* const z = normals.z + (draw - 1) * normals.chunk + begin;
                        make_stage_normals<S>(normals, term, begin, begin + 64, z, {}, 0);
                        from = z;
                    }
            }
            const S* const spread = term.spread == nullptr ? nullptr : whole<64>(term.spread + e, rest, spread_room);
            add_term(value, from, spread, term.factor);
        }
        const bool stream = work.stream && !sum.is_read;
        S* const to = rest < 64 || stream ? room : sum.target + e;
        DDPM_UNROLL
        for (isize k = 0; k < 64 / lanes<S>; ++k) {
            store(to + k * lanes<S>, value.part[k]);
        }
        if (to == room) {
            put_block(stream, sum.target + e, room, rest);
        }
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
