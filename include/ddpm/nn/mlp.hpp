// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/dense.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layer_norm.hpp>
#include <ddpm/nn/mlp_block.hpp>
#include <ddpm/nn/session.hpp>
#include <ddpm/nn/silu.hpp>
#include <ddpm/nn/tensor.hpp>
#include <ddpm/nn/time_embedding.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::nn {

struct mlp_options {
    isize dim = 0;           ///< elements of a sample; must be given
    isize hidden = 256;      ///< width
    isize blocks = 3;        ///< depth
    isize embedding = 64;    ///< elements of the sinusoidal time embedding
    bool variance_head = false;  ///< the output is twice as long: each element of the prediction, then of the head
    bool time_to_output = false;  ///< the output sees the embedded time also past the blocks
    std::uint64_t seed = 0;  ///< of the parameters' random start
};

/// A residual MLP that denoises vectors: out = output(silu(norm(h))), where h starts as input(x) and goes through
/// residual blocks that see the time. Blocks start as the identity and the output as zero. With time_to_output a linear
/// function of the sinusoidal embedding, at first zero, is added to the output: what changes from one time to the next
/// whatever the sample, as a variance head does at the smallest times, need not be carved into the blocks.
template <Scalar S>
class mlp {
public:
    using scalar = S;

    /// @throws value_error unless dim, hidden and embedding are ≥ 1 and blocks ≥ 0
    explicit mlp(const mlp_options& options)
        : options_(validated(options)),
          time_1_(options.embedding, options.hidden),
          time_2_(options.hidden, options.hidden),
          input_(options.dim, options.hidden),
          blocks_(static_cast<std::size_t>(options.blocks), mlp_block<S>(options.hidden)),
          norm_(options.hidden),
          output_(options.hidden, outputs()) {
        initializer start(options.seed);
        start.layer(time_1_);
        start.layer(time_2_);
        start.layer(input_);
        for (mlp_block<S>& block : blocks_) {
            start.layer(block.linear_1);
        }
        if (options.time_to_output) {
            time_output_ = dense<S>(options.embedding, outputs());
        }
    }

    [[nodiscard]] const mlp_options& options() const noexcept { return options_; }
    [[nodiscard]] isize dim() const noexcept { return options_.dim; }
    [[nodiscard]] sample_shape shape() const noexcept { return dim(); }

    /// Whether the output has an element for the reverse step's variance after each element of the prediction.
    [[nodiscard]] bool has_variance_head() const noexcept { return options_.variance_head; }
    [[nodiscard]] isize outputs() const noexcept { return has_variance_head() ? 2 * dim() : dim(); }

    /// The activations of one batch, and scratch.
    class workspace {
    public:
        /// How many samples fit.
        [[nodiscard]] isize samples() const noexcept { return embedded_.shape()[0]; }

    private:
        friend mlp;

        workspace(const mlp_options& o, isize samples, bool for_backward)
            : embedded_({samples, o.embedding}),
              time_1_({samples, o.hidden}),
              time_1_active_({samples, o.hidden}),
              time_2_({samples, o.hidden}),
              time_({samples, o.hidden}),
              normed_({samples, o.hidden}),
              moments_({samples, 2}),
              active_({samples, o.hidden}) {
            const isize kept = for_backward ? o.blocks : std::min<isize>(1, o.blocks);
            for (isize b = 0; b < kept; ++b) {
                blocks_.push_back({tensor<S>({samples, o.hidden}), tensor<S>({samples, 2}),
                                   tensor<S>({samples, o.hidden}), tensor<S>({samples, o.hidden})});
            }
            for (isize b = 0; b <= (for_backward ? o.blocks : 0); ++b) {
                h_.emplace_back(tensor_shape{samples, o.hidden});
            }
            if (for_backward) {
                dh_ = tensor<S>({samples, o.hidden});
                dtime_ = tensor<S>({samples, o.hidden});
                scratch_ = tensor<S>({samples, o.hidden});
            }
        }

        struct block {
            tensor<S> normed, moments, summed, active;
        };

        /// Without backward all blocks share one set of activations, and h is updated in place.
        [[nodiscard]] typename mlp_block<S>::activations activations(std::size_t b, isize columns) {
            block& at = blocks_[blocks_.size() == 1 ? 0 : b];
            return {at.normed.columns(columns), at.moments.columns(columns), at.summed.columns(columns),
                    at.active.columns(columns)};
        }
        [[nodiscard]] batch_view<S> h(std::size_t b, isize columns) {
            return h_[h_.size() == 1 ? 0 : b].columns(columns);
        }
        [[nodiscard]] bool for_backward() const noexcept { return dh_.size() > 0; }

        tensor<S> embedded_, time_1_, time_1_active_, time_2_, time_, normed_, moments_, active_;
        std::vector<block> blocks_;
        std::vector<tensor<S>> h_;  // h_[b] goes into block b
        tensor<S> dh_, dtime_, scratch_;
    };

    /// A workspace for up to `samples` samples; without `for_backward` it is smaller and serves forward only.
    [[nodiscard]] workspace plan(isize samples, bool for_backward = true) const {
        return workspace(options_, samples, for_backward);
    }

