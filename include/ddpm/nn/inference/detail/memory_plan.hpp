// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <vector>

namespace ddpm::nn::detail {

/// Lays out blocks of memory that are used for a part of a computation each, before any is allocated: a block gets the
/// lowest place that is free from take() to release().
class memory_plan {
public:
    static constexpr isize alignment = 64;

    /// The place of a block: its first byte.
    [[nodiscard]] isize take(isize bytes) {
        bytes = ddpm::detail::rounded_up(std::max<isize>(1, bytes), alignment);
        isize place = 0;
        auto next = used_.begin();  // in the order of places
        while (next != used_.end() && next->first - place < bytes) {
            place = next->last;
            ++next;
        }
        used_.insert(next, {place, place + bytes});
        bytes_ = std::max(bytes_, place + bytes);
        return place;
    }

    void release(isize place) {
        const auto found =
            std::find_if(used_.begin(), used_.end(), [place](const block& used) { return used.first == place; });
        DDPM_ASSERT(found != used_.end());
        used_.erase(found);
    }

    /// Begins a new plan.
    void begin() noexcept {
        clear();
        bytes_ = 0;
    }

    /// Releases all blocks.
    void clear() noexcept { used_.clear(); }

    /// The bytes that all blocks need together.
    [[nodiscard]] isize bytes() const noexcept { return bytes_; }

private:
    struct block {
        isize first, last;
    };

    std::vector<block> used_;
    isize bytes_ = 0;
};

}  // namespace ddpm::nn::detail
