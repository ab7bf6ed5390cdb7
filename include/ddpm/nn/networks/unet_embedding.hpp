// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/embedding_mlp.hpp>
#include <ddpm/nn/layers/embedding_table.hpp>
#include <ddpm/nn/layers/fourier_embedding.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/layers/vector_embedding.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/networks/unet_options.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace ddpm::nn {

/// What a U-Net's blocks are told of a sample's time, class and vector: f(mlp(time) + class + mlp(vector)), with their
/// activation f.
template <Scalar S>
class unet_embedding {
public:
    using scalar = S;

    explicit unet_embedding(const unet_options& o)
        : options_(o),
          time_mlp_(o.time == unet_time::fourier ? 2 * width() : width(), outputs()),
          fourier_(o.time == unet_time::fourier ? 1 : 0, fourier_embedding<S>(width())),
          times_(o.time == unet_time::learned ? 1 : 0, embedding_table<S>(o.train_timesteps, width())),
          class_table_(o.classes == unet_classes::table ? 1 : 0, embedding_table<S>(o.class_count, outputs())),
          class_mlp_(o.classes == unet_classes::timestep ? 1 : 0, embedding_mlp<S>(time_mlp_.linear_1.inputs(), outputs())) {
        if (o.vector != 0) {
            vector_.emplace(o.vector, outputs(), o.learned_null);
        }
    }

    [[nodiscard]] isize outputs() const noexcept {
        return options_.time_embedding_dim != 0 ? options_.time_embedding_dim : 4 * width();
    }

    /// The largest label is that of the table, or the last timestep of a learned embedding.
    [[nodiscard]] isize classes() const noexcept {
        constexpr isize any = std::numeric_limits<isize>::max();
        switch (options_.classes) {
            case unet_classes::table: return options_.class_count;
            case unet_classes::timestep: return options_.time == unet_time::learned ? options_.train_timesteps : any;
            default: return 0;
        }
    }

    /// How many elements of a vector it is told.
    [[nodiscard]] isize vector() const noexcept {
        return options_.classes == unet_classes::identity ? outputs() : options_.vector;
    }

    struct activations {
        batch_view<S> projected, embedded, active, projected_class;
        typename embedding_mlp<S>::activations time, classes;
        typename vector_embedding<S>::activations vector;
        std::vector<double> labels;             ///< the classes as times
        std::vector<isize> steps, class_steps;  ///< both, into the learned embedding
    };

    /// The condition is what the network takes.
    /// @throws value_error for a time out of range of a learned embedding
    [[nodiscard]] batch_view<const S> forward(std::span<const double> t, const condition<S>& given, activations& a,
                                              arena<S>& memory) const {
        const isize n = static_cast<isize>(t.size());
        a.projected = memory.columns(time_mlp_.linear_1.inputs(), n);
        project(t, a.projected, a.steps);
        a.embedded = memory.columns(outputs(), n);
        time_mlp_.forward(a.projected, a.time, a.embedded, memory);
        add_class(given, n, a, memory);
        if (vector_) {
            vector_->forward(given, a.vector, a.embedded, memory);
        }
        a.active = memory.columns(outputs(), n);
        activate<S>(options_.act, a.embedded, a.active);
        return a.active;
    }

    /// d is added to; dout is the gradient of what forward gave.
    void backward(const condition<S>& given, const activations& a, batch_view<const S> dout, unet_embedding& d,
                  arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dembedded = memory.columns(dout.rows(), dout.columns());
        activate_backward<S>(options_.act, a.embedded, dout, dembedded);
        if (!class_table_.empty()) {
            class_table_[0].backward(given.labels, dembedded, d.class_table_[0]);
        } else if (!class_mlp_.empty()) {
            mlp_backward(class_mlp_[0], a.projected_class, a.classes, a.class_steps, dembedded, d.class_mlp_[0], d, memory);
        }
        if (vector_) {
            vector_->backward(given, a.vector, dembedded, *d.vector_, memory);
        }
        mlp_backward(time_mlp_, a.projected, a.time, a.steps, dembedded, d.time_mlp_, d, memory);
    }

