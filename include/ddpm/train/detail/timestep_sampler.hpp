// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/train/time_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <variant>
#include <vector>

namespace ddpm::detail {

/// The density of the standard normal.
[[nodiscard]] inline double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

/// The probability of an interval under the standard normal, accurate also in the tails.
[[nodiscard]] inline double normal_mass(double low, double high) {
    const auto above = [](double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); };
    return low > 0 ? above(low) - above(high) : above(-high) - above(-low);
}

/// The quantile function of the standard normal: −∞ for p = 0, ∞ for 1.
/// @accuracy a few units in the last place of the smaller of p and 1 − p
/// @source Abramowitz and Stegun 26.2.23, then two of Halley's steps
[[nodiscard]] inline double normal_quantile(double p) {
    if (p > 0.5) {
        return -normal_quantile(1 - p);
    }
    if (!(p > 0)) {
        return -HUGE_VAL;
    }
    const double r = std::sqrt(-2 * std::log(p));
    double x = (2.515517 + r * (0.802853 + r * 0.010328)) / (1 + r * (1.432788 + r * (0.189269 + r * 0.001308))) - r;
    for (int step = 0; step < 2; ++step) {
        const double error = (0.5 * std::erfc(-x / std::numbers::sqrt2) - p) / normal_density(x);
        x -= error / (1 + x * error / 2);
    }
    return x;
}

/// A probability for each timestep.
class timestep_table {
public:
    /// Sets the probability of t to share_of(t) / Σ shares, mixed with the uniform distribution; uniform if all shares
    /// are 0. Allocates nothing after reserve().
    void assign(isize steps, function_ref<double(isize)> share_of, double uniform_probability) {
        probability_.resize(static_cast<std::size_t>(steps));
        reached_.resize(probability_.size());
        double sum = 0;
        for (isize t = 0; t < steps; ++t) {
            sum += probability_[static_cast<std::size_t>(t)] = share_of(t);
        }
        const double even = 1 / static_cast<double>(steps);
        double reached = 0;
        for (std::size_t t = 0; t < probability_.size(); ++t) {
            double& p = probability_[t];
            p = sum > 0 ? (1 - uniform_probability) * p / sum + uniform_probability * even : even;
            reached_[t] = reached += p;
        }
    }

    void reserve(isize steps) {
        probability_.reserve(static_cast<std::size_t>(steps));
        reached_.reserve(static_cast<std::size_t>(steps));
    }

    void clear() noexcept { probability_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return probability_.empty(); }
    [[nodiscard]] double probability(isize t) const noexcept { return probability_[static_cast<std::size_t>(t)]; }

    /// 1/(T p_t).
    [[nodiscard]] double unbiased_weight(isize t) const noexcept {
        return 1 / (static_cast<double>(probability_.size()) * probability(t));
    }

    /// Inverts the cumulative distribution: the t of a uniform u in [0, 1).
    [[nodiscard]] isize at(double u) const noexcept {
        // The first sum above u belongs to a t of probability > 0. Rounding may leave no such sum.
        const auto found = std::upper_bound(reached_.begin(), reached_.end(), u * reached_.back());
        const auto place =
            found != reached_.end() ? found : std::lower_bound(reached_.begin(), reached_.end(), reached_.back());
        return place - reached_.begin();
    }

private:
    std::vector<double> probability_, reached_;
};

/// 64 random bits of a sample. Elements 0 and 1 of its address have other uses.
[[nodiscard]] inline std::uint64_t time_bits(const philox_noise& noise, isize sample, isize step) {
    return std::uint64_t{noise.bits(sample, step, 2)} << 32 | noise.bits(sample, step, 3);
}

/// The position in [0, 1) of sample n of a stratified batch; random(k) is a uniform number in [0, 1) of sample k.
[[nodiscard]] inline double stratified_place(bool one_offset, isize n, isize batch,
                                             function_ref<double(isize)> random) {
    const double b = static_cast<double>(batch), place = static_cast<double>(n);
    if (!one_offset) {
        return (place + random(n)) / b;
    }
    const double comb = random(0) + place / b;
    return comb - std::floor(comb);
}

/// Draws timesteps, and stores the losses for importance sampling as S.
template <Scalar S>
class timestep_sampler {
public:
    timestep_sampler(const time_sampling& sampling, isize steps, function_ref<double(isize)> alpha_bar,
                     std::uint64_t seed)
        : sampling_((require_valid(sampling), sampling)), noise_(seed, noise_stream::timestep), steps_(steps) {
        if (const auto* importance = std::get_if<importance_times>(&sampling_)) {
            losses_ = nn::tensor<S>({steps_, importance->history});
            counts_ = nn::tensor<S>({steps_});
            table_.reserve(steps_);
            unbiased_ = true;
        } else if (const auto normal = normal_of(sampling_)) {
            unbiased_ = normal->unbiased;
            assign(*normal, alpha_bar);
        }
    }

