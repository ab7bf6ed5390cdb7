// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/embedding_table.hpp>
#include <ddpm/nn/layers/layer_norm.hpp>
#include <ddpm/nn/layers/map_input.hpp>
#include <ddpm/nn/layers/mlp_block.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/layers/vector_embedding.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ddpm::nn {

/// The sizes of an MLP and the conditions that it takes.
struct mlp_options {
    isize dim = 0;                ///< elements of a sample; must be given
    isize hidden = 256;           ///< width
    isize blocks = 3;             ///< depth
    isize embedding = 64;         ///< elements of the sinusoidal time embedding
    bool variance_head = false;   ///< after each element of the prediction the output has that of the head
    bool time_to_output = false;  ///< adds a linear function of the time embedding to the output
    isize classes = 0;            ///< number of labels; 0: no label
    isize vector = 0;             ///< size of the vector condition; 0: none
    isize map_channels = 0;       ///< map channels per element of a sample; 0: no maps
    bool learned_null = false;    ///< vector and maps may be absent; a null value is learned
    std::uint64_t seed = 0;       ///< of the initial parameters
};

/// The activations of an MLP for backward.
template <Scalar S>
struct mlp_activations {
    batch_view<S> projected, embedded, normed, moments, active;
    typename embedding_mlp<S>::activations time;
    feature_map<const S> joined;  ///< x_t and the maps, if there are maps
    typename vector_embedding<S>::activations vector;
    std::vector<typename mlp_block<S>::activations> blocks;
    std::vector<batch_view<S>> h;  ///< h[b] is the input of block b
};

template <class T>
class packed_mlp;

/// A residual MLP that denoises vectors: out = output(silu(norm(h))), where h is input(x) after residual blocks that
/// also take the embedding silu(mlp(time) + class + mlp(vector)). Initially each block is the identity and the output
/// is 0. With time_to_output a linear function of the sinusoidal time embedding, initially 0, is added to the output.
/// It represents what depends on the time but not on the sample, such as the output for a variance head at small times.
template <Scalar S>
class mlp : public network_base {
public:
    using scalar = S;
    using workspace = nn::workspace<S, mlp_activations<S>>;

    /// @throws value_error unless dim, hidden and embedding are ≥ 1 and the other sizes ≥ 0
    explicit mlp(const mlp_options& options);

    [[nodiscard]] const mlp_options& options() const noexcept { return options_; }
    [[nodiscard]] isize dim() const noexcept { return options_.dim; }
    [[nodiscard]] sample_shape shape() const noexcept { return dim(); }

    [[nodiscard]] bool has_variance_head() const noexcept { return options_.variance_head; }
    [[nodiscard]] isize outputs() const noexcept { return has_variance_head() ? 2 * dim() : dim(); }

    /// The conditions of the options.
    [[nodiscard]] condition_shape takes() const noexcept {
        return {.classes = options_.classes,
                .vector = options_.vector,
                .map_channels = options_.map_channels,
                .learned = detail::learned_forms(options_.learned_null, options_.vector, options_.map_channels)};
    }

    /// Memory for up to `samples` samples: such batches allocate nothing; larger ones make it grow.
    /// @throws shape_error if `samples` is negative
    [[nodiscard]] workspace make_workspace(isize samples, pass serves) const;

    /// With τ the sinusoidal embedding of t, u = mlp(τ) + class + mlp(vector), e = silu(u), and h_0 = input(x_t, maps):
    ///     h_{b+1} = block_b(h_b, e), out = output(silu(norm(h_B))) + time_output(τ).
    /// @shape in.xt dim × N; out outputs() × N
    /// @throws shape_error if the shapes do not fit; value_error if the condition is not what the network takes
    /// @determinism the bits of a sample depend on that sample, its time and its condition only
    /// @accuracy for values near 1 within 2e-6 in float and 1e-12 in double of the same network in torch
    void forward(const network_input<S>& in, batch_view<S> out, workspace& w) const;

    /// After forward of the same input in the same workspace: adds the gradient of the parameters to d, and writes that
    /// of the samples to dx. With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: dh_B =
    /// normᵀ(silu'(norm(h_B)) · outputᵀ(dout)), dh_b = block_bᵀ(dh_{b+1}), dx = inputᵀ(dh_0), and du = silu'(u) · Σ de
    /// over the blocks, which is the gradient of each term of u.
    /// @shape in as forward; dout as its out; dx as in.xt, or empty if not needed; d of this network's layers and sizes
    /// @throws shape_error if the shapes do not fit, or the workspace is not for backward
    /// @determinism the same bits for every thread count
    /// @accuracy in double within 1e-6 of central differences
    void backward(const network_input<S>& in, batch_view<const S> dout, workspace& w, mlp& d,
                  batch_view<S> dx = {}) const;

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("time_embedding", self.time_mlp_);
        visitor("input", self.input_);
        visitor("blocks", self.blocks_);
        visitor("norm_out", self.norm_);
        visitor("output", self.output_);
        if (self.time_output_) {
            visitor("time_output", *self.time_output_);
        }
        if (self.class_table_) {
            visitor("class_embedding", *self.class_table_);
        }
        if (self.vector_) {
            visitor("vector_embedding", *self.vector_);
        }
        visitor("map_input", self.maps_);
    }

