// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/nn/condition.hpp>
#include <ddpm/nn/network.hpp>
#include <ddpm/nn/session.hpp>
#include <ddpm/nn/variance_head.hpp>
#include <ddpm/nn/vector_jacobian.hpp>
#include <ddpm/process/edm_preconditioning.hpp>
#include <ddpm/process/parameterization.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A network with EDM's preconditioning around it, to be trained as a whole: it predicts x_0, and its time is σ, of
/// x = x_0 + σ ε (`variance_exploding`). Parameters keep the names that they have within. Sampling needs nothing else:
/// it is a predictor for grids whose times are σ.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
template <nn::Network Net>
class edm_network {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0, or if the network has a variance head
    explicit edm_network(Net network, const edm_preconditioning& options = {})
        : network_(std::move(network)), options_(options) {
        detail::require_valid("edm_network", options);
        if (nn::has_variance_head(network_)) {
            throw value_error("edm_network", "network", "one without a variance head", "one with");
        }
    }

    /// The network within.
    [[nodiscard]] const Net& network() const noexcept { return network_; }
    [[nodiscard]] const edm_preconditioning& preconditioning() const noexcept { return options_; }
    [[nodiscard]] sample_shape shape() const { return network_.shape(); }
    [[nodiscard]] prediction predicts() const noexcept { return prediction::x0; }

    [[nodiscard]] isize samples_at_once() const
        requires requires(const Net& net) { net.samples_at_once(); }
    {
        return network_.samples_at_once();
    }

    /// That of the network within, and what it is given.
    class workspace : public Net::workspace {
        friend edm_network;

        workspace(typename Net::workspace within, isize rows, isize samples)
            : Net::workspace(std::move(within)),
              x_(rows, samples),
              dout_(rows, samples),
              coefficients_(static_cast<std::size_t>(samples)),
              times_(coefficients_.size()) {}

        batch<scalar> x_, dout_;  // the samples of the network, and the gradient of its output
        std::vector<edm_coefficients> coefficients_;
        std::vector<double> times_;
    };

    [[nodiscard]] workspace plan(isize samples, [[maybe_unused]] bool for_backward = true) const {
        const isize rows = shape().size();
        if constexpr (requires { network_.plan(samples, for_backward); }) {
            return workspace(network_.plan(samples, for_backward), rows, samples);
        } else {
            return workspace(network_.plan(samples), rows, samples);
        }
    }

    /// @shape x and out D × N; t N, the σ of each sample
    /// @throws shape_error if the shapes do not fit, or the workspace is for fewer samples; value_error unless every
    /// σ > 0
    void forward(batch_view<const scalar> x, std::span<const double> t, batch_view<scalar> out, workspace& w) const {
        run_forward(x, t, out, w, [&](auto in, auto times) { network_.forward(in, times, out, w); });
    }
    void forward(batch_view<const scalar> x, std::span<const double> t, const nn::condition<scalar>& given,
                 batch_view<scalar> out, workspace& w) const
        requires nn::takes_condition<Net>
    {
        run_forward(x, t, out, w, [&](auto in, auto times) { network_.forward(in, times, given, out, w); });
    }

    /// Adds the gradient of the parameters to d, and writes that of the samples to dx where it is wanted, after forward
    /// of the same batch in the same workspace.
    /// @shape dout as out, dx as x
    /// @throws shape_error as forward does
    void backward(batch_view<const scalar> x, std::span<const double> t, batch_view<const scalar> dout, workspace& w,
                  edm_network& d) const {
        run_backward(x, t, dout, w, [&](auto in, auto times, auto din) {
            network_.backward(in, times, din, w, d.network_);
        });
    }
    void backward(batch_view<const scalar> x, std::span<const double> t, batch_view<const scalar> dout, workspace& w,
                  edm_network& d, batch_view<scalar> dx) const
        requires(nn::InputGradientNetwork<Net> && !nn::takes_condition<Net>)
    {
        run_backward(x, t, dout, w, [&](auto in, auto times, auto din) {
            network_.backward(in, times, din, w, d.network_, dx);
        });
        add_skipped(w, dout, dx);
    }
    void backward(batch_view<const scalar> x, std::span<const double> t, const nn::condition<scalar>& given,
                  batch_view<const scalar> dout, workspace& w, edm_network& d) const
        requires nn::takes_condition<Net>
    {
        run_backward(x, t, dout, w, [&](auto in, auto times, auto din) {
            network_.backward(in, times, given, din, w, d.network_);
        });
    }
    void backward(batch_view<const scalar> x, std::span<const double> t, const nn::condition<scalar>& given,
                  batch_view<const scalar> dout, workspace& w, edm_network& d, batch_view<scalar> dx) const
        requires(nn::InputGradientNetwork<Net> && nn::takes_condition<Net>)
    {
        run_backward(x, t, dout, w, [&](auto in, auto times, auto din) {
            network_.backward(in, times, given, din, w, d.network_, dx);
        });
        add_skipped(w, dout, dx);
    }

