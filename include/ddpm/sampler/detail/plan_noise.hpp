// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/detail/run_memory.hpp>
#include <ddpm/sampler/plan.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>

namespace ddpm::detail {

/// A noise source whose normals have addresses, from which a kernel makes them where they are used.
template <class Noise>
concept AddressedNoise = std::same_as<std::remove_const_t<Noise>, philox_noise>;

/// A noise source that is a path in time: it has the increments of an interval, divided by the root of its length.
template <class Noise, class S>
concept NoisePath = requires(Noise& noise, batch_view<S> out, double from, double to, isize first_sample) {
    noise.normal_between(out, from, to, first_sample);
};

/// A noise source that changes what it has drawn: it is told the number of the draw in the plan, and the variance head of the
/// evaluation that the draw follows, empty if the plan reads none.
template <class Noise, class S>
concept DrawChanger =
    requires(Noise& noise, batch_view<S> out, isize draw, batch_view<const S> head) { noise.change(out, draw, head); };

/// The draws of a plan from a noise source. Draw d is the noise of step `first_step` + d + 1.
template <Scalar S, class Noise>
class plan_noise {
public:
    /// For a run of D × N samples.
    /// @throws value_error unless all samples and steps have an address, if the source's normals have one
    plan_noise(const sampling_plan& plan, Noise& noise, isize rows, isize columns, isize first_sample, isize first_step)
        : plan_(plan), noise_(noise), first_sample_(first_sample), first_step_(first_step) {
        if constexpr (AddressedNoise<Noise>) {
            first_.emplace();
            if (const isize draws = static_cast<isize>(plan.draws().size()); draws > 0) {
                static_cast<void>(noise.address(rows, columns, first_step + draws, first_sample));
                first_ = noise.address(rows, columns, first_step + 1, first_sample);
            }
        }
    }

    /// Where the normals of draw 0 begin, if they have an address.
    [[nodiscard]] const std::optional<kernels::normal_address>& first_address() const noexcept { return first_; }

    /// Makes the draws that are kept and first needed at stage i.
    void draw([[maybe_unused]] run_memory<S>& memory, [[maybe_unused]] isize i) {
        if constexpr (!AddressedNoise<Noise>) {
            for (; drawn_ < static_cast<isize>(plan_.draws().size()) && memory.draw_stage(drawn_) <= i; ++drawn_) {
                if (S* const at = memory.slot(quantity::noise, drawn_); at != nullptr) {
                    const batch_view<S> out(at, memory.x().rows(), memory.x().cols());
                    if constexpr (NoisePath<Noise, S>) {
                        const noise_draw& draw = plan_.draws()[static_cast<std::size_t>(drawn_)];
                        noise_.normal_between(out, draw.from, draw.to, first_sample_);
                    } else {
                        noise_.normal(out, first_step_ + drawn_ + 1, first_sample_);
                    }
                    if constexpr (DrawChanger<Noise, S>) {
                        noise_.change(out, drawn_, batch_view<const S>(memory.head()));
                    }
                }
            }
        }
    }

private:
    const sampling_plan& plan_;
    Noise& noise_;
    isize first_sample_;
    isize first_step_;
    std::optional<kernels::normal_address> first_{};
    isize drawn_ = 0;
};

}  // namespace ddpm::detail
