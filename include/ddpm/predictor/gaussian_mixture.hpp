// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A mixture of K Gaussians in D dimensions, a data distribution whose noisy densities and ideal predictions are known
/// exactly (mixture_posterior.hpp, mixture_oracle.hpp). Immutable.
/// @accuracy weights: at most K roundings (2⁻⁵³) of each, for the sum by which they are divided; means and variances as
/// given. Axes and variances of full(), from Eigen's solver, give back a covariance within 1e-14 of its largest element
/// times D
class gaussian_mixture {
public:
    /// Components with covariance variances[k] · I.
    /// @shape weights and variances K, means D × K
    /// @throws shape_error if the sizes do not fit; value_error unless K ≥ 1, D ≥ 1, all values are finite, and weights
    /// and variances are positive. The weights are normalized
    [[nodiscard]] static gaussian_mixture isotropic(std::vector<double> weights, batch<double> means,
                                                    const std::vector<double>& variances) {
        require_components("covariances", static_cast<isize>(variances.size()), means);
        batch<double> all(means.rows(), means.cols());
        for (isize k = 0; k < means.cols(); ++k) {
            std::fill_n(&all(0, k), means.rows(), variances[static_cast<std::size_t>(k)]);
        }
        return {std::move(weights), std::move(means), std::move(all), {}};
    }

    /// Components with diagonal covariances.
    /// @shape weights K, means and variances D × K
    /// @throws as isotropic()
    [[nodiscard]] static gaussian_mixture diagonal(std::vector<double> weights, batch<double> means,
                                                   batch<double> variances) {
        detail::require_same_shape<const double>("gaussian_mixture", "a variance for each mean",
                                                 batch_view<const double>(means), batch_view<const double>(variances));
        return {std::move(weights), std::move(means), std::move(variances), {}};
    }

    /// Components with full covariances, which are diagonalized once.
    /// @shape weights K, means D × K, covariances K of D × D
    /// @throws as isotropic(); value_error unless the covariances are symmetric and positive definite up to rounding
    /// @complexity O(K · D³)
    template <std::same_as<Eigen::MatrixXd> Covariance = Eigen::MatrixXd>  // compiles Eigen's solver where it is used
    [[nodiscard]] static gaussian_mixture full(std::vector<double> weights, batch<double> means,
                                               const std::vector<Covariance>& covariances) {
        require_components("covariances", static_cast<isize>(covariances.size()), means);
        const isize dimension = means.rows();
        batch<double> variances(dimension, means.cols());
        std::vector<batch<double>> axes;
        for (isize k = 0; k < means.cols(); ++k) {
            const Covariance& covariance = covariances[static_cast<std::size_t>(k)];
            if (covariance.rows() != dimension || covariance.cols() != dimension) {
                throw shape_error("gaussian_mixture", detail::text("covariance ", k),
                                  detail::text(dimension, " x ", dimension),
                                  detail::text(covariance.rows(), " x ", covariance.cols()));
            }
            const double largest = covariance.cwiseAbs().maxCoeff();
            if (!((covariance - covariance.transpose()).cwiseAbs().sum() <= 1e-12 * largest)) {
                throw value_error("gaussian_mixture", detail::text("covariance ", k), "finite, symmetric", "another");
            }
            const Eigen::SelfAdjointEigenSolver<Covariance> solver(covariance);
            variances.col(k) = solver.eigenvalues();
            axes.emplace_back(solver.eigenvectors());
            // An eigenvalue below the rounding error of a zero one counts as zero.
            const double smallest = variances.col(k).minCoeff();
            if (!(smallest > static_cast<double>(dimension) * 1e-16 * variances.col(k).maxCoeff())) {
                throw value_error("gaussian_mixture", detail::text("covariance ", k), "positive definite",
                                  detail::text("the eigenvalue ", smallest));
            }
        }
        return {std::move(weights), std::move(means), std::move(variances), std::move(axes)};
    }

    /// D, the dimension of a sample.
    [[nodiscard]] isize dimension() const noexcept { return means_.rows(); }

    /// K, the number of components.
    [[nodiscard]] isize components() const noexcept { return means_.cols(); }

    /// The probabilities of the components; their sum is 1.
    [[nodiscard]] std::span<const double> weights() const noexcept { return weights_; }

    /// The components' means, D × K.
    [[nodiscard]] const batch<double>& means() const noexcept { return means_; }

    /// Whether a covariance is not diagonal, so that its principal axes are not the coordinate axes.
    [[nodiscard]] bool rotated() const noexcept { return !axes_.empty(); }

    /// The principal axes of component k as columns. Only if rotated().
    /// @shape returns D × D
    [[nodiscard]] const batch<double>& axes(isize k) const {
        DDPM_ASSERT(k >= 0 && k < static_cast<isize>(axes_.size()));
        return axes_[static_cast<std::size_t>(k)];
    }

