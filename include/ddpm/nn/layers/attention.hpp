// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/product.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>
#include <ddpm/nn/products.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace ddpm::nn {

/// Self-attention over the pixels of each image, with a residual connection: out = (x + to_out(attended)) / rescale.
/// Each head has d channels of q, k, v = to_q, to_k, to_v of norm(x), and gives softmax(q kᵀ / √d) v.
/// @source Vaswani et al. 2017, arXiv 1706.03762; the block: Ho et al. 2020, arXiv 2006.11239, appendix B; recomputed
/// probabilities: Dao et al. 2022, arXiv 2205.14135, but from the largest score and the sum: the log-sum-exp would add
/// a relative rounding error of |scores| ε
template <Scalar S>
struct attention {
    using scalar = S;

    group_norm<S> norm;  ///< no normalization if it has 0 groups
    dense<S> to_q, to_k, to_v, to_out;
    isize heads = 1;
    double rescale = 1;
    const float_products* products =
        nullptr;  ///< of the scores and what they weight; those of the four layers are theirs

    attention() noexcept = default;

    /// With groups 0 there is no normalization.
    /// @throws value_error unless heads divides the channels, and groups does or is 0
    attention(isize channels, isize heads_, isize groups, double eps)
        : norm(groups == 0 ? group_norm<S>() : group_norm<S>(channels, groups, eps)),
          to_q(channels, channels),
          to_k(channels, channels),
          to_v(channels, channels),
          to_out(channels, channels),
          heads(heads_) {
        detail::require(heads >= 1 && channels % heads == 0, "attention", "the heads do not divide the channels",
                        {"a divisor of ", channels}, {heads});
    }

    [[nodiscard]] isize channels() const noexcept { return to_q.outputs(); }

    /// The activations for backward, in the arena's memory.
    struct activations {
        batch_view<S> moments;      ///< 2 × groups·N; empty if there is no normalization
        batch_view<S> factors;      ///< with which x is read: see normalized_map; likewise
        feature_map<S> q, k;        ///< like x; v is computed again
        feature_map<S> attended;    ///< like x
        batch_view<S> normalizers;  ///< 2·tokens × heads·N: the two values of kernels::detail::softmax per query
    };

    /// With h = norm(x) and q, k, v = to_q(h), to_k(h), to_v(h), one column per pixel, for each sample and head
    ///     p = softmax(kᵀ q / √d), attended = v p,
    /// with the softmax of each column; then out = (x + to_out(attended)) / rescale.
    /// @shape x and out channels × height × width × N; out must not be x
    /// @throws shape_error if the shapes do not fit
    /// @determinism the bits of a sample depend on that sample only
    /// @complexity memory linear in the number of tokens: scores of one block of queries per thread
    /// @accuracy for values near 1 within 2e-5 in float and 2e-14 in double of the formula
    void forward(feature_map<const S> x, activations& a, feature_map<S> out, arena<S>& memory) const {
        constexpr std::string_view where = "attention::forward";
        detail::require_map(where, "input", x, channels(), x.height, x.width, x.samples);
        detail::require_map(where, "output", out, channels(), x.height, x.width, x.samples);
        a = {};
        if (norm.groups > 0) {
            a.moments = memory.columns(2, norm.groups * x.samples);
            a.factors = memory.columns(2 * channels(), x.samples);
            static_cast<void>(norm.normalized(x, activation::none, {}, a.moments, a.factors));
        }
        a.q = memory.like(x);
        a.k = memory.like(x);
        a.attended = memory.like(x);
        a.normalizers = memory.columns(2 * x.pixels(), heads * x.samples);
        const auto scope = memory.scope();
        const feature_map<S> values = memory.like(x);
        {
            const auto inner = memory.scope();
            const batch_view<const S> h = tokens_in(x, a, memory);
            to_q.forward(h, a.q.columns());
            to_k.forward(h, a.k.columns());
            to_v.forward(h, values.columns());
        }
        for_each_head(x, 1, memory, [&](isize n, isize head, S* scratch) {
            const auto q = part_of(a.q, n, head), k = part_of(a.k, n, head), v = part_of(values, n, head);
            const auto attended = part_of(a.attended, n, head);
            S* const normalizers = a.normalizers.column(n * heads + head);
            for_each_query_block(x.pixels(), [&](isize first, isize count) {
                const batch_view<S> p(scratch, x.pixels(), count);
                detail::product<S>(products, kernels::matrix_of(k).transposed(),
                                   kernels::matrix_of(q.middle(first, count)), p);
                for_each_column(p, [&](isize i, S* column) {
                    const auto by = kernels::detail::softmax<S>(p.rows(), scale(), column, column);
                    normalizers[2 * (first + i)] = by.largest;
                    normalizers[2 * (first + i) + 1] = by.inverse_sum;
                });
                detail::product<S>(products, kernels::matrix_of(v), kernels::matrix_of(p),
                                   attended.middle(first, count));
            });
        });
        to_out.forward(a.attended.columns(), out.columns());
        detail::add<S>(x.columns(), out.columns());
        if (rescale != 1) {
            detail::multiply<S>(out.columns(), static_cast<S>(1 / rescale));
        }
    }

