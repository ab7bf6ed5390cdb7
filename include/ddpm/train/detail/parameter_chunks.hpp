// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// A network's parameters divided into chunks for parallel loops. The chunks depend only on the sizes, never on the
/// thread count.
class parameter_chunks {
public:
    struct chunk {
        std::size_t parameter;
        isize first, size;
    };

    template <class T>
    explicit parameter_chunks(std::span<const nn::parameter<T>> parameters) {
        constexpr isize largest = 16384;
        for (std::size_t p = 0; p < parameters.size(); ++p) {
            const isize size = static_cast<isize>(parameters[p].values.size());
            sizes_.push_back(size);
            elements_ += size;
            for (isize first = 0; first < size; first += largest) {
                chunks_.push_back({p, first, std::min(largest, size - first)});
            }
        }
    }

    [[nodiscard]] isize size() const noexcept { return static_cast<isize>(chunks_.size()); }

    /// The number of elements of all parameters.
    [[nodiscard]] isize elements() const noexcept { return elements_; }

    /// The index of the parameter that a chunk belongs to.
    [[nodiscard]] std::size_t parameter_of(isize index) const noexcept {
        return chunks_[static_cast<std::size_t>(index)].parameter;
    }

    /// Calls body(index, chunk) for each chunk, in parallel.
    template <class Body>
    void for_each(Body&& body) const {
        parallel_for(size(), 1, [&](isize first, isize last) {
            for (isize i = first; i < last; ++i) {
                body(i, chunks_[static_cast<std::size_t>(i)]);
            }
        });
    }

    /// @throws shape_error unless the parameters have the sizes of those given to the constructor
    template <class T>
    void require_fit(std::string_view where, std::span<const nn::parameter<T>> parameters) const {
        if (parameters.size() != sizes_.size()) {
            throw shape_error(where, "number of parameters", sizes_.size(), parameters.size());
        }
        for (std::size_t p = 0; p < sizes_.size(); ++p) {
            if (static_cast<isize>(parameters[p].values.size()) != sizes_[p]) {
                throw shape_error(where, text("size of ", parameters[p].name), sizes_[p], parameters[p].values.size());
            }
        }
    }

private:
    std::vector<isize> sizes_;
    isize elements_ = 0;
    std::vector<chunk> chunks_;
};

}  // namespace ddpm::detail
