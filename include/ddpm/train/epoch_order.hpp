// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace ddpm {

/// The order in which training meets the samples: each epoch is a permutation of its own, so that no sample comes twice
/// before all came once. Position p of the whole run is place p mod N of epoch p div N, computed from the seed alone.
/// @source Durstenfeld 1964 (Fisher–Yates); place i swaps with below(i + 1) at (sample 0, step epoch, element i) of the
/// Philox stream `order`
class epoch_order {
public:
    /// @throws value_error unless 1 ≤ samples ≤ 2³²
    epoch_order(std::uint64_t seed, isize samples) : noise_(seed, noise_stream::order) {
        if (samples < 1 || samples > words) {
            throw value_error("epoch_order", "number of samples", ">= 1, <= 2^32", samples);
        }
        permutation_.resize(static_cast<std::size_t>(samples));
    }

    /// How many positions there are in batches of that size: those of 2³² epochs, in whole batches, are as many batches.
    [[nodiscard]] isize batches(isize batch) const noexcept {
        const std::uint64_t samples = permutation_.size();
        // More samples than a batch has make fewer epochs than batches; else the product has at most 64 bits.
        return static_cast<isize>(samples) >= batch
                   ? words
                   : static_cast<isize>((samples << 32) / static_cast<std::uint64_t>(batch));
    }

    /// The sample at a position of the run.
    /// @throws value_error beyond 2³² epochs
    /// @units position is 0-based
    /// @complexity constant, but for N steps at the first position of another epoch than the last call's
    [[nodiscard]] isize operator[](isize position) {
        const isize samples = static_cast<isize>(permutation_.size());
        if (position / samples != epoch_) {
            shuffle(position / samples);
        }
        return permutation_[static_cast<std::size_t>(position % samples)];
    }

private:
    static constexpr isize words = isize{1} << 32;  // of a 32-bit address, which epochs and samples have

    void shuffle(isize epoch) {
        std::iota(permutation_.begin(), permutation_.end(), isize{0});
        for (std::size_t i = permutation_.size() - 1; i > 0; --i) {
            const isize j = noise_.below(static_cast<isize>(i) + 1, 0, epoch, static_cast<isize>(i));
            std::swap(permutation_[i], permutation_[static_cast<std::size_t>(j)]);
        }
        epoch_ = epoch;
    }

    philox_noise noise_;
    std::vector<isize> permutation_;
    isize epoch_ = -1;
};

}  // namespace ddpm
