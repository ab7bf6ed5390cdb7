// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/map_channels.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/condition_values.hpp>
#include <ddpm/predictor/converted.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

namespace detail {

template <class Session>
concept InputSession =
    Scalar<typename Session::scalar> && requires(Session& session, const network_input<typename Session::scalar>& in,
                                                 const model_output<typename Session::scalar>& out) {
        { session.shape() } -> std::convertible_to<sample_shape>;
        { session.takes() } -> std::convertible_to<condition_shape>;
        session(in, out);
    };

}  // namespace detail

/// A type whose sessions have a type `scalar`, know the shape of a sample and the condition that they take, and are
/// called as session(in, out) with a network_input: networks, and `predicts` of one.
template <class P>
concept TakesInput =
    SessionMaker<P> && detail::InputSession<decltype(detail::make_session(std::declval<const P&>(), isize{}))>;

/// Options of self-conditioning.
struct self_conditioning_options {
    std::optional<double> clip_x0{};  ///< clamps the estimate given to the network to [−c, c]
};

namespace detail {

/// As adaptor_signatures, for `self_conditioned`.
template <class P>
struct input_signature {
    static_assert(TakesInput<std::remove_cvref_t<P>>,
                  "ddpm: wanted is a network, or `predicts` of one: a type with a const member session(samples) whose "
                  "result has shape() and takes() and is called as session(network_input<S> in, "
                  "const model_output<S>& out)");
};

/// The session of a self-conditioned network. It keeps the last estimate of x_0.
template <InputSession Session>
class self_conditioned_session {
public:
    using scalar = typename Session::scalar;

    self_conditioned_session(Session session, prediction kind, const level_function& level_of,
                             const self_conditioning_options& options, isize samples)
        : session_(std::move(session)), kind_(kind), level_of_(&level_of), options_(options) {
        const sample_shape sample = session_.shape();
        const condition_shape takes = session_.takes();
        if (takes.map_channels < sample.channels) {
            throw value_error("self_conditioned", "map_channels of the network", text(">= ", sample.channels),
                              takes.map_channels);
        }
        outer_ = without_estimate(takes, sample.channels);
        static_cast<void>(estimate_.template scratch<scalar>(sample.size(), samples));
        maps_.resize(takes.map_channels * sample.height * sample.width, samples);
    }

    /// Sets the condition without the estimate, as network_session::set_condition.
    void set_condition(condition_values<scalar> given) {
        given.require("self_conditioned", outer_, session_.shape());
        condition_ = std::move(given);
    }

    /// @shape xt and out.prediction D × N; t N
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const model_output<scalar>& out) {
        const sample_shape sample = session_.shape();
        if (xt.rows() != sample.size()) {
            throw shape_error("self_conditioned", "elements of a sample", sample.size(), xt.rows());
        }
        batch<scalar>& x0 = estimate_.template state<scalar>("self_conditioned", xt.rows(), xt.columns());
        condition<scalar> given = condition_.of(out.first_sample, xt.columns());
        require_condition("self_conditioned", outer_, given, sample, xt.columns());
        maps_.resize(maps_.rows(), xt.columns());
        const isize all = outer_.map_channels + sample.channels;
        for (isize n = 0; n < xt.columns(); ++n) {
            scalar* const to = maps_.col(n).data();
            place_channels<scalar>(sample, given.maps.size() == 0 ? nullptr : given.maps.column(n), outer_.map_channels,
                                   to, 0, all);
            place_channels<scalar>(sample, x0.col(n).data(), sample.channels, to, outer_.map_channels, all);
        }
        given.maps = maps_;
        session_(network_input<scalar>{xt, t, given}, out);
        convert_at<scalar>("self_conditioned", kind_, prediction::x0, *level_of_, xt, t, out.prediction, x0);
        if (options_.clip_x0) {
            const scalar limit = static_cast<scalar>(*options_.clip_x0);
            x0 = x0.max(-limit).min(limit);
        }
    }

private:
    Session session_;
    prediction kind_;
    const level_function* level_of_;
    self_conditioning_options options_;
    condition_shape outer_;  // the network's condition without the estimate
    condition_values<scalar> condition_;
    session_memory estimate_;
    batch<scalar> maps_;
};

}  // namespace detail

/// A network that is also given its own last estimate of x_0; made by `self_conditioned`. It must outlive its sessions.
template <class P>
class self_conditioned_predictor : public detail::adaptor<P> {
public:
    /// As the arguments of self_conditioned.
    /// @throws value_error unless clip_x0 is empty or above 0
    self_conditioned_predictor(P&& network, level_function level_of, const self_conditioning_options& options)
        : detail::adaptor<P>(std::forward<P>(network)), level_of_(std::move(level_of)), options_(options) {
        static_cast<void>(detail::input_signature<P>{});
        if (options.clip_x0 && !(*options.clip_x0 > 0)) {
            throw value_error("self_conditioned", "clip_x0", "> 0", *options.clip_x0);
        }
    }

    /// A session of the network for `samples` samples, which keeps the last estimate.
    /// @throws value_error if the network's maps have fewer channels than a sample
    [[nodiscard]] auto session(isize samples) const {
        auto within = detail::make_session(this->predictor_, samples);
        return detail::self_conditioned_session<decltype(within)>(std::move(within), this->predicts(), level_of_,
                                                                  options_, samples);
    }

private:
    level_function level_of_;
    self_conditioning_options options_;
};

/// Self-conditioning: the network is given x_t and its own estimate of x_0 from the previous evaluation of the run
/// (zeros at first). The estimate occupies the last channels of the network's maps, as many as a sample has. Bind other
/// conditions outside: conditioned(self_conditioned(net, …), {…}). Maps can then not be absent, since the estimate
/// would be absent too: if the network takes more maps, give them for every sample. trainer_options::self_conditioning
/// trains such a network. The estimate is part of the session: runs are independent, and the number of samples must not
/// change during a run. Holds an lvalue by reference, a temporary by value.
/// @param network a network, or `predicts` of one
/// @param level_of the noise level at a time: a discrete schedule, or a callable double → noise_level<double>
/// @throws value_error if clip_x0 is not positive. Sessions throw value_error if the network's maps have fewer channels
/// than a sample, or x_0 does not follow from the prediction (ε at α = 0), and shape_error if the number of samples
/// changes
/// @accuracy the estimate as `convert` of the last prediction, to the bit, then clamped; the prediction is the network's
/// @source Chen et al. 2022, arXiv 2208.04202, section 3.2
template <class P>
    requires TakesInput<std::remove_cvref_t<P>>
[[nodiscard]] self_conditioned_predictor<P> self_conditioned(P&& network, level_function level_of,
                                                             const self_conditioning_options& options = {}) {
    return {std::forward<P>(network), std::move(level_of), options};
}

template <class P>
    requires(!TakesInput<std::remove_cvref_t<P>>)
detail::input_signature<P> self_conditioned(P&&, const level_function&, const self_conditioning_options& = {}) {
    return {};
}

}  // namespace ddpm
