// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/detail/parameter_chunks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm {

/// The constants of Adam: g is the gradient, m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², and in step t the parameter changes
/// by −learning rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε).
/// @source Kingma and Ba 2014, arXiv 1412.6980; Loshchilov and Hutter 2017, arXiv 1711.05101 (decoupled decay)
struct adam_options {
    double beta1 = 0.9;     ///< β₁, in [0, 1): the decay of the average of the gradient
    double beta2 = 0.999;   ///< β₂, in [0, 1): the decay of the average of its square
    double epsilon = 1e-8;  ///< ε > 0
    /// λ ≥ 0: g ← g + λ · parameter, or with `decoupled` parameter ← parameter − learning rate · λ · parameter.
    double weight_decay = 0;
    bool decoupled = true;  ///< AdamW: the decay acts on the parameter, not through the gradient
};

namespace detail {

template <Scalar S>
class step_guard;

/// @throws value_error unless the value, converted to S, is finite, and 0 only if it is 0 before
template <Scalar S>
void require_in_scalar(std::string_view where, std::string_view what, double value) {
    constexpr double least = static_cast<double>(std::numeric_limits<S>::min());
    constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
    const double size = std::abs(value);
    detail::require(size <= largest && (size == 0 || size >= least), where, what,
                    {"0, or of a size from ", least, " to ", largest, ", as the network's scalar has it"}, {value});
}

}  // namespace detail

/// The state of Adam: two moments of each parameter.
template <Scalar S>
struct adam_state {
    std::vector<nn::tensor<S>> first;   ///< moving averages of the gradient
    std::vector<nn::tensor<S>> second;  ///< moving averages of its square
    isize steps = 0;
};

/// The optimizer Adam, or AdamW.
/// @source Kingma and Ba 2014, arXiv 1412.6980; Loshchilov and Hutter 2017, arXiv 1711.05101
template <Scalar S>
class adam {
public:
    /// @throws value_error unless beta1 and beta2 are in [0, 1), epsilon > 0 and weight_decay ≥ 0, also converted to S
    explicit adam(std::span<const nn::parameter<S>> parameters, const adam_options& options = {})
        : options_(options), chunks_(parameters) {
        for (const double beta : {options.beta1, options.beta2}) {
            detail::require(beta >= 0 && beta < 1 && static_cast<S>(beta) < 1, "adam", "beta",
                            {"in [0, 1), as the network's scalar has it"}, {beta});
        }
        detail::require(options.epsilon > 0, "adam", "epsilon", {"> 0"}, {options.epsilon});
        detail::require(options.weight_decay >= 0, "adam", "weight_decay", {">= 0"}, {options.weight_decay});
        detail::require_in_scalar<S>("adam", "epsilon", options.epsilon);
        detail::require_in_scalar<S>("adam", "weight_decay", options.weight_decay);
        for (const nn::parameter<S>& p : parameters) {
            state_.first.emplace_back(p.shape, p.order);
            state_.second.emplace_back(p.shape, p.order);
        }
    }

    /// @throws value_error unless the learning rate, its quotient by 1 − beta1 (the first step) and its product with
    /// the weight decay are finite in S, and the rate is 0 in S only if it is 0
    void require_learning_rate(std::string_view where, double learning_rate) const {
        detail::require_in_scalar<S>(where, "learning_rate", learning_rate);
        constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
        detail::require(std::abs(learning_rate) / (1 - options_.beta1) <= largest &&
                            std::abs(learning_rate) * options_.weight_decay <= largest,
                        where, "learning_rate / (1 - beta1), and times weight_decay",
                        {"<= ", largest, ", as the network's scalar has it"}, {learning_rate});
    }

    /// What a step calls with each part of a parameter that it has updated, elements first … first + size − 1 of
    /// parameter p, while they are in the cache: for what a training step does beside, without a pass of its own over
    /// memory. Calls come from several threads.
    using update_observer = function_ref<void(std::size_t p, isize first, isize size)>;

    /// One optimizer step with the gradients times `gradient_scale`. Allocates nothing.
    /// @throws shape_error if the parameters or gradients have other sizes than at construction
    /// @determinism the same bits for every thread count
    void step(std::span<const nn::parameter<S>> parameters, std::span<const nn::parameter<S>> gradients,
              double learning_rate, double gradient_scale = 1) {
        step(parameters, gradients, learning_rate, gradient_scale, [](std::size_t, isize, isize) {});
    }