private:
    template <class T>
    friend class packed_mlp;

    static mlp_options validated(const mlp_options& o) {
        const auto require = [](const char* what, isize value, isize least) {
            detail::require(value >= least, "mlp", what, {">= ", least}, {value});
        };
        require("dim", o.dim, 1);
        require("hidden", o.hidden, 1);
        require("blocks", o.blocks, 0);
        require("embedding", o.embedding, 1);
        require("classes", o.classes, 0);
        require("vector", o.vector, 0);
        require("map_channels", o.map_channels, 0);
        return o;
    }

    /// Computes a.embedded, the embedding before its silu. Returns its number of columns, 1 if all samples share it.
    isize embed(const network_input<S>& in, workspace& w) const {
        const isize n = in.samples();
        mlp_activations<S>& a = w.activations;
        arena<S>& memory = w.memory;
        const bool same = !w.for_backward() && !class_table_ && !vector_ &&
                          std::all_of(in.t.begin(), in.t.end(), [&](double u) { return u == in.t[0]; });
        const isize times = same ? std::min<isize>(1, n) : n;
        a.projected = memory.columns(options_.embedding, times);
        a.embedded = memory.columns(options_.hidden, times);
        time_embedding{.dim = options_.embedding}.forward<S>(in.t.first(static_cast<std::size_t>(times)), a.projected);
        time_mlp_.forward(a.projected, a.time, a.embedded, memory);
        if (class_table_) {
            const auto scope = memory.scope();
            const batch_view<S> classes = memory.columns(options_.hidden, n);
            class_table_->forward(in.condition.labels, classes);
            detail::add<S>(classes, a.embedded);
        }
        if (vector_) {
            vector_->forward(in.condition, a.vector, a.embedded, memory);
        }
        return times;
    }

    /// The number of elements that a batch takes from the arena.
    [[nodiscard]] isize memory_size(isize samples, bool for_backward) const {
        const isize wide = options_.hidden,
                    blocks = for_backward ? options_.blocks : std::min<isize>(1, options_.blocks);
        // Copies of samples and maps with gaps, null values, and the joined input.
        const isize maps = options_.map_channels == 0 ? 0 : options_.dim * (2 + 3 * options_.map_channels);
        const isize vector = options_.vector == 0 ? 0 : options_.vector + 3 * wide;
        const isize kept = (for_backward ? options_.blocks + 1 : 1) * wide + blocks * (3 * wide + 2) + 2 * wide + 2 +
                           options_.embedding + 3 * wide + vector + maps;
        const isize scratch = for_backward ? 4 * wide + std::max(vector, maps) : wide;
        constexpr isize piece = 64 / static_cast<isize>(sizeof(S));  // each take() is rounded up to this
        return (kept + scratch) * samples + (24 + 6 * options_.blocks) * piece;
    }

    mlp_options options_;
    embedding_mlp<S> time_mlp_;
    map_input<S> maps_;
    dense<S> input_;
    std::vector<mlp_block<S>> blocks_;
    layer_norm<S> norm_;
    dense<S> output_;
    std::optional<dense<S>> time_output_;
    std::optional<embedding_table<S>> class_table_;
    std::optional<vector_embedding<S>> vector_;
};

template <Scalar S>
mlp<S>::mlp(const mlp_options& options)
    : options_(validated(options)),
      time_mlp_(options.embedding, options.hidden),
      maps_(options.dim, options.map_channels, options.learned_null),
      input_(options.dim * (1 + options.map_channels), options.hidden),
      blocks_(static_cast<std::size_t>(options.blocks), mlp_block<S>(options.hidden)),
      norm_(options.hidden),
      output_(options.hidden, outputs()) {
    initializer start(options.seed);
    time_mlp_.start(start);
    start.layer(input_);
    for (mlp_block<S>& block : blocks_) {
        start.layer(block.linear_1);
    }
    if (options.time_to_output) {
        time_output_.emplace(options.embedding, outputs());
    }
    if (options.classes != 0) {
        start.normal(1.0, class_table_.emplace(options.classes, options.hidden).weight);
    }
    if (options.vector != 0) {
        vector_.emplace(options.vector, options.hidden, options.learned_null).mlp.start(start);
    }
}

template <Scalar S>
auto mlp<S>::make_workspace(isize samples, pass serves) const -> workspace {
    detail::require<shape_error>(samples >= 0, "mlp::make_workspace", "number of samples", {">= 0"}, {samples});
    workspace w(serves);
    w.memory.reserve(memory_size(samples, w.for_backward()));
    w.activations.blocks.resize(w.for_backward() ? blocks_.size() : std::min<std::size_t>(1, blocks_.size()));
    w.activations.h.resize(w.for_backward() ? blocks_.size() + 1 : 1);
    return w;
}

