// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/train/detail/timestep_table.hpp>
#include <ddpm/train/timestep_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>

namespace ddpm {

/// A timestep, and how much the sample that gets it counts.
struct drawn_timestep {
    isize t;
    double weight = 1;
};

/// Draws the timesteps of a run. Each follows from its address (seed, step, sample) and, with importance sampling, from
/// the losses recorded before, which are kept in S: with them and the step a run goes on as it would have.
/// @determinism the same bits whatever the parts of a batch; the normal ones as far as the C library's erfc and log are
/// the same
template <Scalar S>
class timestep_sampler {
public:
    /// @throws value_error for options outside their domain, or if the weights would not be finite
    template <NoiseSchedule Schedule>
    timestep_sampler(const timestep_sampling& sampling, const Schedule& schedule, std::uint64_t seed)
        : sampling_((detail::require_valid(sampling), sampling)),
          noise_(seed, noise_stream::timestep),
          steps_(schedule.steps()) {
        if (const auto* importance = std::get_if<importance_timesteps>(&sampling_)) {
            losses_ = nn::tensor<S>({steps_, importance->history});
            counts_ = nn::tensor<S>({steps_});
            table_.reserve(steps_);
            unbiased_ = true;
        }
        std::visit(
            [&](const auto& options) {
                if constexpr (requires { options.deviation; }) {
                    unbiased_ = options.unbiased;
                    table_ = detail::make_timestep_table(options, schedule);
                    if (unbiased_) {
                        detail::require_unbiased_weights(table_, steps_);
                    }
                }
            },
            sampling_);
    }

    /// The timestep of a sample of a step's batch.
    /// @units step, sample and t are 0-based
    [[nodiscard]] drawn_timestep operator()(isize step, isize sample, isize batch) const {
        if (!table_.empty()) {
            const isize t = table_.at(unit(sample, step));
            return {t, unbiased_ ? table_.unbiased_weight(t) : 1};
        }
        if (std::holds_alternative<antithetic_timesteps>(sampling_)) {
            const isize t = noise_.below(steps_, sample / 2 * 2, step);
            return {sample % 2 == 0 ? t : steps_ - 1 - t};
        }
        if (const auto* stratified = std::get_if<stratified_timesteps>(&sampling_)) {
            return {timestep(detail::stratified_place(*stratified, sample, batch,
                                                      [&](isize n) { return unit(n, step); }))};
        }
        return {noise_.below(steps_, sample, step)};
    }

    /// Calls visit(t) for each timestep that may be drawn.
    template <class Visit>
    void visit_times(const Visit& visit) const {
        for (isize t = 0; t < steps_; ++t) {
            if (table_.empty() || table_.probability(t) > 0) {
                visit(t);
            }
        }
    }

    /// Whether samples have weights other than 1.
    [[nodiscard]] bool weighs() const noexcept { return unbiased_; }

    /// Whether it wants to be told the losses.
    [[nodiscard]] bool learns() const noexcept { return losses_.size() > 0; }

    /// The losses, without weights, of all samples of a step, in their order; a sampler that does not learn forgets
    /// them.
    void record(std::span<const isize> t, std::span<const double> losses) {
        if (!learns()) {
            return;
        }
        for (std::size_t n = 0; n < t.size(); ++n) {
            const std::span<S> own = losses_of(t[n]);
            S& count = counts_[t[n]];
            const S most = static_cast<S>(own.size());
            count = count >= 0 && count <= most ? count : S{0};  // a file may say anything
            if (count == most) {
                std::rotate(own.begin(), own.begin() + 1, own.end());
                count -= S{1};
            }
            own[static_cast<std::size_t>(count)] =
                static_cast<S>(std::min<double>(losses[n], std::numeric_limits<S>::max()));
            count += S{1};
        }
        refresh();
    }

    /// Calls visitor(name, tensor) for what is to be saved beside the options; call refresh after it has changed.
    template <class Self, class Visitor>
    static void visit_state(Self& self, Visitor&& visitor) {
        if (self.learns()) {
            visitor("losses", self.losses_);
            visitor("counts", self.counts_);
        }
    }

    /// Goes by the losses as they are now.
    void refresh() {
        if (!learns()) {
            return;
        }
        const isize history = losses_.shape()[1];
        if (!std::all_of(counts_.values().begin(), counts_.values().end(),
                         [&](S count) { return count == static_cast<S>(history); })) {
            table_.clear();
            return;
        }
        const auto root_mean_square = [&](isize t) {
            double squares = 0;
            for (const S loss : losses_of(t)) {
                squares += static_cast<double>(loss) * static_cast<double>(loss);
            }
            return std::sqrt(squares / static_cast<double>(history));
        };
        table_.assign(steps_, root_mean_square, std::get<importance_timesteps>(sampling_).uniform_probability);
    }

    /// Forgets all losses.
    void forget() {
        std::fill(counts_.values().begin(), counts_.values().end(), S{0});
        std::fill(losses_.values().begin(), losses_.values().end(), S{0});
        refresh();
    }

private:
    /// A uniform number of [0, 1) with all bits of a double; elements 0 and 1 of a sample are taken.
    [[nodiscard]] double unit(isize sample, isize step) const {
        const std::uint64_t bits =
            (std::uint64_t{noise_.bits(sample, step, 2)} << 32 | noise_.bits(sample, step, 3)) >> 11;
        return static_cast<double>(bits) * 0x1p-53;
    }

    /// ⌊u T⌋.
    [[nodiscard]] isize timestep(double u) const {
        return std::clamp<isize>(static_cast<isize>(u * static_cast<double>(steps_)), 0, steps_ - 1);
    }

    [[nodiscard]] std::span<S> losses_of(isize t) {
        const auto history = static_cast<std::size_t>(losses_.shape()[1]);
        return losses_.values().subspan(static_cast<std::size_t>(t) * history, history);
    }

    timestep_sampling sampling_;
    philox_noise noise_;
    isize steps_;
    bool unbiased_ = false;
    detail::timestep_table table_;  // empty where no timestep is drawn from it
    nn::tensor<S> losses_, counts_;  // the last losses of each t, the oldest first, and how many there are
};

}  // namespace ddpm