    /// The same; calls `updated`.
    void step(std::span<const nn::parameter<S>> parameters, std::span<const nn::parameter<S>> gradients,
              double learning_rate, double gradient_scale, update_observer updated) {
        chunks_.require_fit("adam::step", parameters);
        chunks_.require_fit("adam::step", gradients);
        const kernels::detail::adam_coefficients c = next_coefficients(learning_rate, gradient_scale);
        ++state_.steps;
        chunks_.for_each([&](isize, const detail::parameter_chunks::chunk& chunk) {
            const std::size_t p = chunk.parameter;
            kernels::detail::adam(chunk.size, parameters[p].values.data() + chunk.first,
                                  gradients[p].values.data() + chunk.first, state_.first[p].data() + chunk.first,
                                  state_.second[p].data() + chunk.first, c, chunks_.elements());
            updated(p, chunk.first, chunk.size);
        });
    }

    /// The first parameter that a step would not leave finite: its moments finite, and itself at most half the largest
    /// number, so that the difference of two is finite. Computes the step on copies.
    /// @throws shape_error as step
    [[nodiscard]] std::optional<std::size_t> first_not_finite(std::span<const nn::parameter<S>> parameters,
                                                              std::span<const nn::parameter<S>> gradients,
                                                              double learning_rate, double gradient_scale = 1) const {
        chunks_.require_fit("adam::first_not_finite", parameters);
        chunks_.require_fit("adam::first_not_finite", gradients);
        const kernels::detail::adam_coefficients c = next_coefficients(learning_rate, gradient_scale);
        std::vector<unsigned char> finite(static_cast<std::size_t>(chunks_.size()), 1);
        chunks_.for_each([&](isize index, const detail::parameter_chunks::chunk& chunk) {
            const auto copy = [&](std::span<const S> values) {
                const auto first = values.begin() + static_cast<std::ptrdiff_t>(chunk.first);
                return std::vector<S>(first, first + static_cast<std::ptrdiff_t>(chunk.size));
            };
            std::vector<S> x = copy(parameters[chunk.parameter].values);
            std::vector<S> m = copy(state_.first[chunk.parameter].values());
            std::vector<S> v = copy(state_.second[chunk.parameter].values());
            kernels::detail::adam(chunk.size, x.data(), gradients[chunk.parameter].values.data() + chunk.first,
                                  m.data(), v.data(), c);
            constexpr S largest = std::numeric_limits<S>::max();
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (!(std::abs(x[i]) <= largest / 2 && std::abs(m[i]) <= largest && std::abs(v[i]) <= largest)) {
                    finite[static_cast<std::size_t>(index)] = 0;
                }
            }
        });
        const auto found = std::find(finite.begin(), finite.end(), 0);
        return found == finite.end() ? std::nullopt : std::optional(chunks_.parameter_of(found - finite.begin()));
    }

    [[nodiscard]] const adam_state<S>& state() const noexcept { return state_; }

    /// The state, to be set when a training is resumed. The sizes of its tensors must not change.
    [[nodiscard]] adam_state<S>& state() noexcept { return state_; }

private:
    friend class detail::step_guard<S>;

    /// The coefficients of the next step, the same for all parameters.
    [[nodiscard]] kernels::detail::adam_coefficients next_coefficients(double learning_rate,
                                                                       double gradient_scale) const {
        const double steps = static_cast<double>(state_.steps + 1);
        return {
            .gradient_scale = gradient_scale,
            .shrink = options_.decoupled ? 1 - learning_rate * options_.weight_decay : 1,
            .l2 = options_.decoupled ? 0 : options_.weight_decay,
            .beta1 = options_.beta1,
            .beta2 = options_.beta2,
            .v_correction = 1 / std::sqrt(1 - std::pow(options_.beta2, steps)),
            .step_size = learning_rate / (1 - std::pow(options_.beta1, steps)),
            .epsilon = options_.epsilon,
        };
    }

    adam_options options_;
    detail::parameter_chunks chunks_;
    adam_state<S> state_;
};

DDPM_CLASS_INSTANCE(class adam<float>)

}  // namespace ddpm
