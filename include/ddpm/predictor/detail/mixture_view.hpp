// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/process/parameterization.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// Evaluates the mixture at one noisy sample, in double. For component k with mean m, principal axes V and variances λ
/// along them, it stores the whitened residual q = Vᵀ(x_t − α m) / (α² λ + σ²). Given the component, ε is σ V q, the
/// score −V q and x_0 is m + α V λ q, none of which divides by α or σ. Owns its scratch memory. A template, so that
/// Eigen's expressions are compiled only where it is used.
template <std::same_as<double> Real>
class mixture_view {
    using column = Eigen::Array<Real, Eigen::Dynamic, 1, Eigen::ColMajor | Eigen::DontAlign>;

    // Of a type that depends on Real, as all that Eigen's expressions here are made of.
    [[nodiscard]] const batch<Real>& means() const { return mixture_->principal_means(); }
    [[nodiscard]] const batch<Real>& variances() const { return mixture_->principal_variances(); }
    [[nodiscard]] const batch<Real>& axes(isize k) const { return mixture_->axes(k); }

    [[nodiscard]] auto x0_along_axes(isize k) const {
        return means().col(k) + level_.signal * variances().col(k) * whitened_.col(k);
    }

public:
    explicit mixture_view(const gaussian_mixture& mixture)
        : mixture_(&mixture),
          precisions_(mixture.dimension(), mixture.components()),
          log_weights_(mixture.components()),
          whitened_(mixture.dimension(), mixture.components()),
          responsibilities_(mixture.components()),
          x_(mixture.dimension()),
          along_axes_(mixture.dimension()),
          sum_(mixture.dimension()),
          mean_(mixture.dimension()),
          pulled_(mixture.dimension(), mixture.components()),
          slopes_(mixture.components()) {}

    /// Sets the sample x_t.
    template <Scalar S>
    void set_sample(const S* xt, const noise_level<double>& level) {
        set_level(level);
        x_ = Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>(xt, x_.size()).template cast<double>();
        for (isize k = 0; k < mixture_->components(); ++k) {
            if (mixture_->rotated()) {
                along_axes_.matrix().noalias() = axes(k).matrix().transpose() * x_.matrix();
            } else {
                along_axes_ = x_;
            }
            along_axes_ -= level_.signal * means().col(k);
            whitened_.col(k) = along_axes_ * precisions_.col(k);
            responsibilities_(k) = log_weights_(k) - (along_axes_ * whitened_.col(k)).sum() / 2;
        }
        const double largest = responsibilities_.maxCoeff();
        responsibilities_ = (responsibilities_ - largest).exp();
        const double total = responsibilities_.sum();
        log_density_ = largest + std::log(total);
        responsibilities_ /= total;
    }

    [[nodiscard]] double log_density() const noexcept { return log_density_; }
    [[nodiscard]] const column& responsibilities() const noexcept { return responsibilities_; }

    /// E[x_0|x_t], E[ε|x_t] and ∇ ln p(x_t), D each, valid until the next of these calls.
    [[nodiscard]] const column& x0() {
        return expect([this](isize k) { return x0_along_axes(k); });
    }
    [[nodiscard]] const column& epsilon() {
        return expect([this](isize k) { return level_.sigma * whitened_.col(k); });
    }
    [[nodiscard]] const column& score() {
        return expect([this](isize k) { return -whitened_.col(k); });
    }

    /// The expectation of that kind: x0, epsilon or score.
    [[nodiscard]] const column& expectation(prediction kind) {
        return kind == prediction::x0 ? x0() : kind == prediction::epsilon ? epsilon() : score();
    }

    /// vᵀ times the derivative of that expectation with respect to x_t, D, valid until the next of these calls.
    template <class V>
    [[nodiscard]] const column& pull_back(prediction kind, const V& v) {
        if (kind == prediction::x0) {
            return pull_back(
                v, [this](isize k) { return x0_along_axes(k); },
                [this](isize k) { return level_.signal * variances().col(k); });
        }
        const double gain = kind == prediction::epsilon ? level_.sigma : -1;
        return pull_back(
            v, [this, gain](isize k) { return gain * whitened_.col(k); }, [gain](isize) { return gain; });
    }

    /// Var[x_0|x_t] of each element: from the variances of the components and from the differences of their means.
    [[nodiscard]] const column& x0_variances() {
        mean_ = x0();
        sum_.setZero();
        for (isize k = 0; k < mixture_->components(); ++k) {
            const auto own = level_.sigma * level_.sigma * variances().col(k) * precisions_.col(k);
            if (mixture_->rotated()) {
                along_axes_ = x0_along_axes(k);
                x_.matrix().noalias() = axes(k).matrix() * along_axes_.matrix();
                along_axes_ = own;
                x_ = (x_ - mean_).square();
                x_.matrix().noalias() += axes(k).square().matrix() * along_axes_.matrix();
                sum_ += responsibilities_(k) * x_;
            } else {
                sum_ += responsibilities_(k) * (own + (x0_along_axes(k) - mean_).square());
            }
        }
        return sum_;
    }

