// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/converted.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/level_function.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

/// Options of self-conditioning.
struct self_conditioning_options {
    sample_shape shape{};              ///< of x_t, half of what the network reads
    std::optional<double> clip_x0{};   ///< limits the estimate that the network is given to [−c, c]
};

/// How many elements of x_t lie together in the input of a self-conditioned network, with as many of the estimate
/// behind them: a pixel's channels, or the whole of a vector.
[[nodiscard]] constexpr isize self_conditioning_block(const sample_shape& shape) noexcept {
    return shape.width == 1 && shape.channels == 1 ? shape.height : shape.channels;
}

/// The input of a self-conditioned network: for each pixel the channels of x_t, then those of the estimate of x_0; of
/// vectors (a plain dimension) x_t above, the estimate below.
/// @shape xt and x0 D × N; out 2D × N; D the size of the shape
/// @throws shape_error if the sizes do not fit
template <Scalar S>
void self_conditioning_input(const sample_shape& shape, batch_view<const S> xt, batch_view<const S> x0,
                             batch_view<S> out) {
    detail::require_same_shape("self_conditioning_input", "x0 has the shape of xt", xt, x0);
    if (xt.rows() != shape.size() || out.rows() != 2 * xt.rows() || out.columns() != xt.columns()) {
        throw shape_error("self_conditioning_input", "xt and out",
                          detail::text(shape.size(), " and ", 2 * shape.size(), " rows"),
                          detail::text(xt.rows(), " x ", xt.columns(), " and ", out.rows(), " x ", out.columns()));
    }
    const isize block = self_conditioning_block(shape);
    const isize per_task = std::max<isize>(1, kernels::block_elements / std::max<isize>(1, out.rows()));
    parallel_for(xt.columns(), per_task, [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            for (isize i = 0; i < xt.rows(); i += block) {
                std::copy_n(xt.column(n) + i, block, out.column(n) + 2 * i);
                std::copy_n(x0.column(n) + i, block, out.column(n) + 2 * i + block);
            }
        }
    });
}

namespace detail {

/// One run of a self-conditioned network: remembers the last estimate of x_0.
template <class Session>
class self_conditioned_session {
public:
    self_conditioned_session(Session&& session, prediction kind, const level_function& level_of,
                             const self_conditioning_options& options)
        : session_(std::forward<Session>(session)), kind_(kind), level_of_(&level_of), options_(options) {}

    /// @shape xt and out.prediction D × N; t N
    template <Scalar S>
        requires Predictor<std::remove_reference_t<Session>, S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        batch<S>& x0 = estimate_.template state<S>("self_conditioned", xt.rows(), xt.columns());
        batch<S>& input = input_.template scratch<S>(2 * xt.rows(), xt.columns());
        self_conditioning_input<S>(options_.shape, xt, x0, input);
        session_(batch_view<const S>(input), t, out);
        convert_at<S>("self_conditioned", kind_, prediction::x0, *level_of_, xt, t, out.prediction, x0);
        if (options_.clip_x0) {
            const S limit = static_cast<S>(*options_.clip_x0);
            x0 = x0.max(-limit).min(limit);
        }
    }

    /// Allocates for samples of S.
    template <Scalar S>
    void reserve(isize samples) {
        const isize rows = options_.shape.size();
        static_cast<void>(estimate_.template scratch<S>(rows, samples));
        static_cast<void>(input_.template scratch<S>(2 * rows, samples));
    }

private:
    Session session_;
    prediction kind_;
    const level_function* level_of_;
    self_conditioning_options options_;
    session_memory estimate_;
    session_memory input_;
};

}  // namespace detail

/// A network that also reads its own last estimate of x_0; made by `self_conditioned`. It must outlive its sessions.
template <class P>
class self_conditioned_predictor : public detail::adaptor<P> {
public:
    self_conditioned_predictor(P&& network, level_function level_of, const self_conditioning_options& options)
        : detail::adaptor<P>(std::forward<P>(network)), level_of_(std::move(level_of)), options_(options) {
        if (options.shape.size() <= 0) {
            throw shape_error("self_conditioned", "size of a sample", ">= 1", options.shape.size());
        }
        if (options.clip_x0 && !(*options.clip_x0 > 0)) {
            throw value_error("self_conditioned", "clip_x0", "> 0", *options.clip_x0);
        }
    }

    [[nodiscard]] auto session(isize samples) const {
        detail::self_conditioned_session<detail::held_session<P>> made(
            detail::held_session_of<P>(this->predictor_, samples), this->predicts(), level_of_, options_);
        made.template reserve<predictor_scalar<P>>(samples);
        return made;
    }

    /// Of x_t.
    [[nodiscard]] sample_shape shape() const noexcept { return options_.shape; }

private:
    level_function level_of_;
    self_conditioning_options options_;
};

/// Self-conditioning: a network that is given x_t and the estimate of x_0 that it made at the run's last evaluation,
/// zeros at the first, laid out as self_conditioning_input does. The network, any predictor, reads 2D × N and writes D
/// × N; for images it has twice the input channels. The estimate lives in the session: runs know nothing of each other,
/// and the number of samples may not change during one. Holds an lvalue by reference, a temporary by value.
/// @param level_of what level a time stands for: a discrete schedule, or a callable double → marginal<double>
/// @throws shape_error if the shape is empty; value_error if the clip is not positive. Sessions throw shape_error if
/// x_t has another shape, or one that changes, and value_error where x_0 does not follow from the prediction (from ε at
/// α = 0)
/// @source Chen et al. 2022, arXiv 2208.04202, section 3.2
template <class P>
[[nodiscard]] self_conditioned_predictor<P> self_conditioned(P&& network, level_function level_of,
                                                             const self_conditioning_options& options) {
    return {std::forward<P>(network), std::move(level_of), options};
}

}  // namespace ddpm