    /// A random start, in the order in which diffusers constructs the layers.
    template <class Start>
    void start(Start& initializer) {
        for (auto& fourier : fourier_) {
            initializer.normal(16.0, fourier.weight);  // diffusers draws twice and keeps the second
            initializer.normal(16.0, fourier.weight);
        }
        for (auto& table : times_) {
            initializer.normal(1.0, table.weight);
        }
        time_mlp_.start(initializer);
        for (auto& table : class_table_) {
            initializer.normal(1.0, table.weight);
        }
        for (auto& mlp : class_mlp_) {
            mlp.start(initializer);
        }
        if (vector_) {
            vector_->mlp.start(initializer);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        for (auto& fourier : self.fourier_) {
            visitor("time_proj", fourier);
        }
        for (auto& table : self.times_) {
            visitor("time_proj", table);
        }
        visitor("time_embedding", self.time_mlp_);
        for (auto& table : self.class_table_) {
            visitor("class_embedding", table);
        }
        for (auto& mlp : self.class_mlp_) {
            visitor("class_embedding", mlp);
        }
        if (self.vector_) {
            visitor("vector_embedding", *self.vector_);
        }
    }

private:
    [[nodiscard]] isize width() const noexcept { return options_.channels.front(); }

    /// Times as vectors, before what is learned of them.
    void project(std::span<const double> t, batch_view<S> out, std::vector<isize>& steps) const {
        if (!fourier_.empty()) {
            fourier_[0].forward(t, out);
        } else if (!times_.empty()) {
            steps.resize(t.size());
            for (std::size_t n = 0; n < t.size(); ++n) {
                steps[n] = static_cast<isize>(std::llround(t[n]));
            }
            times_[0].forward(steps, out);
        } else {
            time_embedding{
                .dim = width(), .order = options_.order, .freq_shift = options_.freq_shift, .float_angles = true}
                .template forward<S>(t, out);
        }
    }

    /// The gradients of one of the two networks, and of the learned vectors that went in.
    void mlp_backward(const embedding_mlp<S>& mlp, batch_view<const S> x,
                      const typename embedding_mlp<S>::activations& a, const std::vector<isize>& steps,
                      batch_view<const S> dout, embedding_mlp<S>& d_mlp, unet_embedding& d, arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dx = times_.empty() ? batch_view<S>() : memory.columns(x.rows(), x.columns());
        mlp.backward(x, a, dout, dx, d_mlp, memory);
        if (!times_.empty()) {
            times_[0].backward(steps, dx, d.times_[0]);
        }
    }

    void add_class(const condition<S>& given, isize n, activations& a, arena<S>& memory) const {
        if (options_.classes == unet_classes::none) {
            return;
        }
        if (options_.classes == unet_classes::identity) {
            detail::add<S>(given.vectors, a.embedded);
            return;
        }
        const batch_view<S> vectors = memory.columns(outputs(), n);
        if (!class_table_.empty()) {
            class_table_[0].forward(given.labels, vectors);
        } else {
            a.labels.assign(given.labels.begin(), given.labels.end());
            a.projected_class = memory.columns(class_mlp_[0].linear_1.inputs(), n);
            project(a.labels, a.projected_class, a.class_steps);
            class_mlp_[0].forward(a.projected_class, a.classes, vectors, memory);
        }
        detail::add<S>(vectors, a.embedded);
    }

    unet_options options_;
    embedding_mlp<S> time_mlp_;
    std::vector<fourier_embedding<S>> fourier_;
    std::vector<embedding_table<S>> times_, class_table_;
    std::vector<embedding_mlp<S>> class_mlp_;
    std::optional<vector_embedding<S>> vector_;
};

}  // namespace ddpm::nn