    /// A predictor for one run that owns its workspace.
    [[nodiscard]] nn::network_session<edm_network> session(isize samples) const { return {*this, samples}; }
    [[nodiscard]] nn::network_session<edm_network> session(isize samples, const nn::condition<scalar>& given) const
        requires nn::takes_condition<Net>
    {
        return {*this, samples, given};
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        Net::visit(self.network_, visitor);
    }

private:
    void require_fit(batch_view<const scalar> x, std::span<const double> t, batch_view<const scalar> out,
                     const workspace& w) const {
        detail::require_same_shape("edm_network", "output has the shape of x", x, out);
        if (x.rows() != w.x_.rows() || static_cast<isize>(t.size()) != x.columns()) {
            throw shape_error("edm_network", "elements of a sample, and times",
                              detail::text(w.x_.rows(), " and ", x.columns()),
                              detail::text(x.rows(), " and ", t.size()));
        }
        if (x.columns() > w.x_.cols()) {
            throw shape_error("edm_network", "samples in the workspace", detail::text("<= ", w.x_.cols()), x.columns());
        }
    }

    /// Some coefficients of sample n.
    template <class... Of>
    [[nodiscard]] static auto factors(const workspace& w, Of... of) {
        return [&w, of...](isize n) {
            return std::array{static_cast<scalar>(w.coefficients_[static_cast<std::size_t>(n)].*of)...};
        };
    }

    template <class Run>
    void run_forward(batch_view<const scalar> x, std::span<const double> t, batch_view<scalar> out, workspace& w,
                     const Run& run) const {
        require_fit(x, t, out, w);
        for (std::size_t n = 0; n < t.size(); ++n) {
            w.coefficients_[n] = options_.at(t[n]);
            w.times_[n] = w.coefficients_[n].time;
        }
        const batch_view<scalar> in = batch_view<scalar>(w.x_).middle(0, x.columns());
        kernels::linear_combination<scalar>({x}, factors(w, &edm_coefficients::in), in);
        run(batch_view<const scalar>(in), std::span<const double>(w.times_).first(t.size()));
        kernels::linear_combination<scalar>({x, out}, factors(w, &edm_coefficients::skip, &edm_coefficients::out), out);
    }

    template <class Run>
    void run_backward(batch_view<const scalar> x, std::span<const double> t, batch_view<const scalar> dout,
                      workspace& w, const Run& run) const {
        require_fit(x, t, dout, w);
        const batch_view<scalar> din = batch_view<scalar>(w.dout_).middle(0, x.columns());
        kernels::linear_combination<scalar>({dout}, factors(w, &edm_coefficients::out), din);
        run(batch_view<const scalar>(w.x_).middle(0, x.columns()), std::span<const double>(w.times_).first(t.size()),
            batch_view<const scalar>(din));
    }

    /// From the gradient of the network's samples that of x.
    static void add_skipped(const workspace& w, batch_view<const scalar> dout, batch_view<scalar> dx) {
        if (dx.size() != 0) {
            kernels::linear_combination<scalar>({dx, dout}, factors(w, &edm_coefficients::in, &edm_coefficients::skip),
                                                dx);
        }
    }

    Net network_;
    edm_preconditioning options_;
};

}  // namespace ddpm
