// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/time_grid.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace ddpm {

/// Any sampler, for choice at run time. It plans what the sampler that it was made of plans.
class any_sampler {
public:
    template <class A>
        requires(Sampler<A> && !std::same_as<A, any_sampler>)
    any_sampler(A sampler) : plan_([sampler = std::move(sampler)](const time_grid& grid) { return sampler.plan(grid); }) {}

    /// @throws as the sampler does
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const { return plan_(grid); }

private:
    std::function<sampling_plan(const time_grid&)> plan_;
};

}  // namespace ddpm
