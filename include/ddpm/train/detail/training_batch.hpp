// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/detail/condition_batch.hpp>
#include <ddpm/train/epoch_order.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/time_sampler.hpp>
#include <ddpm/train/training_data.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// Offset noise: one normal per sample and channel, added to the noise of all pixels.
/// @source Guttenberg 2023, Diffusion with Offset Noise; the training scripts of diffusers
template <Scalar S>
class offset_noise {
public:
    offset_noise(const sample_shape& shape, isize samples, double strength, std::uint64_t seed)
        // A stream that no other has: those of dropout, dropout + 256 · layer, have another low byte, and the rest are
        // below 256, or from first_user_stream on.
        : noise_(seed, static_cast<noise_stream>(static_cast<std::uint32_t>(noise_stream::training) + 256)),
          strength_(static_cast<S>(strength)),
          normals_(strength > 0 ? shape.channels : 0, samples) {}

    [[nodiscard]] bool is_some() const noexcept { return normals_.rows() > 0; }

    void add(batch_view<S> eps, isize step, isize first_sample) {
        const isize channels = normals_.rows();
        const batch_view<S> normals = batch_view<S>(normals_).middle(0, eps.columns());
        noise_.normal(normals, step, first_sample);
        for (isize n = 0; n < eps.columns(); ++n) {
            for (isize i = 0; i < eps.rows(); ++i) {
                eps(i, n) += strength_ * normals(i % channels, n);
            }
        }
    }

private:
    philox_noise noise_;
    S strength_;
    batch<S> normals_;
};

/// The samples of a step, drawn one micro-batch at a time, and their losses.
template <Scalar S, class Time>
class training_batch {
public:
    /// For a network with this sample shape and condition.
    training_batch(const sample_shape& shape, const condition_shape& takes, isize micro_batch,
                   const trainer_options& options)
        : noise_(options.seed, noise_stream::training),
          conditions_(takes, shape, options.self_conditioning > 0 ? shape.channels : 0, micro_batch, options.seed),
          offset_(shape, micro_batch, options.offset_noise, options.seed),
          batch_(options.batch),
          x0_(shape.size(), micro_batch),
          eps_(x0_.rows(), micro_batch),
          xt_(x0_.rows(), micro_batch),
          t_(static_cast<std::size_t>(batch_)),
          times_(t_.size()),
          weight_(t_.size()),
          losses_(t_.size()) {}

    [[nodiscard]] isize rows() const noexcept { return x0_.rows(); }

    /// @throws shape_error or value_error unless there are samples of the network's size with a condition that it takes
    void require_valid(std::string_view where, const training_data<S>& data, const condition_dropout& dropout) const {
        require<shape_error>(data.x0.rows() == rows(), where, "elements of a sample of the data",
                             {rows(), ", as the network takes"}, {data.x0.rows()});
        require(data.x0.columns() >= 1, where, "number of samples", {">= 1"}, {data.x0.columns()});
        conditions_.require_valid(where, data.condition, dropout, data.x0.columns());
    }

    /// Draws the micro-batch of samples first … first + count − 1 of a step: x_0, t, ε, x_t and the conditions.
    template <NoiseProcess Schedule>
    void draw(const training_data<S>& data, epoch_order& order, const Schedule& schedule,
              const time_sampler<Schedule, S>& sampler, const condition_dropout& dropout, isize step, isize first,
              isize count) {
        draw_samples(data, order, dropout, step, first, count);
        weighs_ = sampler.weighs();
        learns_ = sampler.learns();
        for (isize n = first; n < first + count; ++n) {
            const auto drawn = sampler(step, n, batch_);
            const auto at = static_cast<std::size_t>(n);
            t_[at] = drawn.t;
            times_[at] = model_time_at(schedule, drawn.t);
            weight_[at] = drawn.weight;
            losses_[at] = std::numeric_limits<double>::quiet_NaN();
        }
        const batch_view<const S> x0 = batch_view<const S>(x0_).middle(0, count);
        const batch_view<S> eps = batch_view<S>(eps_).middle(0, count), xt = batch_view<S>(xt_).middle(0, count);
        if (offset_.is_some()) {
            noise_.normal(eps, step, first);
            offset_.add(eps, step, first);
            q_sample(schedule, x0, part(t_), eps, xt);
        } else {
            q_sample(schedule, x0, part(t_), {noise_, step, first}, eps, xt);
        }
    }

    /// The micro-batch as the loss takes it; the data's weights must be valid.
    [[nodiscard]] noised_batch<S, Time> noised() {
        const isize count = static_cast<isize>(count_);
        const auto drawn = [count](const batch<S>& of) { return batch_view<const S>(of).middle(0, count); };
        return {drawn(x0_),
                drawn(eps_),
                drawn(xt_),
                part(t_),
                weighs_ ? part(weight_) : std::span<double>(),
                learns_ ? part(losses_) : std::span<double>(),
                weighs_elements_ ? drawn(element_weight_) : batch_view<const S>(),
                true};
    }
    /// The micro-batch as the network takes it.
    [[nodiscard]] network_input<S> input(const dropout_masks& masks) {
        return {batch_view<const S>(xt_).middle(0, static_cast<isize>(count_)), part(times_), conditions_.view(),
                masks};
    }

    [[nodiscard]] condition_batch<S>& conditions() noexcept { return conditions_; }

    /// The times of the whole batch, once all micro-batches are drawn.
    [[nodiscard]] std::span<const Time> all_t() const noexcept { return t_; }

    /// The losses of the whole batch; NaN where the loss did not report them.
    [[nodiscard]] std::span<const double> all_losses() const noexcept { return losses_; }

private:
    /// Copies x_0, the weights of its elements and the conditions from the data.
    void draw_samples(const training_data<S>& data, epoch_order& order, const condition_dropout& dropout, isize step,
                      isize first, isize count) {
        first_ = static_cast<std::size_t>(first);
        count_ = static_cast<std::size_t>(count);
        conditions_.begin(data.condition, dropout, count);
        weighs_elements_ = data.element_weight.size() != 0;
        if (weighs_elements_ && element_weight_.size() == 0) {
            element_weight_.resize(x0_.rows(), x0_.cols());
        }
        for (isize n = 0; n < count; ++n) {
            const isize sample = order[step * batch_ + first + n];
            std::copy_n(data.x0.column(sample), x0_.rows(), x0_.col(n).data());
            if (weighs_elements_) {
                std::copy_n(data.element_weight.column(sample), x0_.rows(), element_weight_.col(n).data());
            }
            conditions_.draw(sample, n, first + n, step, dropout);
        }
    }

    template <class T>
    [[nodiscard]] std::span<T> part(std::vector<T>& of) const {
        return std::span<T>(of).subspan(first_, count_);
    }

    philox_noise noise_;
    condition_batch<S> conditions_;
    offset_noise<S> offset_;
    isize batch_;
    batch<S> x0_, eps_, xt_;
    std::vector<Time> t_;  // these four hold the whole batch
    std::vector<double> times_, weight_, losses_;
    batch<S> element_weight_;
    std::size_t first_ = 0, count_ = 0;
    bool weighs_ = false, learns_ = false, weighs_elements_ = false;
};

DDPM_CLASS_INSTANCE(class training_batch<float, isize>)

}  // namespace ddpm::detail
