// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/detail/addressed_noise.hpp>
#include <ddpm/sampler/detail/storage.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// A noise source that is a path in time: it has the increments of an interval, divided by the root of its length.
template <class Noise, class S>
concept NoisePath = requires(Noise& noise, batch_view<S> out, double from, double to, isize first_sample) {
    noise.normal_between(out, from, to, first_sample);
};

/// A noise source that changes what it has drawn: it is told the number of the draw in the plan, and the variance head of the
/// evaluation that the draw follows, empty if the plan reads none.
template <class Noise, class S>
concept DrawChanger = requires(Noise& noise, batch_view<S> out, isize draw, batch_view<const S> head) {
    noise.change(out, draw, head);
};

/// What a plan's quantities are during a run: the states, the network's output, the estimates that are kept, and noise,
/// kept too unless it has an address, from which a kernel makes it.
template <Scalar S, class Noise>
class run_memory {
public:
    run_memory(const sampling_plan& plan, Noise& noise, batch<S> x, isize first_sample, isize first_step)
        : plan_(plan),
          noise_(noise),
          storage_(plan, !AddressedNoise<Noise>),
          first_sample_(first_sample),
          first_step_(first_step),
          x_(std::move(x)),
          prediction_(x_.rows(), x_.cols()),
          slots_(static_cast<std::size_t>(storage_.slots())),
          normals_(first_normals()) {
        if (storage_.uses_base()) {
            base_.resize(size());
        }
        if (storage_.uses_head()) {  // what a predictor does not write is not taken for a variance
            head_ = batch<S>::Constant(x_.rows(), x_.cols(), std::numeric_limits<S>::quiet_NaN());
        }
        for (memory& slot : slots_) {
            slot.resize(size());
        }
    }

    [[nodiscard]] batch<S>& x() noexcept { return x_; }
    [[nodiscard]] batch_view<S> base() noexcept {
        return base_.empty() ? batch_view<S>() : batch_view<S>(base_.data(), x_.rows(), x_.cols());
    }
    [[nodiscard]] batch<S>& head() noexcept { return head_; }
    [[nodiscard]] batch<S>& prediction() noexcept { return prediction_; }

    /// Where an estimate or a draw is kept; null if it is not.
    [[nodiscard]] S* slot(quantity of, isize number) {
        const isize at = storage_.slot_of(of, number);
        return at == no_slot ? nullptr : slots_[static_cast<std::size_t>(at)].data();
    }

    /// Where the normals of a draw begin, if they have an address.
    [[nodiscard]] kernels::normal_address normals(isize draw) const noexcept {
        kernels::normal_address z = normals_;
        z.step += static_cast<std::uint32_t>(draw);
        return z;
    }

    /// Makes the draws that are kept and first needed at stage i.
    void draw_noise(isize i) {
        if constexpr (!AddressedNoise<Noise>) {
            for (; drawn_ < static_cast<isize>(plan_.draws().size()) && storage_.draw_stage(drawn_) <= i; ++drawn_) {
                if (const auto at = storage_.slot_of(quantity::noise, drawn_); at != no_slot) {
                    const batch_view<S> out(slots_[static_cast<std::size_t>(at)].data(), x_.rows(), x_.cols());
                    if constexpr (NoisePath<Noise, S>) {
                        const noise_draw& draw = plan_.draws()[static_cast<std::size_t>(drawn_)];
                        noise_.normal_between(out, draw.from, draw.to, first_sample_);
                    } else {
                        noise_.normal(out, first_step_ + drawn_ + 1, first_sample_);
                    }
                    if constexpr (DrawChanger<Noise, S>) {
                        noise_.change(out, drawn_, batch_view<const S>(head_));
                    }
                }
            }
        }
    }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // several of which a stage may write past the caches

    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(x_.size()); }

    /// Where the plan's normals begin.
    /// @throws value_error unless all samples and steps have an address
    [[nodiscard]] kernels::normal_address first_normals() const {
        if constexpr (AddressedNoise<Noise>) {
            if (const isize draws = static_cast<isize>(plan_.draws().size()); draws > 0) {
                static_cast<void>(noise_.address(x_.rows(), x_.cols(), first_step_ + draws, first_sample_));
                return noise_.address(x_.rows(), x_.cols(), first_step_ + 1, first_sample_);
            }
        }
        return {};
    }

    const sampling_plan& plan_;
    Noise& noise_;
    plan_storage storage_;
    isize first_sample_;
    isize first_step_;
    isize drawn_ = 0;
    batch<S> x_;
    memory base_;    // empty if the plan has none
    batch<S> head_;  // empty if the plan reads none
    batch<S> prediction_;
    std::vector<memory> slots_;
    kernels::normal_address normals_;
};

}  // namespace ddpm::detail