    /// @shape x dim × N; out outputs() × N; t N
    /// @units t is the model's time: for a discrete schedule the 0-based timestep
    /// @throws shape_error if the shapes do not fit, or the workspace is for fewer samples
    /// @determinism the bits of a sample depend on that sample and its time only
    void forward(batch_view<const S> x, std::span<const double> t, batch_view<S> out, workspace& w) const {
        require_fit("mlp::forward", x, t, out, w);
        const isize n = x.columns();
        // Where all samples have one time, it is embedded once.
        const bool one_time = !w.for_backward() && std::all_of(t.begin(), t.end(), [&](double u) { return u == t[0]; });
        const isize times = one_time ? std::min<isize>(1, n) : n;
        const auto embedded = w.embedded_.columns(times), time_1 = w.time_1_.columns(times),
                   time_1_active = w.time_1_active_.columns(times), time_2 = w.time_2_.columns(times),
                   time = w.time_.columns(times);
        time_embedding{.dim = options_.embedding}.forward<S>(t.first(static_cast<std::size_t>(times)), embedded);
        time_1_.forward(embedded, time_1);
        silu<S>{}.forward(time_1, time_1_active);
        time_2_.forward(time_1_active, time_2);
        silu<S>{}.forward(time_2, time);

        input_.forward(x, w.h(0, n));
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            blocks_[b].forward(w.h(b, n), time, w.activations(b, n), w.h(b + 1, n));
        }
        norm_.forward(w.h(blocks_.size(), n), w.normed_.columns(n), w.moments_.columns(n));
        silu<S>{}.forward(w.normed_.columns(n), w.active_.columns(n));
        if (options_.time_to_output) {
            time_output_.forward(embedded, out.middle(0, times));
            if (times < n) {
                detail::copy_columns<S>(out.middle(0, 1), out.middle(1, n - 1));
            }
            output_.forward_add(w.active_.columns(n), out);
        } else {
            output_.forward(w.active_.columns(n), out);
        }
    }

    /// Adds the gradient of the parameters to d, and writes that of the samples to dx, after forward of the same batch
    /// in the same workspace.
    /// @shape x dim × N; dout outputs() × N; t N; dx as x, or empty where nobody needs it
    /// @throws shape_error if the shapes do not fit, or the workspace is for fewer samples or not for backward
    /// @determinism the same bits for every thread count
    void backward(batch_view<const S> x, std::span<const double> t, batch_view<const S> dout, workspace& w, mlp& d,
                  batch_view<S> dx = {}) const {
        require_fit("mlp::backward", x, t, dout, w);
        if (!w.for_backward()) {
            throw shape_error("mlp::backward", "workspace", "one planned for backward", "one for forward only");
        }
        const isize n = x.columns();
        const auto dh = w.dh_.columns(n), dtime = w.dtime_.columns(n), scratch = w.scratch_.columns(n);
        output_.backward(w.active_.columns(n), dout, scratch, d.output_);
        if (options_.time_to_output) {
            time_output_.backward(w.embedded_.columns(n), dout, {}, d.time_output_);
        }
        silu<S>{}.backward(w.normed_.columns(n), scratch, scratch);
        norm_.backward(w.h(blocks_.size(), n), w.moments_.columns(n), scratch, dh, d.norm_);
        std::fill(w.dtime_.values().begin(), w.dtime_.values().end(), S{0});
        for (std::size_t b = blocks_.size(); b-- > 0;) {
            blocks_[b].backward(w.h(b, n), w.activations(b, n), scratch, dtime, dh, d.blocks_[b]);
        }
        input_.backward(x, dh, dx, d.input_);

        silu<S>{}.backward(w.time_2_.columns(n), dtime, dtime);
        time_2_.backward(w.time_1_active_.columns(n), dtime, scratch, d.time_2_);
        silu<S>{}.backward(w.time_1_.columns(n), scratch, scratch);
        time_1_.backward(w.embedded_.columns(n), scratch, {}, d.time_1_);
    }

    /// A predictor for one run that owns its workspace.
    [[nodiscard]] network_session<mlp> session(isize samples) const { return network_session<mlp>(*this, samples); }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("time_embedding.linear_1", self.time_1_);
        visitor("time_embedding.linear_2", self.time_2_);
        visitor("input", self.input_);
        visitor("blocks", self.blocks_);
        visitor("norm_out", self.norm_);
        visitor("output", self.output_);
        if (self.options_.time_to_output) {
            visitor("time_output", self.time_output_);
        }
    }

private:
    struct option {
        const char* what;
        isize value, least;
    };

    static const mlp_options& validated(const mlp_options& o) {
        for (const auto& [what, value, least] : {option{"dim", o.dim, 1}, option{"hidden", o.hidden, 1},
                                                 option{"blocks", o.blocks, 0}, option{"embedding", o.embedding, 1}}) {
            if (value < least) {
                throw value_error("mlp", what, ddpm::detail::text(">= ", least), value);
            }
        }
        return o;
    }

    template <class T>
    void require_fit(std::string_view where, batch_view<const S> x, std::span<const double> t, batch_view<T> out,
                     const workspace& w) const {
        detail::require_batch(where, "samples", x, dim(), x.columns());
        detail::require_batch(where, "output", out, outputs(), x.columns());
        if (static_cast<isize>(t.size()) != x.columns()) {
            throw shape_error(where, "one time per sample", x.columns(), t.size());
        }
        if (x.columns() > w.samples()) {
            throw shape_error(where, "samples in the workspace", ddpm::detail::text("<= ", w.samples()), x.columns());
        }
    }

    mlp_options options_;
    dense<S> time_1_, time_2_;
    dense<S> input_;
    std::vector<mlp_block<S>> blocks_;
    layer_norm<S> norm_;
    dense<S> output_;
    dense<S> time_output_;  // with time_to_output only
};

}  // namespace ddpm::nn
