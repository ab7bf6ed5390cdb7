// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of robust_error.hpp. Each penalty is computed from e and its derivative g, as g · (e − half · g). Huber: g
// is e limited to [−limit, limit], half is ½; absolute value: g is the sign of e, half is 0. Run-time options are
// tested once per block, outside of the loops over elements.

/// Elements of a block, whose differences stay in the L1 cache.
inline constexpr isize error_width = 64;

/// A block of elements: their differences and weights.
template <class S>
struct error_block {
    isize rest;  // elements to the end
    const S* weight;
    S difference[error_width], rooms[4][error_width];

    /// difference = prediction − a · x − b · y from element i on, or 0 if its weight is 0. y is null if the target has
    /// one term, `weights` if elements have no weights.
    DDPM_INLINE void begin(isize i, isize size, const S* prediction, S a, const S* x, S b, const S* y,
                           const S* weights) {
        rest = size - i;
        fetch_elements<error_width>(prediction + i + fetch_ahead);
        fetch_elements<error_width>(x + i + fetch_ahead);
        const S* const p = whole<error_width>(prediction + i, rest, rooms[0]);
        const S* const x_i = whole<error_width>(x + i, rest, rooms[1]);
        if (y == nullptr) {
            for (isize k = 0; k < error_width; k += lanes<S>) {
                store(difference + k, load(p + k) - a * load(x_i + k));
            }
        } else {
            const S* const y_i = whole<error_width>(y + i, rest, rooms[2]);
            for (isize k = 0; k < error_width; k += lanes<S>) {
                store(difference + k, load(p + k) - (a * load(x_i + k) + b * load(y_i + k)));
            }
        }
        weight = nullptr;
        if (weights != nullptr) {
            fetch_elements<error_width>(weights + i + fetch_ahead);
            weight = whole<error_width>(weights + i, rest, rooms[3]);
            for (isize k = 0; k < error_width; k += lanes<S>) {
                store(difference + k, where_weighted(load(weight + k), load(difference + k)));
            }
        }
        clear_rest(difference);
    }

    /// Sets the elements after the last to 0.
    DDPM_INLINE void clear_rest(S* values) const {
        for (isize k = rest; k < error_width; ++k) {
            values[k] = 0;
        }
    }

    /// Writes scale · derivative, times the weights, to d.
    DDPM_INLINE void put_gradient(bool stream, S* d, S scale, const S* derivative) {
        S* const to = rest < error_width ? rooms[0] : d;
        if (weight != nullptr) {
            for (isize k = 0; k < error_width; k += lanes<S>) {
                store(to + k, scale * load(derivative + k) * load(weight + k));
            }
        } else {
            for (isize k = 0; k < error_width; k += lanes<S>) {
                put(stream && to == d, to + k, scale * load(derivative + k));
            }
        }
        for (isize k = 0; to != d && k < rest; ++k) {
            d[k] = to[k];
        }
    }

    /// Adds `value`, times the weights, to the partial sums.
    DDPM_INLINE void add(sixteen_sums& sums, isize part, isize k, pack<double> value) const {
        sums.lane[part] += weight == nullptr ? value : value * load_wide(weight + k);
    }
};

template <class S>
double robust_error(bool huber, isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S limit,
                    S slope, S* d_prediction, const S* weight, bool stream) {
    const pack<S> high = splat(huber ? limit : S(1)), from = splat(huber ? limit : S(0));
    const double half = huber ? 0.5 : 0.0;
    sixteen_sums sums{};
    error_block<S> block;
    S derivative[error_width];
    for (isize i = 0; i < size; i += error_width) {
        block.begin(i, size, prediction, a, x, b, y, weight);
        for (isize k = 0; k < error_width; k += lanes<S>) {
            const pack<S> e = scale * load(block.difference + k);
            store(block.difference + k, e);
            store(derivative + k, select(e > from, high, select(e < -from, -high, huber ? e : pack<S>{})));
        }
        if (d_prediction != nullptr) {
            block.put_gradient(stream, d_prediction + i, slope, derivative);
        }
        for (isize k = 0; k < error_width; k += 16) {
            DDPM_UNROLL
            for (isize part = 0; part < 16 / lanes<double>; ++part) {
                const isize at = k + part * lanes<double>;
                const pack<double> e = load_wide(block.difference + at), g = load_wide(derivative + at);
                block.add(sums, part, at, g * (e - half * g));
            }
        }
    }
    end_stream(stream);
    return total(sums);
}