    /// The mean of x0_variances over the dimensions.
    [[nodiscard]] double x0_variance() { return x0_variances().mean(); }

private:
    /// Computes what depends on the noise level only, if the level has changed.
    void set_level(const noise_level<double>& level) {
        if (level.signal == level_.signal && level.sigma == level_.sigma) {
            return;
        }
        level_ = level;
        const double signal2 = level.signal * level.signal, sigma2 = level.sigma * level.sigma;
        precisions_ = (signal2 * variances() + sigma2).inverse();
        const double constant = static_cast<double>(mixture_->dimension()) * std::log(2 * std::numbers::pi);
        for (isize k = 0; k < mixture_->components(); ++k) {
            log_weights_(k) = std::log(mixture_->weights()[static_cast<std::size_t>(k)]) +
                              (precisions_.col(k).log().sum() - constant) / 2;
        }
    }

    /// Σ_k responsibility_k · V part(k).
    template <class Part>
    const column& expect(const Part& part) {
        sum_.setZero();
        for (isize k = 0; k < mixture_->components(); ++k) {
            if (responsibilities_(k) == 0) {
                continue;
            }
            if (mixture_->rotated()) {
                along_axes_ = responsibilities_(k) * part(k);
                sum_.matrix().noalias() += axes(k).matrix() * along_axes_.matrix();
            } else {
                sum_ += responsibilities_(k) * part(k);
            }
        }
        return sum_;
    }

    /// With f_k the expectation of component k, F_k = V · gain · precision · Vᵀ its derivative and s_k = −V q its
    /// score, the derivative of f = Σ r_k f_k is Σ r_k (F_k + (f_k − f) s_kᵀ).
    template <class V, class Part, class Gain>
    const column& pull_back(const V& v, const Part& part, const Gain& gain) {
        double mean = 0;
        for (isize k = 0; k < mixture_->components(); ++k) {
            if (mixture_->rotated()) {
                pulled_.col(k).matrix().noalias() = axes(k).matrix().transpose() * v.matrix();
            } else {
                pulled_.col(k) = v;
            }
            slopes_(k) = (part(k) * pulled_.col(k)).sum();
            mean += responsibilities_(k) * slopes_(k);
        }
        return expect([&](isize k) {
            return gain(k) * precisions_.col(k) * pulled_.col(k) - (slopes_(k) - mean) * whitened_.col(k);
        });
    }

    const gaussian_mixture* mixture_;
    noise_level<Real> level_{0, 0};
    batch<Real> precisions_;  // 1 / (α² λ + σ²), D × K
    column log_weights_;      // with the normalization constants of the densities
    batch<Real> whitened_;    // q, D × K
    column responsibilities_;
    column x_;
    column along_axes_;
    column sum_;
    column mean_;
    batch<Real> pulled_;  // Vᵀ v, D × K
    column slopes_;       // (expectation of component k) · v
    double log_density_ = 0;
};

/// Evaluates batches sample by sample in parallel, with scratch memory for each thread.
class mixture_pass {
public:
    /// The mixture must outlive it.
    mixture_pass(const gaussian_mixture& mixture, isize samples) : mixture_(&mixture) { reserve(samples); }

    /// Calls take(n, view) with the view of each sample at its noise level. Allocates only for more threads or samples
    /// than before.
    /// @throws shape_error if xt has not D rows; what level_of throws
    template <Scalar S, class LevelOf, class Take>
    void operator()(std::string_view where, batch_view<const S> xt, const LevelOf& level_of, const Take& take) {
        if (xt.rows() != mixture_->dimension()) {
            throw shape_error(where, "dimension of the mixture", mixture_->dimension(), xt.rows());
        }
        const isize workers = reserve(xt.columns());
        std::atomic<isize> next{0};
        parallel_for(workers, 1, [&](isize worker, isize) {
            mixture_view<double>& view = views_[static_cast<std::size_t>(worker)];
            for (isize first = next.fetch_add(grain()); first < xt.columns(); first = next.fetch_add(grain())) {
                for (isize n = first; n < std::min(first + grain(), xt.columns()); ++n) {
                    const noise_level<double> level = level_of(n);
                    require_level(where, level);
                    view.set_sample(xt.column(n), level);
                    take(n, view);
                }
            }
        });
    }

private:
    /// The number of samples per task.
    [[nodiscard]] isize grain() const noexcept {
        const isize work = mixture_->components() * mixture_->dimension();
        return std::max<isize>(1, 16384 / (work * (mixture_->rotated() ? mixture_->dimension() : 8)));
    }

    isize reserve(isize samples) {
        const isize workers = std::min(thread_count(), (samples + grain() - 1) / grain());
        while (static_cast<isize>(views_.size()) < workers) {
            views_.emplace_back(*mixture_);
        }
        return workers;
    }

    const gaussian_mixture* mixture_;
    std::vector<mixture_view<double>> views_;
};

}  // namespace ddpm::detail