template <Scalar S>
void mlp<S>::forward(const network_input<S>& in, batch_view<S> out, workspace& w) const {
    ddpm::detail::require_input("mlp::forward", in, shape(), takes());
    detail::require_batch("mlp::forward", "output", out, outputs(), in.samples());
    const isize n = in.samples();
    w.begin(n);
    mlp_activations<S>& a = w.activations;
    arena<S>& memory = w.memory;
    for (batch_view<S>& h : a.h) {
        h = memory.columns(options_.hidden, n);
    }
    for (auto& block : a.blocks) {
        block = blocks_.front().take(n, memory);
    }
    a.normed = memory.columns(options_.hidden, n);
    a.moments = memory.columns(2, n);
    a.active = memory.columns(options_.hidden, n);
    const isize times = embed(in, w);
    a.joined = {};
    if (options_.map_channels != 0) {
        a.joined = maps_.forward(in.xt, in.condition, memory);
    }
    const auto scope = memory.scope();
    const batch_view<S> time = memory.columns(options_.hidden, times);
    activate<activation::silu, S>(a.embedded, time);
    input_.forward(a.joined.empty() ? in.xt : a.joined.images(), a.h.front());
    // For forward only, all blocks share one set of activations, and h is updated in place.
    const auto at = [](auto& list, std::size_t b) -> auto& { return list[list.size() == 1 ? 0 : b]; };
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        blocks_[b].forward(at(a.h, b), time, at(a.blocks, b), at(a.h, b + 1));
    }
    norm_.forward(a.h.back(), a.normed, a.moments);
    activate<activation::silu, S>(a.normed, a.active);
    if (time_output_) {
        time_output_->forward(a.projected, out.middle(0, times));
        if (times < n) {
            detail::copy_columns<S>(out.middle(0, 1), out.middle(1, n - 1));
        }
        output_.forward_add(a.active, out);
    } else {
        output_.forward(a.active, out);
    }
}

template <Scalar S>
void mlp<S>::backward(const network_input<S>& in, batch_view<const S> dout, workspace& w, mlp& d,
                      batch_view<S> dx) const {
    const isize n = in.samples();
    w.require_backward("mlp::backward", n);
    detail::require_batch("mlp::backward", "gradient of the output", dout, outputs(), n);
    detail::require_gradient("mlp::backward", "blocks", blocks_, d.blocks_);
    detail::require_gradient("mlp::backward", "time_output", time_output_, d.time_output_);
    detail::require_gradient("mlp::backward", "class_embedding", class_table_, d.class_table_);
    detail::require_gradient("mlp::backward", "vector_embedding", vector_, d.vector_);
    mlp_activations<S>& a = w.activations;
    arena<S>& memory = w.memory;
    const auto scope = memory.scope();
    const batch_view<S> dtime = memory.columns(options_.hidden, n);
    batch_view<S> dh = memory.columns(options_.hidden, n), scratch = memory.columns(options_.hidden, n);
    output_.backward(a.active, dout, scratch, d.output_);
    if (time_output_) {
        time_output_->backward(a.projected, dout, {}, *d.time_output_);
    }
    activate_backward<activation::silu, S>(a.normed, scratch, scratch);
    norm_.backward(a.h.back(), a.moments, scratch, dh, d.norm_);
    for (isize sample = 0; sample < n; ++sample) {
        std::fill_n(dtime.column(sample), options_.hidden, S{0});
    }
    for (std::size_t left = blocks_.size(); left > 0; --left) {
        const std::size_t b = left - 1;
        blocks_[b].backward(a.h[b], a.blocks[b], dh, dtime, scratch, d.blocks_[b], memory);
        std::swap(dh, scratch);
    }
    if (a.joined.empty()) {
        input_.backward(in.xt, dh, dx, d.input_);
    } else {
        const auto inner = memory.scope();
        const feature_map<S> djoined = maps_.needs_gradient(dx.size() != 0) ? memory.like(a.joined) : feature_map<S>{};
        input_.backward(a.joined.images(), dh, djoined.images(), d.input_);
        if (!djoined.empty()) {
            maps_.backward(in.condition, djoined, dx, d.maps_, memory);
        }
    }

    activate_backward<activation::silu, S>(a.embedded, dtime, dtime);
    if (class_table_) {
        class_table_->backward(in.condition.labels, dtime, *d.class_table_);
    }
    if (vector_) {
        vector_->backward(in.condition, a.vector, dtime, *d.vector_, memory);
    }
    time_mlp_.backward(a.projected, a.time, dtime, {}, d.time_mlp_, memory);
}

DDPM_CLASS_INSTANCE(class mlp<float>)

}  // namespace ddpm::nn
