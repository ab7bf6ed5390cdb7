// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/sampler/detail/addressed_noise.hpp>
#include <ddpm/sampler/detail/run_memory.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::detail {

[[nodiscard]] inline bool reads(const std::vector<assignment>& assignments, quantity of) {
    return std::any_of(assignments.begin(), assignments.end(), [of](const assignment& a) {
        return std::any_of(a.terms.begin(), a.terms.end(), [of](const term& t) { return t.of == of; });
    });
}

/// The assignments of a stage in the terms of its kernel, over the memory of a run. Allocates nothing once it is made.
template <Scalar S, class Noise>
class stage_sums {
public:
    explicit stage_sums(const sampling_plan& plan) {
        reserve(plan.before());
        for (const stage& evaluation : plan.stages()) {
            reserve(evaluation.then);
        }
    }

    /// Those of stage i, valid until the next call; i = −1: of what comes before the first evaluation.
    [[nodiscard]] std::span<const kernels::stage_sum<S>> make(const std::vector<assignment>& assignments, isize i,
                                                              run_memory<S, Noise>& memory) {
        terms_.clear();
        sums_.clear();
        for (const assignment& a : assignments) {
            const std::size_t first = terms_.size();
            for (const term& t : a.terms) {
                if (t.factor != 0) {
                    terms_.push_back(read(t, i, memory));
                }
            }
            const bool is_read = a.target == quantity::x || reads(assignments, a.target);
            sums_.push_back({(a.target == quantity::x ? memory.x() : memory.base()).data(), terms_.data() + first,
                             static_cast<isize>(terms_.size() - first), is_read});
        }
        return sums_;
    }

private:
    void reserve(const std::vector<assignment>& assignments) {
        std::size_t terms = 0;
        for (const assignment& a : assignments) {
            terms += a.terms.size();
        }
        terms_.reserve(std::max(terms_.capacity(), terms));
        sums_.reserve(std::max(sums_.capacity(), assignments.size()));
    }

    /// What a term of stage i reads.
    [[nodiscard]] static kernels::stage_term<S> read(const term& t, isize i, run_memory<S, Noise>& memory) {
        using kernels::stage_source;
        const S factor = static_cast<S>(t.factor);
        switch (t.of) {
            case quantity::x: return {stage_source::column, factor, memory.x().data()};
            case quantity::base: return {stage_source::column, factor, memory.base().data()};
            case quantity::x0:
            case quantity::eps:
                if (t.number == i) {
                    return {t.of == quantity::x0 ? stage_source::x0 : stage_source::eps, factor};
                }
                break;
            case quantity::noise:
            case quantity::spread_noise: {
                const S* const spread = t.of == quantity::noise ? nullptr : memory.head().data();
                if constexpr (AddressedNoise<Noise>) {
                    return {stage_source::normals, factor, nullptr, t.number, spread};
                } else {
                    return {stage_source::column, factor, memory.slot(quantity::noise, t.number), 0, spread};
                }
            }
        }
        return {stage_source::column, factor, memory.slot(t.of, t.number)};
    }

    std::vector<kernels::stage_term<S>> terms_;
    std::vector<kernels::stage_sum<S>> sums_;
};

}  // namespace ddpm::detail
