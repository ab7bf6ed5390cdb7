// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <string>

namespace ddpm::detail {

/// The differences of a file from what was expected, for an error message: the text of the first few, and their number.
class difference_list {
public:
    template <class... Parts>
    void add(const Parts&... parts) {
        if (++count_ <= shown) {
            first_ += ddpm::detail::text(first_.empty() ? "" : ", ", parts...);
        }
    }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    [[nodiscard]] std::string text() const {
        return count_ <= shown ? first_ : ddpm::detail::text(first_, ", ... (", count_, " differences in all)");
    }

private:
    static constexpr isize shown = 8;
    std::string first_;
    isize count_ = 0;
};

}  // namespace ddpm::detail
