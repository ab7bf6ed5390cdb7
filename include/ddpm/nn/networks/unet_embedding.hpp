// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/embedding_table.hpp>
#include <ddpm/nn/layers/fourier_embedding.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/layers/vector_embedding.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/networks/unet_options.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::nn {

/// The embedding of time, class and vector for a U-Net's residual blocks: f(mlp(time) + class + mlp(vector)), with the
/// activation f of the options.
template <Scalar S>
class unet_embedding {
public:
    using scalar = S;

    /// The layers for these options, which must be valid: see require_valid. Parameters are initialized by start.
    explicit unet_embedding(const unet_options& o)
        : options_(o), time_mlp_(o.time == unet_time::fourier ? 2 * width() : width(), outputs()) {
        if (o.time == unet_time::fourier) {
            fourier_.emplace(width());
        } else if (o.time == unet_time::learned) {
            time_table_.emplace(o.train_timesteps, width());
        }
        if (o.classes == unet_classes::table) {
            class_table_.emplace(o.class_count, outputs());
        } else if (o.classes == unet_classes::timestep) {
            class_mlp_.emplace(time_mlp_.linear_1.inputs(), outputs());
        }
        if (o.vector != 0) {
            vector_.emplace(o.vector, outputs(), o.learned_null);
        }
    }

    /// The size of the embedding: time_embedding_dim, or four times the first level's channels.
    [[nodiscard]] isize outputs() const noexcept {
        return options_.time_embedding_dim != 0 ? options_.time_embedding_dim : 4 * width();
    }

    /// The number of labels: the size of the table, or the timesteps of a learned time embedding.
    [[nodiscard]] isize classes() const noexcept {
        constexpr isize any = std::numeric_limits<isize>::max();
        return options_.classes == unet_classes::table      ? options_.class_count
               : options_.classes != unet_classes::timestep ? 0
               : options_.time == unet_time::learned        ? options_.train_timesteps
                                                            : any;
    }

    /// The size of the vector condition.
    [[nodiscard]] isize vector() const noexcept {
        return options_.classes == unet_classes::identity ? outputs() : options_.vector;
    }

    /// What backward needs of a forward pass.
    struct activations {
        batch_view<S> projected, embedded, active, projected_class;
        typename embedding_mlp<S>::activations time, classes;
        typename vector_embedding<S>::activations vector;
        std::vector<double> labels;             ///< the labels as times
        std::vector<isize> steps, class_steps;  ///< the ids for the learned embedding
    };

    /// f(u) with u = mlp(time) + class + mlp(vector). The condition must be what the network takes.
    /// @shape t N; given.labels N; given.vectors vector() × N, or empty; the result outputs() × N
    /// @throws value_error for a time out of range of a learned time embedding
    /// @accuracy its layers in turn, within 64 ε
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

    /// du = f'(u) · dout is the gradient of each term of u, whose layers add those of their parameters to d; dout is the
    /// gradient of forward's result.
    /// @shape given as forward; dout outputs() × N; d of this embedding's layers
    /// @throws shape_error if the shapes do not fit, also if d has other layers
    /// @accuracy in double within 1e-6 of central differences
    void backward(const condition<S>& given, const activations& a, batch_view<const S> dout, unet_embedding& d,
                  arena<S>& memory) const {
        constexpr std::string_view where = "unet_embedding::backward";
        detail::require_gradient(where, "learned time_proj", time_table_, d.time_table_);
        detail::require_gradient(where, "class_embedding by a table", class_table_, d.class_table_);
        detail::require_gradient(where, "class_embedding by an MLP", class_mlp_, d.class_mlp_);
        detail::require_gradient(where, "vector_embedding", vector_, d.vector_);
        const auto scope = memory.scope();
        const batch_view<S> dembedded = memory.columns(dout.rows(), dout.columns());
        activate_backward<S>(options_.act, a.embedded, dout, dembedded);
        if (class_table_) {
            class_table_->backward(given.labels, dembedded, *d.class_table_);
        } else if (class_mlp_) {
            mlp_backward(*class_mlp_, a.projected_class, a.classes, a.class_steps, dembedded, *d.class_mlp_, d, memory);
        }
        if (vector_) {
            vector_->backward(given, a.vector, dembedded, *d.vector_, memory);
        }
        mlp_backward(time_mlp_, a.projected, a.time, a.steps, dembedded, d.time_mlp_, d, memory);
    }

    /// Initializes the parameters, in the order in which diffusers constructs the layers.
    template <Initializer<S> Start>
    void start(Start& initializer) {
        if (fourier_) {
            initializer.normal(16.0, fourier_->weight);  // diffusers draws twice and keeps the second
            initializer.normal(16.0, fourier_->weight);
        }
        if (time_table_) {
            initializer.normal(1.0, time_table_->weight);
        }
        time_mlp_.start(initializer);
        if (class_table_) {
            initializer.normal(1.0, class_table_->weight);
        }
        if (class_mlp_) {
            class_mlp_->start(initializer);
        }
        if (vector_) {
            vector_->mlp.start(initializer);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        if (self.fourier_) {
            visitor("time_proj", *self.fourier_);
        }
        if (self.time_table_) {
            visitor("time_proj", *self.time_table_);
        }
        visitor("time_embedding", self.time_mlp_);
        if (self.class_table_) {
            visitor("class_embedding", *self.class_table_);
        }
        if (self.class_mlp_) {
            visitor("class_embedding", *self.class_mlp_);
        }
        if (self.vector_) {
            visitor("vector_embedding", *self.vector_);
        }
    }

private:
    [[nodiscard]] isize width() const noexcept { return options_.channels.front(); }

    /// The input of the time MLP: sines and cosines, or a learned vector per timestep.
    void project(std::span<const double> t, batch_view<S> out, std::vector<isize>& steps) const {
        if (fourier_) {
            fourier_->forward(t, out);
        } else if (time_table_) {
            steps.resize(t.size());
            for (std::size_t n = 0; n < t.size(); ++n) {
                steps[n] = static_cast<isize>(std::llround(t[n]));
            }
            time_table_->forward(steps, out);
        } else {
            time_embedding{
                .dim = width(), .order = options_.order, .freq_shift = options_.freq_shift, .float_angles = true}
                .template forward<S>(t, out);
        }
    }

    /// Backward of the time or class MLP, and of the learned time embedding that is its input.
    void mlp_backward(const embedding_mlp<S>& mlp, batch_view<const S> x,
                      const typename embedding_mlp<S>::activations& a, const std::vector<isize>& steps,
                      batch_view<const S> dout, embedding_mlp<S>& d_mlp, unet_embedding& d, arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dx = time_table_ ? memory.columns(x.rows(), x.columns()) : batch_view<S>();
        mlp.backward(x, a, dout, dx, d_mlp, memory);
        if (time_table_) {
            time_table_->backward(steps, dx, *d.time_table_);
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
        if (class_table_) {
            class_table_->forward(given.labels, vectors);
        } else {
            a.labels.assign(given.labels.begin(), given.labels.end());
            a.projected_class = memory.columns(class_mlp_->linear_1.inputs(), n);
            project(a.labels, a.projected_class, a.class_steps);
            class_mlp_->forward(a.projected_class, a.classes, vectors, memory);
        }
        detail::add<S>(vectors, a.embedded);
    }

    unet_options options_;
    embedding_mlp<S> time_mlp_;
    std::optional<fourier_embedding<S>> fourier_;
    std::optional<embedding_table<S>> time_table_, class_table_;
    std::optional<embedding_mlp<S>> class_mlp_;
    std::optional<vector_embedding<S>> vector_;
};

}  // namespace ddpm::nn