    /// The variances along the principal axes, and the means in those coordinates: D × K, component k in column k.
    [[nodiscard]] const batch<double>& principal_variances() const noexcept { return variances_; }
    [[nodiscard]] const batch<double>& principal_means() const noexcept { return rotated() ? along_axes_ : means_; }

    /// Samples the mixture: column n is sample first_sample + n at that step of `noise`.
    /// @shape out D × N
    /// @throws shape_error if out has not D rows; as philox_noise::normal
    /// @accuracy for the normals z in S at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |mean| + |deviation · z|;
    /// rotated D + 4 of |mean| + Σ |deviation · z · axis| over the axes
    /// @determinism the same bits whatever the batch split and the thread count
    template <Scalar S>
    void sample(batch_view<S> out, const philox_noise& noise, isize step = 0, isize first_sample = 0) const {
        if (out.rows() != dimension()) {
            throw shape_error("gaussian_mixture::sample", "dimension", dimension(), out.rows());
        }
        // The normals use counter blocks of 64 elements; the next block selects the component.
        const isize choice = (dimension() + 63) / 64 * 64;
        noise.normal(out, step, first_sample);
        const isize work = dimension() * (rotated() ? dimension() : 8);
        parallel_for(out.columns(), std::max<isize>(1, 32768 / work), [&](isize first, isize last) {
            std::vector<double> z(static_cast<std::size_t>(dimension())), x(z.size());
            for (isize n = first; n < last; ++n) {
                const isize k = component_at((noise.bits(first_sample + n, step, choice) + 0.5) * 0x1p-32);
                for (std::size_t i = 0; i < z.size(); ++i) {
                    z[i] = static_cast<double>(out.column(n)[i]) * std::sqrt((&variances_(0, k))[i]);
                    x[i] = (&means_(0, k))[i] + (rotated() ? 0 : z[i]);
                }
                for (std::size_t axis = 0; rotated() && axis < z.size(); ++axis) {
                    const double* const direction = &axes(k)(0, static_cast<isize>(axis));
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        x[i] += z[axis] * direction[i];
                    }
                }
                std::transform(x.begin(), x.end(), out.column(n), [](double value) { return static_cast<S>(value); });
            }
        });
    }

    /// Draws `count` samples with the first user stream of a seed.
    /// @shape returns D × count
    template <Scalar S = double>
    [[nodiscard]] batch<S> sample(isize count, std::uint64_t seed) const {
        batch<S> out(dimension(), count);
        sample<S>(out, philox_noise(seed, static_cast<noise_stream>(first_user_stream)));
        return out;
    }

private:
    gaussian_mixture(std::vector<double> weights, batch<double> means, batch<double> variances,
                     std::vector<batch<double>> principal_axes)
        : weights_(std::move(weights)),
          means_(std::move(means)),
          variances_(std::move(variances)),
          axes_(std::move(principal_axes)) {
        require_components("weights", static_cast<isize>(weights_.size()), means_);
        double total = 0;
        for (const double weight : weights_) {
            require_positive("weight", weight);
            total += weight;
        }
        for (double& weight : weights_) {
            weight /= total;
        }
        for (isize k = 0; k < components(); ++k) {
            for (isize i = 0; i < dimension(); ++i) {
                require_positive("variance", variances_(i, k));
                if (!std::isfinite(means_(i, k))) {
                    throw value_error("gaussian_mixture", "mean", "finite", means_(i, k));
                }
            }
        }
        if (rotated()) {
            along_axes_.resize(dimension(), components());
            for (isize k = 0; k < components(); ++k) {
                for (isize i = 0; i < dimension(); ++i) {
                    const double* const axis = &axes(k)(0, i);
                    along_axes_(i, k) = std::inner_product(axis, axis + dimension(), &means_(0, k), 0.0);
                }
            }
        }
    }

    static void require_components(const char* what, isize got, const batch<double>& means) {
        if (got != means.cols()) {
            throw shape_error("gaussian_mixture", detail::text(what, ", one for each mean"), means.cols(), got);
        }
        if (means.size() == 0) {
            throw value_error("gaussian_mixture", "size", "D >= 1 and K >= 1",
                              detail::text("D = ", means.rows(), ", K = ", means.cols()));
        }
    }

    static void require_positive(const char* what, double value) {
        if (!(value > 0 && std::isfinite(value))) {
            throw value_error("gaussian_mixture", what, "finite and > 0", value);
        }
    }

    /// The component whose part of [0, 1), of length weights()[k], contains the number.
    [[nodiscard]] isize component_at(double uniform) const noexcept {
        std::size_t k = 0;
        for (double below = weights_[0]; k + 1 < weights_.size() && uniform >= below; below += weights_[k]) {
            ++k;
        }
        return static_cast<isize>(k);
    }

    std::vector<double> weights_;
    batch<double> means_;
    batch<double> variances_;
    std::vector<batch<double>> axes_;  // empty if no component is rotated
    batch<double> along_axes_;         // the means in the coordinates of the axes, if rotated
};

}  // namespace ddpm
