// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

/// Sizes around the widths of registers and blocks.
inline const std::vector<isize> kernel_sizes{0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,  17,
                                             31, 32, 33, 63, 64, 65, 79, 100, 127, 128, 129, 1000};

/// a · b, rounded before anything is added to it, whatever the compiler would contract.
template <class S>
[[nodiscard]] S rounded(S a, S b) {
    volatile const S product = a * b;
    return product;
}

/// The same value, both NaN counting as one.
template <class S>
[[nodiscard]] bool same(S a, S b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

/// `count` numbers between −2 and 2, with NaN and infinities among them if `special`. They start at an address that no
/// vector is aligned to, and lie between guards.
template <class S>
class unaligned_array {
public:
    explicit unaligned_array(isize count, int which = 0, bool special = false)
        : count_(count), memory_(static_cast<std::size_t>(count) + 2 * guards, guard) {
        for (isize i = 0; i < count; ++i) {
            (*this)[i] = static_cast<S>((i * 7919 + which * 104729 + 13) % 4093) / S(1023) - S(2);
            if (special && i % 19 == 3 + which) {
                const S all[] = {std::numeric_limits<S>::quiet_NaN(),
                                 std::numeric_limits<S>::infinity(),
                                 -std::numeric_limits<S>::infinity(),
                                 S(0),
                                 -S(0),
                                 std::numeric_limits<S>::denorm_min()};
                (*this)[i] = all[i / 19 % 6];
            }
        }
    }

    [[nodiscard]] S* data() { return memory_.data() + guards; }
    [[nodiscard]] const S* data() const { return memory_.data() + guards; }
    [[nodiscard]] S& operator[](isize i) { return data()[i]; }
    [[nodiscard]] const S& operator[](isize i) const { return data()[i]; }
    [[nodiscard]] isize size() const { return count_; }

    /// Whether nothing was written around it.
    [[nodiscard]] bool guarded() const {
        for (std::size_t i = 0; i < guards; ++i) {
            if (memory_[i] != guard || memory_[memory_.size() - 1 - i] != guard) {
                return false;
            }
        }
        return true;
    }

private:
    static constexpr std::size_t guards = 17;
    static constexpr S guard = S(42);
    isize count_;
    std::vector<S> memory_;
};

}  // namespace ddpm::test
