// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/adam.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/tensor.hpp>
#include <ddpm/train/detail/parameter_chunks.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm {

struct adam_options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    bool decoupled = true;  ///< AdamW: the decay acts on the parameter, not through the gradient
};

/// What Adam remembers of each parameter.
template <Scalar S>
struct adam_state {
    std::vector<nn::tensor<S>> first;   ///< moving averages of the gradients
    std::vector<nn::tensor<S>> second;  ///< and of their squares
    index steps = 0;
};

/// The optimizer Adam, or AdamW.
/// @source Kingma and Ba 2014, arXiv 1412.6980; Loshchilov and Hutter 2017, arXiv 1711.05101
template <Scalar S>
class adam {
public:
    /// For parameters of these sizes.
    /// @throws value_error unless beta1 and beta2 are in [0, 1), epsilon > 0 and weight_decay ≥ 0
    explicit adam(std::span<const nn::parameter<S>> parameters, const adam_options& options = {})
        : options_(options), chunks_(parameters) {
        for (const double beta : {options.beta1, options.beta2}) {
            if (!(beta >= 0 && beta < 1)) {
                throw value_error("adam", "beta", "in [0, 1)", beta);
            }
        }
        if (!(options.epsilon > 0)) {
            throw value_error("adam", "epsilon", "> 0", options.epsilon);
        }
        if (!(options.weight_decay >= 0)) {
            throw value_error("adam", "weight_decay", ">= 0", options.weight_decay);
        }
        for (const nn::parameter<S>& p : parameters) {
            state_.first.emplace_back(p.shape, p.order);
            state_.second.emplace_back(p.shape, p.order);
        }
    }

    /// One step against the gradients, each taken times `gradient_scale`. Allocates nothing.
    /// @throws shape_error if the parameters or gradients have other sizes than at construction
    /// @determinism the same bits for every thread count
    void step(std::span<const nn::parameter<S>> parameters, std::span<const nn::parameter<S>> gradients,
              double learning_rate, double gradient_scale = 1) {
        chunks_.require_fit("adam::step", parameters);
        chunks_.require_fit("adam::step", gradients);
        ++state_.steps;
        const double steps = static_cast<double>(state_.steps);
        const kernels::adam_coefficients c{
            .gradient_scale = gradient_scale,
            .shrink = options_.decoupled ? 1 - learning_rate * options_.weight_decay : 1,
            .l2 = options_.decoupled ? 0 : options_.weight_decay,
            .beta1 = options_.beta1,
            .beta2 = options_.beta2,
            .v_correction = 1 / std::sqrt(1 - std::pow(options_.beta2, steps)),
            .step_size = learning_rate / (1 - std::pow(options_.beta1, steps)),
            .epsilon = options_.epsilon,
        };
        chunks_.for_each([&](index, const detail::parameter_chunks::chunk& chunk) {
            const std::size_t p = chunk.parameter;
            kernels::adam(chunk.size, parameters[p].values.data() + chunk.first,
                          gradients[p].values.data() + chunk.first, state_.first[p].data() + chunk.first,
                          state_.second[p].data() + chunk.first, c, chunks_.elements());
        });
    }

    [[nodiscard]] const adam_options& options() const noexcept { return options_; }
    [[nodiscard]] const adam_state<S>& state() const noexcept { return state_; }
    [[nodiscard]] adam_state<S>& state() noexcept { return state_; }

private:
    adam_options options_;
    detail::parameter_chunks chunks_;
    adam_state<S> state_;
};

}  // namespace ddpm
