// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/target.hpp>

#include "support/kernel_data.hpp"
#include "support/ulp.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::test {

/// Where a case takes its shapes and numbers from: any sequence of words, random or a fuzzer's.
class number_source {
public:
    explicit number_source(std::function<std::uint32_t()> words) : words_(std::move(words)) {
        has_specials_ = one_in(4);
    }

    [[nodiscard]] std::uint32_t word() { return words_(); }
    [[nodiscard]] isize below(isize bound) {
        return static_cast<isize>(std::uint64_t{word()} * static_cast<std::uint64_t>(bound) >> 32);
    }
    [[nodiscard]] bool one_in(isize count) { return below(count) == 0; }

    /// A size from 0 to `most`: three of four are around a multiple of a power of two.
    [[nodiscard]] isize size(isize most = 300) {
        if (one_in(4)) {
            return below(most + 1);
        }
        const isize width = isize{1} << below(8);
        return std::clamp<isize>(width * (1 + below(3)) - 1 + below(3), 0, most);
    }

    /// A number of either sign between 1/16 and 4, or any integer.
    template <class S>
    [[nodiscard]] S ordinary() {
        if constexpr (std::is_same_v<S, std::uint32_t>) {
            return word();
        } else {
            const double unit =
                std::ldexp(static_cast<double>(word()), -32) + std::ldexp(static_cast<double>(word()), -64);
            const double value = std::ldexp(1 + unit, static_cast<int>(below(6)) - 4);
            return stored<S>(one_in(2) ? -value : value);
        }
    }

    /// An ordinary number, or in every fourth source one of eight that is not: NaN, infinite, zero, subnormal, or at the
    /// ends of the range.
    template <class S>
    [[nodiscard]] S any() {
        if (!has_specials_ || !one_in(8)) {
            return ordinary<S>();
        }
        using limits = std::numeric_limits<std::conditional_t<std::is_same_v<S, double>, double, float>>;
        const double all[] = {static_cast<double>(limits::quiet_NaN()),
                              static_cast<double>(limits::infinity()),
                              static_cast<double>(limits::max()),
                              static_cast<double>(limits::min()),
                              static_cast<double>(limits::denorm_min()),
                              static_cast<double>(limits::min()) / 3,
                              0.0,
                              1.0};
        const double value = all[below(8)];
        return stored<S>(one_in(2) ? -value : value);
    }

private:
    template <class S>
    [[nodiscard]] static S stored(double value) {
        if constexpr (std::is_same_v<S, bfloat16>) {
            return to_bfloat16(static_cast<float>(value));
        } else {
            return static_cast<S>(value);
        }
    }

    std::function<std::uint32_t()> words_;
    bool has_specials_ = false;
};

/// Numbers from a source at an address that no vector need be aligned to, between guards. A kernel that takes a guard for
/// a number gives NaN.
template <class S>
class guarded_array {
public:
    guarded_array(number_source& from, isize size, bool any = false)
        : first_(guards + static_cast<std::size_t>(from.below(16))),
          size_(static_cast<std::size_t>(size)),
          memory_(first_ + size_ + guards, guard()) {
        for (isize i = 0; i < size; ++i) {
            (*this)[i] = any ? from.any<S>() : from.ordinary<S>();
        }
    }

    [[nodiscard]] S* data() { return memory_.data() + first_; }
    [[nodiscard]] const S* data() const { return memory_.data() + first_; }
    [[nodiscard]] S& operator[](isize i) { return data()[i]; }
    [[nodiscard]] const S& operator[](isize i) const { return data()[i]; }
    [[nodiscard]] isize size() const { return static_cast<isize>(size_); }

    /// Whether nothing was written around it.
    [[nodiscard]] bool guarded() const {
        const S expected = guard();
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            if ((i < first_ || i >= first_ + size_) && std::memcmp(&memory_[i], &expected, sizeof(S)) != 0) {
                return false;
            }
        }
        return true;
    }