    /// With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: with g = dout / rescale and
    /// da = to_outᵀ(g), for each sample and head dv = da pᵀ, dp = vᵀ da, ds = p · (dp − Σ p · dp) / √d with the sum
    /// over each column, dq = k ds, and dk = q dsᵀ; then dx = g + normᵀ(to_qᵀ(dq) + to_kᵀ(dk) + to_vᵀ(dv)). Each layer
    /// adds the gradient of its parameters to d.
    /// @shape x, dout and dx as forward's x, dx must not be dout; a as forward left it
    /// @throws shape_error if the shapes do not fit
    /// @determinism the same bits for every thread count
    /// @accuracy for values near 1 within 1e-5 in float and 1e-13 in double of torch's; in double 1e-6 of central
    /// differences
    void backward(feature_map<const S> x, const activations& a, feature_map<const S> dout, feature_map<S> dx,
                  attention& d, arena<S>& memory) const {
        constexpr std::string_view where = "attention::backward";
        detail::require_map(where, "input", x, channels(), x.height, x.width, x.samples);
        detail::require_map(where, "activations", a.attended, channels(), x.height, x.width, x.samples);
        detail::require_map(where, "gradient of the output", dout, channels(), x.height, x.width, x.samples);
        detail::require_map(where, "gradient of the input", dx, channels(), x.height, x.width, x.samples);
        const auto scope = memory.scope();
        const batch_view<const S> h = tokens_in(x, a, memory);
        const feature_map<S> dq = memory.like(x), dk = memory.like(x), dv = memory.like(x), values = memory.like(x);
        to_v.forward(h, values.columns());
        // dx first holds the gradient of `attended`, later that of the input of to_q, to_k and to_v.
        to_out.backward(a.attended.columns(), rescaled(dout, dq), dx.columns(), d.to_out);
        for_each_head(x, 2, memory, [&](isize n, isize head, S* scratch) {
            const auto q = part_of(a.q, n, head), k = part_of(a.k, n, head), v = part_of(values, n, head);
            const auto dq_part = part_of(dq, n, head), dk_part = part_of(dk, n, head), dv_part = part_of(dv, n, head);
            const auto d_out = part_of(dx, n, head);
            const S* const normalizers = a.normalizers.column(n * heads + head);
            for_each_query_block(x.pixels(), [&](isize first, isize count) {
                const batch_view<S> p(scratch, x.pixels(), count), dp(scratch + p.size(), x.pixels(), count);
                const auto q_block = kernels::matrix_of(q.middle(first, count));
                const auto d_out_block = kernels::matrix_of(d_out.middle(first, count));
                const kernels::product_start<S> start{.accumulate = first > 0};
                detail::product<S>(products, kernels::matrix_of(k).transposed(), q_block, p);
                for_each_column(p, [&](isize i, S* column) {
                    const S* const by = normalizers + 2 * (first + i);
                    kernels::detail::softmax_again<S>(p.rows(), scale(), column, {by[0], by[1]}, column);
                });
                detail::product<S>(products, d_out_block, kernels::matrix_of(p).transposed(), dv_part, start);
                detail::product<S>(products, kernels::matrix_of(v).transposed(), d_out_block, dp);
                for_each_column(p, [&](isize i, S* column) {
                    kernels::detail::softmax_backward<S>(p.rows(), scale(), column, dp.column(i), column);
                });
                detail::product<S>(products, kernels::matrix_of(k), kernels::matrix_of(p),
                                   dq_part.middle(first, count));
                detail::product<S>(products, q_block, kernels::matrix_of(p).transposed(), dk_part, start);
            });
        });
        to_q.backward(h, dq.columns(), dx.columns(), d.to_q);
        backward_add(to_k, h, dk.columns(), dx.columns(), d.to_k);
        backward_add(to_v, h, dv.columns(), dx.columns(), d.to_v);
        if (norm.groups > 0) {
            norm.backward(x, a.moments, activation::none, {}, dx, dx, {}, d.norm);
        }
        detail::add<S>(rescaled(dout, dq), dx.columns());
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        if (self.norm.groups > 0) {
            visitor("group_norm", self.norm);
        }
        visitor("to_q", self.to_q);
        visitor("to_k", self.to_k);
        visitor("to_v", self.to_v);
        visitor("to_out.0", self.to_out);
    }

private:
    /// The number of queries in a block: few enough that their scores fit the second-level cache, but at least 64,
    /// since each block packs the keys again.
    [[nodiscard]] static isize query_block(isize tokens) {
        constexpr isize least = 64, cached = isize{1} << 18;
        return std::clamp(cached / static_cast<isize>(sizeof(S)) / std::max<isize>(1, tokens), least,
                          std::max(least, tokens));
    }

