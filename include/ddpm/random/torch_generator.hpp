// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/multiply_add.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/torch_normal.hpp>
#include <ddpm/random/mersenne_twister.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// How a build of PyTorch rounds the angles of its float normals.
enum class torch_build {
    vectorized,  ///< x86-64 with AVX2: 2π is rounded to float before it is multiplied
    scalar,      ///< elsewhere: the product with 2π is rounded to float
};

/// The random numbers of PyTorch on the CPU after torch.manual_seed(seed), in the same order: each member does what a
/// function of torch does on a contiguous tensor. It is sequential: the result of a call depends on all calls before.
/// @accuracy integers, rand and uniform are bit-equal to torch 2.13 on x86-64 with FMA, and so are double normals up to
/// the math library; float normals differ by at most 4e-7 · max(1, |value|) (2.5e-7 seen; five of six are equal). The
/// float normals of the two builds differ from each other by up to 2e-6
/// @source PyTorch, ATen: core/MT19937RNGEngine.h, core/DistributionsHelper.h, native/cpu/DistributionTemplates.h
class torch_generator {
public:
    /// Uses the lower 32 bits of the seed, as torch does.
    explicit torch_generator(std::uint64_t seed, torch_build build = torch_build::vectorized)
        : engine_(static_cast<std::uint32_t>(seed)), build_(build) {}

    /// The next word of the Mersenne twister.
    [[nodiscard]] std::uint32_t next() { return engine_(); }

    /// The next two words; the first is the upper half.
    [[nodiscard]] std::uint64_t next64() {
        const std::uint64_t high = next();
        return (high << 32) | next();
    }

    /// torch.rand: uniform in [0, 1), multiples of 2⁻²⁴ (float) or 2⁻⁵³ (double).
    template <Scalar S>
    void rand(std::span<S> out) {
        if constexpr (std::is_same_v<S, float>) {
            engine_.units(out);
        } else {
            for (S& x : out) {
                x = unit<S>();
            }
        }
    }

    /// Tensor.uniform_(a, b): uniform in [a, b), rounded once, as in torch's builds for machines with FMA.
    /// @throws value_error unless a ≤ b and b − a is finite
    template <Scalar S>
    void uniform(std::span<S> out, std::type_identity_t<S> a, std::type_identity_t<S> b) {
        if (!(a <= b) || !std::isfinite(b - a)) {
            throw value_error("torch_generator::uniform", "bounds", "a <= b, b - a finite", detail::text(a, ", ", b));
        }
        for (S& x : out) {
            x = detail::multiply_add(unit<S>(), b - a, a);
        }
    }

    /// torch.randn: standard normals. 16 or more come from blocks of 16 uniforms. Fewer are drawn one by one in double
    /// precision, in pairs: the second of a pair is kept for the next such call.
    template <Scalar S>
    void randn(std::span<S> out) {
        constexpr std::size_t block = 16;
        if (out.size() < block) {
            for (S& x : out) {
                x = static_cast<S>(single_normal());
            }
            return;
        }
        const std::size_t whole = out.size() / block * block;
        constexpr std::size_t piece = 64 * block;  // small enough for the first-level cache
        for (std::size_t i = 0; i < whole; i += piece) {
            const std::span<S> part = out.subspan(i, std::min(piece, whole - i));
            rand(part);
            transform(part);
        }
        if (whole < out.size()) {  // torch draws the last 16 again, overwriting finished values
            rand(out.subspan(whole));
            const std::span<S> tail = out.last(block);
            rand(tail);
            transform(tail);
        }
    }

    /// torch.randint(low, high): uniform integers in [low, high). Each takes one word, or two if high − low ≥ 2²⁸ as in
    /// torch 2.13 (2³² in older versions).
    /// @throws value_error unless low < high
    void randint(std::int64_t low, std::int64_t high, std::span<std::int64_t> out) {
        if (low >= high) {
            throw value_error("torch_generator::randint", "bounds", "low < high", detail::text(low, ", ", high));
        }
        const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
        for (std::int64_t& x : out) {
            const std::uint64_t offset = range >= large_range ? next64() % range : next() % range;
            x = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
        }
    }

    /// torch.randperm(n): the numbers 0 … n − 1 in random order.
    /// @throws value_error if n is negative or at least ⌊(2³² − 1) / 20⌋, where torch uses another algorithm
    [[nodiscard]] std::vector<std::int64_t> randperm(std::int64_t n) {
        constexpr std::int64_t limit = std::numeric_limits<std::uint32_t>::max() / 20;
        if (n < 0 || n >= limit) {
            throw value_error("torch_generator::randperm", "size", detail::text("in [0, ", limit, ")"), n);
        }
        std::vector<std::int64_t> order(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = static_cast<std::int64_t>(i);
        }
        for (std::size_t i = 0; i + 1 < order.size(); ++i) {
            std::swap(order[i], order[i + next() % (order.size() - i)]);
        }
        return order;
    }

private:
    static constexpr std::uint64_t large_range = std::uint64_t{1} << 28;

    template <Scalar S>
    [[nodiscard]] S unit() {
        if constexpr (std::is_same_v<S, float>) {
            return static_cast<float>(next() & 0xffffffu) * 0x1p-24f;
        } else {
            return static_cast<double>(next64() & 0x1fffffffffffffu) * 0x1p-53;
        }
    }

    /// Box–Muller on blocks of 16 uniforms: the first eight give the radii, the others the angles. Each step is rounded
    /// to S as in torch. Floats are computed in double, to be independent of the math library.
    template <Scalar S>
    void transform(std::span<S> blocks) const {
        constexpr double two_pi = 2 * std::numbers::pi;
        if constexpr (std::is_same_v<S, float>) {
            kernels::detail::torch_normal(
                static_cast<isize>(blocks.size() / 16),
                build_ == torch_build::vectorized ? static_cast<double>(static_cast<float>(two_pi)) : two_pi,
                blocks.data());
        } else {
            for (std::size_t i = 0; i < blocks.size(); ++i) {
                if (i % 16 < 8) {
                    const S radius = std::sqrt(-2 * std::log(1 - blocks[i]));
                    const S angle = two_pi * blocks[i + 8];
                    blocks[i] = radius * std::cos(angle);
                    blocks[i + 8] = radius * std::sin(angle);
                }
            }
        }
    }

    [[nodiscard]] double single_normal() {
        if (waiting_) {
            return *std::exchange(waiting_, std::nullopt);
        }
        const double turn = unit<double>();
        const double radius = std::sqrt(-2.0 * std::log1p(-unit<double>()));
        waiting_ = radius * std::sin(2 * std::numbers::pi * turn);
        return radius * std::cos(2 * std::numbers::pi * turn);
    }

    mersenne_twister engine_;
    torch_build build_;
    std::optional<double> waiting_;
};

}  // namespace ddpm
