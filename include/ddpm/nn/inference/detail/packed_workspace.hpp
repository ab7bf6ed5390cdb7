// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/memory_plan.hpp>
#include <ddpm/nn/inference/layer_profile.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/networks/unet_embedding.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddpm::nn::detail {

/// The memory of a packed network for batches of one size: a plan of all maps, made before any is allocated. The
/// network takes blocks in the same order when it plans and when it runs, so that each gets the same place.
template <class T>
class packed_workspace {
public:
    using scalar = typename packed_scalar<T>::type;

    arena<scalar> floats;  ///< of the embedding of time and conditions
    typename unet_embedding<scalar>::activations embedded;
    std::vector<stored_map<T>> skips;  ///< the skip connections that the up path has not read yet
    layer_profile* profile = nullptr;  ///< if not null, the layers are measured

    /// Begins to plan for batches of `samples`: blocks that are taken have no memory.
    void begin_plan(isize samples) {
        planned_ = none;  // until the memory is there
        samples_ = samples;
        plan_.begin();
        planning_ = true;
    }

    /// Ends the plan and allocates, also `floats` for the embedding.
    void end_plan(isize float_count) {
        floats.reserve(float_count);
        const auto needed = static_cast<std::size_t>(ddpm::detail::divided_up(plan_.bytes(), isize{sizeof(float)}));
        if (needed > memory_.size()) {
            memory_.resize(needed);
        }
        planning_ = false;
        planned_ = samples_;
    }

    /// Begins to run. The last run may have ended anywhere, by an exception.
    void begin() noexcept {
        plan_.clear();
        floats.clear();
        skips.clear();
        if (profile != nullptr) {
            profile->begin();
        }
    }

    [[nodiscard]] bool planning() const noexcept { return planning_; }
    [[nodiscard]] isize samples() const noexcept { return samples_; }

    /// Whether there is memory for batches of `samples`.
    [[nodiscard]] bool is_planned_for(isize samples) const noexcept { return planned_ == samples; }

    /// The bytes of all maps, scratch memory and the embedding: those of the plan, which are allocated before anything
    /// is computed.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return static_cast<std::size_t>(plan_.bytes()) + floats.bytes();
    }

    /// A block of `count` elements, not initialized. While a plan is made it has no memory, and must not be read or
    /// written.
    template <class Element>
    [[nodiscard]] Element* take(isize count) {
        return reinterpret_cast<Element*>(base() +
                                          static_cast<std::uintptr_t>(plan_.take(count * isize{sizeof(Element)})));
    }

    /// Gives back a block that take returned. Its place may then serve blocks that are taken later.
    template <class Element>
    void release(const Element* block) {
        plan_.release(static_cast<isize>(reinterpret_cast<std::uintptr_t>(block) - base()));
    }

    /// A map of all samples with memory for its moments, neither initialized.
    /// @param phases 1 or 4: the parts of an image that have moments of their own, as the layer that writes it asks
    [[nodiscard]] stored_map<T> map(isize channels, isize height, isize width, isize phases) {
        stored_map<T> made = plain_map(channels, height, width);
        made.phases = phases;
        made.moments = take<float>(made.all_moments());
        return made;
    }

    /// A map of all samples without moments, which is given back by release(map.data).
    [[nodiscard]] stored_map<T> plain_map(isize channels, isize height, isize width) {
        return {take<T>(channels * height * width * samples_), channels, height, width, samples_};
    }

    /// Gives back a map that `map` returned, and its moments.
    void release_map(const stored_map<T>& map) {
        release(map.data);
        release(map.moments);
    }

private:
    /// The address of the first byte; while planning any, which is not read.
    [[nodiscard]] std::uintptr_t base() const noexcept {
        return planning_ ? std::uintptr_t{memory_plan::alignment} : reinterpret_cast<std::uintptr_t>(memory_.data());
    }

    memory_plan plan_;
    std::vector<float, aligned_allocator<float>> memory_;
    static constexpr isize none = -1;
    isize samples_ = none, planned_ = none;
    bool planning_ = false;
};

}  // namespace ddpm::nn::detail