    template <class Body>
    static void for_each_query_block(isize tokens, const Body& body) {
        const isize block = query_block(tokens);
        for (isize first = 0; first < tokens; first += block) {
            body(first, std::min(block, tokens - first));
        }
    }

    /// Calls body(n, head, scratch) for every head of every sample; scratch has room for the scores of `matrices`
    /// blocks. Fewer heads than threads are processed one after another, with parallel products.
    template <class Body>
    void for_each_head(const feature_map<const S>& x, isize matrices, arena<S>& memory, const Body& body) const {
        const isize tasks = x.samples * heads, threads = thread_count();
        const isize workers = tasks < threads ? 1 : threads;
        const isize room = matrices * x.pixels() * std::min(x.pixels(), query_block(x.pixels()));
        const auto scope = memory.scope();
        const batch_view<S> scratch = memory.columns((room + 15) / 16 * 16, workers);
        parallel_for(workers, 1, [&](isize worker, isize last_worker) {
            for (; worker < last_worker; ++worker) {
                for (isize task = worker; task < tasks; task += workers) {
                    body(task / heads, task % heads, scratch.column(worker));
                }
            }
        });
    }

    /// Calls body(i, column) for every column, in parallel unless the caller is parallel.
    template <class Body>
    static void for_each_column(batch_view<S> p, const Body& body) {
        parallel_for(p.columns(), kernels::columns_per_task(p.rows()), [&](isize first, isize last) {
            for (isize i = first; i < last; ++i) {
                body(i, p.column(i));
            }
        });
    }

    [[nodiscard]] S scale() const {
        const isize width = channels() / heads;
        return static_cast<S>(1 / std::sqrt(static_cast<double>(width)));
    }

    /// The channels of a head, for the tokens of sample n.
    [[nodiscard]] batch_view<S> part_of(const feature_map<S>& map, isize n, isize head) const {
        const isize size = channels() / heads;
        return map.sample(n).columns().middle_rows(head * size, size);
    }

    /// norm(x), in memory, or x itself.
    [[nodiscard]] batch_view<const S> tokens_in(const feature_map<const S>& x, const activations& a,
                                                arena<S>& memory) const {
        if (norm.groups == 0) {
            return x.columns();
        }
        const feature_map<S> normed = memory.like(x);
        normalized_map<S>(x, a.factors.data(), activation::none).write(normed);
        return normed.columns();
    }

    /// dout / rescale, written to `place` unless rescale is 1.
    [[nodiscard]] batch_view<const S> rescaled(const feature_map<const S>& dout, const feature_map<S>& place) const {
        if (rescale == 1) {
            return dout.columns();
        }
        detail::multiply<S>(dout.columns(), static_cast<S>(1 / rescale), place.columns());
        return place.columns();
    }

    /// dense::backward, but adds to dx.
    static void backward_add(const dense<S>& layer, batch_view<const S> x, batch_view<const S> dy, batch_view<S> dx,
                             dense<S>& d) {
        layer.backward(x, dy, {}, d);
        const batch_view<const S> weights(layer.weight.data(), layer.outputs(), layer.inputs());
        detail::product<S>(layer.products, kernels::matrix_of(weights).transposed(), kernels::matrix_of(dy), dx,
                           {.accumulate = true});
    }
};

DDPM_CLASS_INSTANCE(struct attention<float>)

}  // namespace ddpm::nn
