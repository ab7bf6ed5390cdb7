// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/move_towards.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/detail/parameter_chunks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// How the decay grows at first, so that the initial parameters soon have no weight in the average. s: see ema_decay.
enum class ema_warm_up {
    rational,  ///< (1 + s)/(10 + s)
    power,     ///< 1 − (1 + s/inverse_gamma)^−power
    none
};

/// How the average of the parameters, average ← decay · average + (1 − decay) · parameter, decays: see ema_decay.
struct ema_options {
    double decay = 0.9999;                        ///< the largest decay, after the warm-up
    double min_decay = 0;                         ///< the least decay where it is not 0, so in the warm-up
    ema_warm_up warm_up = ema_warm_up::rational;  ///< how the decay grows to the largest
    double inverse_gamma = 1;     ///< of ema_warm_up::power, > 0: a larger one makes the decay grow slower
    double power = 2.0 / 3;       ///< of ema_warm_up::power, ≥ 0: a larger one makes the decay grow faster
    isize update_after_step = 0;  ///< through the update after this one the average equals the network
};

/// The decay of update number `step`, counted from 1, with s = step − update_after_step − 1; 0 if s ≤ 0.
/// @accuracy rational: at most one rounding (2⁻⁵³) of it; power: 2 · power + 3 of 1
/// @source diffusers, EMAModel.get_decay
[[nodiscard]] inline double ema_decay(const ema_options& options, isize step) {
    const double s = static_cast<double>(step - options.update_after_step - 1);
    if (s <= 0) {
        return 0;
    }
    const double warm = options.warm_up == ema_warm_up::rational ? (1 + s) / (10 + s)
                        : options.warm_up == ema_warm_up::power
                            ? 1 - std::pow(1 + s / options.inverse_gamma, -options.power)
                            : options.decay;
    return std::max(std::min(warm, options.decay), options.min_decay);
}

/// The exponential moving average (EMA) of a network's parameters, as a network of its own.
template <Layer Net>
class ema {
public:
    using scalar = typename Net::scalar;

    /// The average begins as a copy of the network.
    /// @throws value_error unless 0 ≤ min_decay ≤ decay ≤ 1, inverse_gamma > 0, power ≥ 0 and update_after_step ≥ 0
    explicit ema(const Net& net, const ema_options& options = {})
        : options_(options),
          average_(net),
          averages_(nn::parameters(average_)),
          chunks_(std::span(std::as_const(averages_))) {
        detail::require(options.min_decay >= 0 && options.min_decay <= options.decay && options.decay <= 1, "ema",
                        "decay", {"0 <= min_decay <= decay <= 1"}, {options.min_decay, " and ", options.decay});
        detail::require(options.inverse_gamma > 0 && options.power >= 0 && options.update_after_step >= 0, "ema",
                        "warm-up", {"inverse_gamma > 0, power >= 0, update_after_step >= 0"},
                        {options.inverse_gamma, ", ", options.power, ", ", options.update_after_step});
    }

    ema(const ema&) = delete;
    ema& operator=(const ema&) = delete;
    // NOLINTNEXTLINE(performance-noexcept-move-constructor): it lists the moved network's parameters, which allocates
    ema(ema&& other)
        : options_(other.options_),
          average_(std::move(other.average_)),
          averages_(nn::parameters(average_)),
          chunks_(std::move(other.chunks_)),
          steps_(other.steps_) {}

    /// Moves the average towards the parameters: average −= (1 − decay) · (average − parameters). Allocates nothing.
    /// @throws shape_error unless the parameters have the sizes of the average's
    /// @accuracy with the decay of ema_decay at most 6 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |average before| +
    /// (1 − decay) |parameter|
    /// @determinism the same bits for every thread count
    void update(std::span<const nn::parameter<scalar>> parameters) {
        chunks_.require_fit("ema::update", parameters);
        const scalar rate = begin_update();
        chunks_.for_each([&](isize, const detail::parameter_chunks::chunk& chunk) {
            update_part(parameters, rate, chunk.parameter, chunk.first, chunk.size);
        });
    }

    /// Begins an update in parts, such as those that an optimizer has in the cache: counts the update, and returns its
    /// 1 − decay. update_part must then be called once for each element.
    [[nodiscard]] scalar begin_update() { return static_cast<scalar>(1 - ema_decay(options_, ++steps_)); }

    /// Updates elements first … first + size − 1 of parameter p. Parts may be updated at the same time.
    void update_part(std::span<const nn::parameter<scalar>> parameters, scalar rate, std::size_t p, isize first,
                     isize size) noexcept {
        kernels::detail::move_towards(size, rate, parameters[p].values.data() + first,
                                      averages_[p].values.data() + first);
    }

    [[nodiscard]] const Net& average() const noexcept { return average_; }

    /// The parameters of the average; their values may be set.
    [[nodiscard]] std::span<const nn::parameter<scalar>> parameters() const noexcept { return averages_; }

    /// The number of updates.
    [[nodiscard]] isize steps() const noexcept { return steps_; }

    /// Sets the number of updates, on which the decay of the next one depends: to resume an average.
    void set_steps(isize steps) noexcept { steps_ = steps; }

private:
    ema_options options_;
    Net average_;
    std::vector<nn::parameter<scalar>> averages_;  // refers to average_
    detail::parameter_chunks chunks_;
    isize steps_ = 0;
};

}  // namespace ddpm
