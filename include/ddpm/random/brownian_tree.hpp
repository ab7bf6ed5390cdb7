// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/noise.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace ddpm {

/// A noise source that samples a Brownian path W for each element of each sample, so that runs with different steps
/// follow the same path. The noise of a step from one σ/α to another is the increment of W between them divided by its
/// standard deviation. The time of W is ln(σ/α), clamped to a range, so that σ/α may also be 0 or ∞. W is the sum of a
/// line and of tent functions whose width halves from level to level, each times a normal with its own address (a
/// Brownian bridge by Lévy's construction); it has no state. Use it for solvers of stochastic differential equations,
/// not for samplers that replace all of the noise at each step.
/// @determinism as philox_noise, which makes the normals
/// @accuracy increments are those of a Brownian path between multiples of 2^−depth of the range; W is linear between
/// neighbouring ones. The standard deviation of the noise is always 1
/// @complexity at most 2 · depth normals for each element
/// @source Li et al. 2020, arXiv 2001.01328, section 4 (virtual Brownian tree)
class brownian_tree {
public:
    /// The paths over σ/α from `lowest` to `highest`: for a grid, its smallest σ/α above 0 and its first one.
    /// @throws value_error unless 0 < lowest < highest < ∞ and 1 ≤ depth ≤ 31
    brownian_tree(std::uint64_t seed, double lowest, double highest, isize depth = 22)
        : start_(seed, noise_stream::sampler),
          tree_(seed, noise_stream::brownian),
          log_lowest_(std::log(lowest)),
          log_range_(std::log(highest) - log_lowest_),
          depth_(depth) {
        if (!(lowest > 0 && lowest < highest && highest <= std::numeric_limits<double>::max())) {
            throw value_error("brownian_tree", "range of sigma/alpha", "0 < lowest < highest < infinity",
                              detail::text(lowest, " ... ", highest));
        }
        if (depth < 1 || depth > most_depth) {
            throw value_error("brownian_tree", "depth", detail::text("1 <= depth <= ", most_depth), depth);
        }
    }

    [[nodiscard]] std::uint64_t seed() const noexcept { return start_.seed(); }

    /// Standard normals of philox_noise at `step`, for the start of a run.
    /// @shape out D × N
    template <Scalar S>
    void normal(batch_view<S> out, isize step, isize first_sample = 0) const {
        start_.normal(out, step, first_sample);
    }

    /// (W(to) − W(from)) divided by its standard deviation; `from` and `to` are values of σ/α. Column n is the path of
    /// sample first_sample + n. 0 where both have the same time, as for a step from the lower end of the range to 0.
    /// @shape out D × N
    /// @throws value_error unless both are within the range (up to rounding), 0 or ∞; and as philox_noise
    /// @accuracy the increments of an interval's parts, 100 at most, add up to its own within 5e-5 of its deviation
    template <Scalar S>
    void normal_between(batch_view<S> out, double from, double to, isize first_sample = 0) const {
        increment sum;
        const double a = time_of(from), b = time_of(to);
        add_path(sum, std::min(a, b), std::max(a, b));
        double variance = 0;
        for (std::size_t i = 0; i < sum.count; ++i) {
            variance += sum.factors[i] * sum.factors[i];
        }
        const double sign = a < b ? 1 : -1;
        write(sum, variance == 0 ? 0 : sign / std::sqrt(variance), out, first_sample);
    }

    /// The fraction of the variance of W over its whole range that lies between two values of σ/α.
    /// @throws value_error as above
    /// @accuracy within 1e-12
    [[nodiscard]] double variance_between(double from, double to) const {
        return std::abs(time_of(to) - time_of(from));
    }

private:
    static constexpr isize most_depth = 31;
    static constexpr isize chunk = 2048;
    static constexpr double rounding = 1e-6;

    /// A linear combination Σ factor · normals(node), with room for the nodes of two paths to the root.
    struct increment {
        std::array<std::uint32_t, 2 * most_depth + 1> nodes{};
        std::array<double, 2 * most_depth + 1> factors{};
        std::size_t count = 0;

        void add(std::uint64_t node, double factor) {
            if (factor != 0) {
                nodes[count] = static_cast<std::uint32_t>(node);
                factors[count++] = factor;
            }
        }
    };

    /// The time in [0, 1] of a value of σ/α.
    [[nodiscard]] double time_of(double ratio) const {
        const double time = (std::log(ratio) - log_lowest_) / log_range_;
        if (!(ratio == 0 || ratio == std::numeric_limits<double>::infinity() ||
              (time > -rounding && time < 1 + rounding))) {
            throw value_error("brownian_tree", "sigma/alpha",
                              detail::text(std::exp(log_lowest_), " to ", std::exp(log_lowest_ + log_range_)), ratio);
        }
        return std::clamp(time, 0.0, 1.0);
    }

    /// Adds W(b) − W(a). Node 0 is W(1); node 2^j + i is the tent function over part i of 2^j equal parts of [0, 1].
    void add_path(increment& sum, double a, double b) const {
        if (a == b) {
            return;  // compilers may fuse the first multiplication of tent(b) − tent(a), which then is not exactly 0
        }
        sum.add(0, b - a);
        for (isize level = 0; level < depth_; ++level) {
            const double parts = std::ldexp(1.0, static_cast<int>(level)), height = 0.5 / std::sqrt(parts);
            const auto part_of = [&](double time) { return std::min(std::floor(time * parts), parts - 1); };
            const auto tent = [&](double time) {
                return height * (1 - std::abs(2 * (time * parts - part_of(time)) - 1));
            };
            const auto node_of = [&](double time) { return static_cast<std::uint64_t>(parts + part_of(time)); };
            if (part_of(a) == part_of(b)) {
                sum.add(node_of(a), tent(b) - tent(a));
            } else {
                sum.add(node_of(a), -tent(a));
                sum.add(node_of(b), tent(b));
            }
        }
    }

    template <Scalar S>
    void write(const increment& sum, double scale, batch_view<S> out, isize first_sample) const {
        kernels::for_each_tile(out.rows(), out.columns(), [&](isize n, isize count, isize first, isize last) {
            const isize together = std::max<isize>(1, chunk / (last - first));
            for (isize c = n; c < n + count; c += together) {
                const isize columns = std::min(together, n + count - c);
                for (isize row = first; row < last; row += chunk) {
                    write(sum, scale, out.middle(c, columns), row, std::min(chunk, last - row), first_sample + c);
                }
            }
        });
    }

    /// Writes rows row … row + rows − 1 of some columns, at most `chunk` elements.
    template <Scalar S>
    void write(const increment& sum, double scale, batch_view<S> out, isize row, isize rows, isize first_sample) const {
        S total[chunk] = {}, z[chunk];
        for (std::size_t i = 0; i < sum.count; ++i) {
            const auto at = tree_.address(out.rows(), out.columns(), static_cast<isize>(sum.nodes[i]), first_sample);
            kernels::philox_normal(at, out.columns(), row, rows, z);
            kernels::linear_combination(rows * out.columns(), {S{1}, static_cast<S>(scale * sum.factors[i])},
                                        {total, z}, total);
        }
        for (isize c = 0; c < out.columns(); ++c) {
            std::copy_n(total + c * rows, rows, out.column(c) + row);
        }
    }

    philox_noise start_;
    philox_noise tree_;
    double log_lowest_;
    double log_range_;
    isize depth_;
};

}  // namespace ddpm