private:
    static constexpr std::size_t guards = 17;
    [[nodiscard]] static S guard() {
        if constexpr (std::is_same_v<S, bfloat16>) {
            return bfloat16{0x7fc1};
        } else {
            return std::numeric_limits<S>::has_quiet_NaN ? std::numeric_limits<S>::quiet_NaN() : S(0x5a5a5a5a);
        }
    }

    std::size_t first_, size_;
    std::vector<S> memory_;
};

/// Compares what kernels give with what they must.
class comparison {
public:
    /// The same bits, or both NaN.
    template <class S>
    void equal(S got, S expected, const char* what) {
        if (!same_number(got, expected)) {
            fail(what, static_cast<double>(number_of(got)), static_cast<double>(number_of(expected)));
        }
    }

    /// The same bits in all elements, and nothing beside them.
    template <class S>
    void equal(const guarded_array<S>& got, const guarded_array<S>& expected, const char* what) {
        require(got.guarded(), what);
        for (isize i = 0; i < expected.size(); ++i) {
            equal(got[i], expected[i], what);
        }
    }

    /// An error of at most `bound` units.
    template <class W>
    void within(W got, W exact, W unit, double bound, const char* what) {
        if (std::isnan(got) && std::isnan(exact)) {
            return;
        }
        const double units = got == exact ? 0 : static_cast<double>(std::abs(got - exact) / unit);
        largest_ = std::max(largest_, units / bound);
        if (!(units <= bound)) {
            fail(what, static_cast<double>(got), static_cast<double>(exact));
        }
    }

    /// At most `bound` units in the last place.
    template <Scalar S>
    void within_ulp(S got, wide<S> exact, double bound, const char* what) {
        const double units = ulp_error(got, exact);
        largest_ = std::max(largest_, units / bound);
        if (!(units <= bound)) {
            fail(what, static_cast<double>(got), static_cast<double>(exact));
        }
    }

    void require(bool condition, const char* what) {
        if (!condition && failure_.empty()) {
            failure_ = what;
        }
    }

    /// What was wrong first; empty if nothing was.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    /// The largest error, as a part of its bound.
    [[nodiscard]] double largest() const { return largest_; }

private:
    template <class S>
    [[nodiscard]] static auto number_of(S x) {
        if constexpr (std::is_same_v<S, bfloat16>) {
            return to_float(x);
        } else {
            return x;
        }
    }
    template <class S>
    [[nodiscard]] static bool same_number(S a, S b) {
        if constexpr (std::is_same_v<S, bfloat16>) {
            return same(to_float(a), to_float(b));
        } else if constexpr (Scalar<S>) {
            return std::bit_cast<bits_of<S>>(a) == std::bit_cast<bits_of<S>>(b) || (std::isnan(a) && std::isnan(b));
        } else {
            return a == b;
        }
    }

    void fail(const char* what, double got, double expected) {
        if (failure_.empty()) {
            failure_ = ddpm::detail::text(what, " on ", name_of(simd_target()), ": expected ", expected, ", got ", got);
        }
    }

    std::string failure_;
    double largest_ = 0;
};

/// Calls body() with the kernels running on each instruction set that this machine has.
template <class Body>
void on_each_set(const Body& body) {
    for (const instruction_set set : float_instruction_sets) {
        if (is_supported(set)) {
            const ddpm::detail::scoped_simd_target on(set);
            body();
        }
    }
}

/// A kernel's header, and a random call of the kernel on every instruction set beside the scalar reference.
struct kernel_case {
    const char* header;  ///< in include/ddpm/kernels
    const char* bound;   ///< in words
    void (*run)(number_source&, comparison&);
};

/// A case that is a template of the scalar, in float or double.
#define DDPM_EITHER_SCALAR(run) \
    [](number_source& from, comparison& to) { from.one_in(2) ? run<float>(from, to) : run<double>(from, to); }

}  // namespace ddpm::test
