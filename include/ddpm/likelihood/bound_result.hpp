// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <ostream>
#include <vector>

namespace ddpm {

/// A mean over samples and its standard error. The mean of no samples is NaN, and so is the error of fewer than two.
/// @accuracy the mean of n values: at most n/2 + 5 roundings (2⁻⁵³) of the largest |value|; the square of the error: at
/// most 40 of the square of that value
struct mean_estimate {
    double mean = std::numeric_limits<double>::quiet_NaN();
    double error = std::numeric_limits<double>::quiet_NaN();

    friend mean_estimate operator*(double factor, const mean_estimate& x) noexcept {
        return {factor * x.mean, std::abs(factor) * x.error};
    }
    friend std::ostream& operator<<(std::ostream& out, const mean_estimate& x) {
        return out << x.mean << " +/- " << x.error;
    }
};

/// Converts nats to bits.
/// @accuracy at most 3 roundings (2⁻⁵³) of each
[[nodiscard]] inline mean_estimate to_bits(const mean_estimate& nats) noexcept {
    return (1 / std::numbers::ln2) * nats;
}

/// The result for one timestep of the chain.
struct bound_term {
    isize t;                  ///< 0-based
    isize samples;            ///< how many samples were evaluated at t
    mean_estimate nats;       ///< the term per dimension: L_{t−1} for the step to the next timestep, or L_0
    mean_estimate x0_error;   ///< (x̂_0 − x_0)², after clamping if there is any
    mean_estimate eps_error;  ///< (ε̂ − ε)², with ε̂ computed from that x̂_0
};

/// The variational bound of a data set, nats ≥ −ln p(x_0), per dimension, averaged over the samples.
struct bound_result {
    isize samples = 0;
    isize dimension = 0;
    mean_estimate nats{};             ///< the whole bound, per dimension
    mean_estimate prior{};            ///< L_T, nats per dimension
    std::vector<bound_term> terms{};  ///< one per timestep of the chain, the noisiest first; the last is L_0
    bool finished = true;             ///< false if the callback stopped it: then the result of the samples before

    /// The whole bound in bits per dimension.
    [[nodiscard]] mean_estimate bits() const noexcept { return to_bits(nats); }

    /// L_0, the decoder's term, in nats per dimension.
    [[nodiscard]] mean_estimate decoder() const noexcept { return terms.empty() ? mean_estimate{} : terms.back().nats; }

    /// E(x̂_0 − x_0)² at each timestep of the chain, by rising t, as `optimal_timesteps` takes it.
    [[nodiscard]] std::vector<double> x0_errors() const {
        std::vector<double> errors;
        for (std::size_t k = terms.size(); k > 0; --k) {
            errors.push_back(terms[k - 1].x0_error.mean);
        }
        return errors;
    }

    /// One line: the bound in bits and nats, and its terms L_T and L_0.
    friend std::ostream& operator<<(std::ostream& out, const bound_result& r) {
        return out << r.bits() << " bits per dimension (" << r.nats << " nats; L_T " << to_bits(r.prior).mean
                   << ", L_0 " << to_bits(r.decoder()).mean << " bits; " << r.samples << " samples of " << r.dimension
                   << ", " << r.terms.size() << " steps)";
    }
};

namespace detail {

/// The mean and standard error of a sequence of values, in one pass.
class running_mean {
public:
    void add(double value) noexcept {
        ++count_;
        const double difference = value - mean_;
        mean_ += difference / static_cast<double>(count_);
        squares_ += difference * (value - mean_);
    }

    [[nodiscard]] isize count() const noexcept { return count_; }

    [[nodiscard]] mean_estimate mean_and_error() const noexcept {
        mean_estimate result;
        const double count = static_cast<double>(count_);
        if (count_ > 0) {
            result.mean = mean_;
        }
        if (count_ > 1) {
            result.error = std::sqrt(squares_ / (count * (count - 1)));
        }
        return result;
    }

private:
    isize count_ = 0;
    double mean_ = 0, squares_ = 0;
};

}  // namespace detail

}  // namespace ddpm