    /// Draws the timestep of a sample of a step.
    /// @units step, sample and t are 0-based
    [[nodiscard]] drawn_time<isize> operator()(isize step, isize sample, isize batch) const {
        if (!table_.empty()) {
            const isize t = table_.at(unit(sample, step));
            return {t, unbiased_ ? table_.unbiased_weight(t) : 1};
        }
        if (std::holds_alternative<antithetic_times>(sampling_)) {
            const isize t = noise_.below(steps_, sample / 2 * 2, step);
            return {sample % 2 == 0 ? t : steps_ - 1 - t};
        }
        if (const auto* stratified = std::get_if<stratified_times>(&sampling_)) {
            const double place =
                stratified_place(stratified->one_offset, sample, batch, [&](isize n) { return unit(n, step); });
            return {std::clamp<isize>(static_cast<isize>(place * static_cast<double>(steps_)), 0, steps_ - 1)};
        }
        return {noise_.below(steps_, sample, step)};
    }

    /// Calls visit(t) for each timestep that can be drawn.
    void visit_times(function_ref<void(isize)> visit) const {
        for (isize t = 0; t < steps_; ++t) {
            if (table_.empty() || table_.probability(t) > 0) {
                visit(t);
            }
        }
    }

    /// Whether weights can differ from 1.
    [[nodiscard]] bool weighs() const noexcept { return unbiased_; }

    /// Whether record() uses the losses.
    [[nodiscard]] bool learns() const noexcept { return losses_.size() > 0; }

    /// Stores the unweighted losses of a step's samples, for importance sampling only.
    void record(std::span<const isize> t, std::span<const double> losses) {
        if (!learns()) {
            return;
        }
        for (std::size_t n = 0; n < t.size(); ++n) {
            const std::span<S> own = losses_at(t[n]);
            S& count = counts_[t[n]];
            const S most = static_cast<S>(own.size());
            count = count >= 0 && count <= most ? count : S{0};  // a file may hold any value
            if (count == most) {
                std::copy(own.begin() + 1, own.end(), own.begin());
                count -= S{1};
            }
            own[static_cast<std::size_t>(count)] =
                static_cast<S>(std::min<double>(losses[n], std::numeric_limits<S>::max()));
            count += S{1};
        }
        refresh();
    }

    /// Calls visitor(name, tensor) for each tensor of the state; after changing one, call refresh().
    template <class Self, class Visitor>
    static void visit_state(Self& self, Visitor&& visitor) {
        if (self.learns()) {
            visitor("losses", self.losses_);
            visitor("counts", self.counts_);
        }
    }

    /// Computes the probabilities from the stored losses.
    void refresh() {
        if (!learns()) {
            return;
        }
        const isize history = losses_.shape()[1];
        for (const S count : counts_.values()) {
            if (!(count == static_cast<S>(history))) {
                table_.clear();
                return;
            }
        }
        const auto root_mean_square = [&](isize t) {
            double squares = 0;
            for (const S loss : losses_at(t)) {
                squares += static_cast<double>(loss) * static_cast<double>(loss);
            }
            return std::sqrt(squares / static_cast<double>(history));
        };
        table_.assign(steps_, root_mean_square, std::get<importance_times>(sampling_).uniform_probability);
    }

    /// Deletes all stored losses.
    void forget() {
        std::fill(counts_.values().begin(), counts_.values().end(), S{0});
        std::fill(losses_.values().begin(), losses_.values().end(), S{0});
        refresh();
    }

private:
    /// Gives each timestep the probability of an interval of the normal; the first begins at −∞, the last ends at ∞.
    /// @throws value_error if the weights would not be finite
    void assign(const normal_times& normal, function_ref<double(isize)> alpha_bar) {
        const auto log_ratio = [&](isize t) {
            const double a = alpha_bar(t);
            return 0.5 * (std::log1p(-a) - std::log(a));
        };
        const auto edge = [&](isize t) {  // between t and t + 1
            return normal.standardized(
                normal.of_log_ratio ? 0.5 * (log_ratio(t) + log_ratio(t + 1))
                                    : std::log(static_cast<double>(t + 1) / static_cast<double>(steps_ - (t + 1))));
        };
        table_.assign(
            steps_,
            [&](isize t) {
                return normal_mass(t == 0 ? -HUGE_VAL : edge(t - 1), t + 1 == steps_ ? HUGE_VAL : edge(t));
            },
            normal.uniform_probability);
        for (isize t = 0; unbiased_ && t < steps_; ++t) {
            if (!std::isfinite(table_.unbiased_weight(t))) {
                throw value_error("time_sampler", text("probability of t = ", t),
                                  "one with a finite inverse, to be unbiased: give a uniform_probability",
                                  table_.probability(t));
            }
        }
    }

    /// A uniform number in [0, 1) with 53 random bits.
    [[nodiscard]] double unit(isize sample, isize step) const {
        return static_cast<double>(time_bits(noise_, sample, step) >> 11) * 0x1p-53;
    }

    [[nodiscard]] std::span<S> losses_at(isize t) {
        const auto history = static_cast<std::size_t>(losses_.shape()[1]);
        return losses_.values().subspan(static_cast<std::size_t>(t) * history, history);
    }

    time_sampling sampling_;
    philox_noise noise_;
    isize steps_;
    bool unbiased_ = false;
    timestep_table table_;           // empty if timesteps are not drawn from a table
    nn::tensor<S> losses_, counts_;  // per t: the last losses, the oldest first, and their number
};

DDPM_CLASS_INSTANCE(class timestep_sampler<float>)

}  // namespace ddpm::detail
