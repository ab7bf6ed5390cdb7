// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace ddpm {

/// The order of the training samples: each epoch is a new random permutation of all N samples. Position p of the
/// training is element p mod N of epoch ⌊p / N⌋; it depends on the seed only.
/// @source Durstenfeld 1964 (Fisher–Yates shuffle): element i is swapped with element below(i + 1), drawn from the
/// Philox stream `order` at (sample 0, step epoch, element i)
class epoch_order {
public:
    /// @throws value_error unless 1 ≤ samples ≤ 2³²
    epoch_order(std::uint64_t seed, isize samples) : noise_(seed, noise_stream::order) {
        detail::require(samples >= 1 && samples <= words, "epoch_order", "number of samples", {">= 1, <= 2^32"},
                        {samples});
        permutation_.resize(static_cast<std::size_t>(samples));
    }

    /// The number of whole batches of that size in 2³² epochs, at most 2³².
    [[nodiscard]] isize batches(isize batch) const noexcept {
        const std::uint64_t samples = permutation_.size();
        // If N ≥ batch, 2³² epochs are at least 2³² batches; otherwise N · 2³² has at most 64 bits.
        return static_cast<isize>(samples) >= batch
                   ? words
                   : static_cast<isize>((samples << 32) / static_cast<std::uint64_t>(batch));
    }

    /// The sample at a position of the training.
    /// @throws value_error beyond 2³² epochs
    /// @units position is 0-based
    /// @complexity constant within an epoch, O(N) when the epoch changes
    [[nodiscard]] isize operator[](isize position) {
        const isize samples = static_cast<isize>(permutation_.size());
        if (position / samples != epoch_) {
            shuffle(position / samples);
        }
        return permutation_[static_cast<std::size_t>(position % samples)];
    }

private:
    static constexpr isize words = isize{1} << 32;  // epochs and samples are 32-bit words of an address

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
