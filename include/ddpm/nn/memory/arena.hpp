// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace ddpm::nn {

/// A stack of memory for activations and scratch. It grows when the first batch needs it and keeps its memory, so that
/// later batches allocate nothing. Its memory is not initialized: where the system gives memory when it is first written,
/// as Linux does, what is allocated and not used costs nothing.
template <Scalar S>
class arena {
public:
    /// Allocates memory for `count` elements in advance. Each take() uses whole cache lines.
    void reserve(isize count) {
        if (count > allocated()) {
            blocks_.emplace_back(count);
        }
    }

    /// `count` elements, aligned to a cache line.
    [[nodiscard, gnu::noinline]] S* take(isize count) {
        constexpr isize alignment = 64 / static_cast<isize>(sizeof(S));
        count = (count + alignment - 1) / alignment * alignment;
        while (block_ < blocks_.size() && used_ + count > blocks_[block_].size) {
            ++block_;
            used_ = 0;
        }
        if (block_ == blocks_.size()) {
            // Few blocks, since the end of each is lost if the next map does not fit there.
            blocks_.emplace_back(std::max({count, least_block, allocated() / 2}));
            used_ = 0;
        }
        S* const place = blocks_[block_].memory.get() + used_;
        used_ += count;
        return place;
    }

    /// A map of this size, not initialized.
    [[nodiscard]] feature_map<S> map(isize channels, isize height, isize width, isize samples) {
        return {take(channels * height * width * samples), channels, height, width, samples};
    }

    /// A map of the size of map_, not initialized.
    /// @shape the result as map_
    [[nodiscard]] feature_map<S> like(const feature_map<const S>& map_) {
        return map(map_.channels, map_.height, map_.width, map_.samples);
    }

    /// A matrix of this size without gaps between its columns, not initialized.
    [[nodiscard]] batch_view<S> columns(isize rows, isize columns) { return {take(rows * columns), rows, columns}; }

    /// Frees at the end of its lifetime everything that was taken since its construction.
    class scope_guard {
    public:
        /// The owner must outlive the guard.
        explicit scope_guard(arena& owner) noexcept : owner_(owner), block_(owner.block_), used_(owner.used_) {}
        scope_guard(const scope_guard&) = delete;
        scope_guard& operator=(const scope_guard&) = delete;
        ~scope_guard() {
            owner_.block_ = block_;
            owner_.used_ = used_;
        }

    private:
        arena& owner_;
        std::size_t block_;
        isize used_;
    };

    /// A guard for what is taken from here on.
    [[nodiscard]] scope_guard scope() noexcept { return scope_guard(*this); }

    /// Frees everything.
    void clear() noexcept {
        block_ = 0;
        used_ = 0;
    }

    /// The number of allocated bytes.
    [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(allocated()) * sizeof(S); }

private:
    static constexpr isize least_block = isize{1} << 18;

    struct deallocate {
        void operator()(S* memory) const noexcept { aligned_allocator<S>{}.deallocate(memory, 0); }
    };

    struct block {
        explicit block(isize count)
            : memory(aligned_allocator<S>{}.allocate(static_cast<std::size_t>(count))), size(count) {}
        std::unique_ptr<S[], deallocate> memory;
        isize size;  // in elements
    };

    [[nodiscard]] isize allocated() const noexcept {
        isize total = 0;
        for (const block& b : blocks_) {
            total += b.size;
        }
        return total;
    }

    std::vector<block> blocks_;
    std::size_t block_ = 0;
    isize used_ = 0;
};

DDPM_CLASS_INSTANCE(class arena<float>)

}  // namespace ddpm::nn
