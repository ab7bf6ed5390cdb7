// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/process/edm_preconditioning.hpp>
#include <ddpm/process/parameterization.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A network wrapped in EDM's preconditioning, to be trained as a whole. It predicts x_0, and its time is the σ of x =
/// x_0 + σ ε (`variance_exploding`). Parameters keep the names of the inner network. It is itself the predictor to
/// sample with, on grids whose times are σ.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1
template <Network Net>
class edm_network : public network_base {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0, or if the network has a variance head
    explicit edm_network(Net network, const edm_preconditioning& options = {})
        : network_(std::move(network)), options_(options) {
        require_valid("edm_network", options);
        detail::require(!network_.has_variance_head(), "edm_network", "network", {"one without a variance head"},
                        {"one with"});
    }

    [[nodiscard]] const Net& network() const noexcept { return network_; }
    [[nodiscard]] const edm_preconditioning& preconditioning() const noexcept { return options_; }
    [[nodiscard]] prediction predicts() const noexcept { return prediction::x0; }

    /// The shape of a sample of the inner network.
    [[nodiscard]] sample_shape shape() const { return network_.shape(); }

    /// The condition that the inner network takes.
    [[nodiscard]] condition_shape takes() const { return network_.takes(); }

    /// How many samples one thread should process at once: as the inner network.
    [[nodiscard]] isize samples_at_once() const { return network_.samples_at_once(); }

    /// The workspace of the inner network, its inputs and the gradient of its output.
    class workspace {
        friend edm_network;

        workspace(typename Net::workspace within, isize rows, isize samples)
            : within_(std::move(within)),
              x_(rows, samples),
              dout_(rows, samples),
              coefficients_(static_cast<std::size_t>(samples)),
              times_(coefficients_.size()) {}

        typename Net::workspace within_;
        batch<scalar> x_, dout_;  // c_in · x, and the gradient of the inner output
        std::vector<edm_coefficients> coefficients_;
        std::vector<double> times_;
    };

    /// Memory for up to `samples` samples. It does not grow: forward and backward refuse larger batches.
    /// @throws what make_workspace of the inner network throws
    [[nodiscard]] workspace make_workspace(isize samples, pass serves) const {
        return workspace(network_.make_workspace(samples, serves), shape().size(), samples);
    }

    /// out = c_skip x + c_out F(c_in x, c_time) with the inner network F and the coefficients of each σ.
    /// @shape in.xt and out D × N; in.t N, the σ of each sample
    /// @throws shape_error if the shapes do not fit, or the workspace is for fewer samples; value_error unless every σ
    /// > 0; as the inner network
    /// @accuracy with the c of edm_preconditioning::at: c_in x at most 2 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of it,
    /// and from F of that 3 of |c_skip x| + |c_out F|
    void forward(const network_input<scalar>& in, batch_view<scalar> out, workspace& w) const {
        require_fit(in, out, w);
        for (std::size_t n = 0; n < in.t.size(); ++n) {
            w.coefficients_[n] = options_.at(in.t[n]);
            w.times_[n] = w.coefficients_[n].time;
        }
        kernels::linear_combination<scalar>({in.xt}, factors(w, &edm_coefficients::in),
                                            batch_view<scalar>(w.x_).middle(0, in.samples()));
        network_.forward(within(in, w), out, w.within_);
        kernels::linear_combination<scalar>({in.xt, out}, factors(w, &edm_coefficients::skip, &edm_coefficients::out),
                                            out);
    }

    /// After forward of the same input in the same workspace: adds the gradient of the parameters to d, and writes that
    /// of the samples to dx unless dx is empty: dx = c_skip dout + c_in dF, with dF the gradient of the input of F, whose
    /// output has the gradient c_out dout.
    /// @shape dout as out, dx as in.xt
    /// @throws shape_error as forward does
    /// @accuracy with the c of edm_preconditioning::at: c_out dout at most 2 roundings of it, and from dF of that 3 of
    /// |c_skip dout| + |c_in dF|
    void backward(const network_input<scalar>& in, batch_view<const scalar> dout, workspace& w, edm_network& d,
                  batch_view<scalar> dx = {}) const {
        require_fit(in, dout, w);
        const batch_view<scalar> din = batch_view<scalar>(w.dout_).middle(0, in.samples());
        kernels::linear_combination<scalar>({dout}, factors(w, &edm_coefficients::out), din);
        network_.backward(within(in, w), din, w.within_, d.network_, dx);
        if (dx.size() != 0) {
            kernels::linear_combination<scalar>({dx, dout}, factors(w, &edm_coefficients::in, &edm_coefficients::skip),
                                                dx);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        Net::visit(self.network_, visitor);
    }

private:
    /// Checks the shapes that are used here; the inner network checks the rest.
    static void require_fit(const network_input<scalar>& in, batch_view<const scalar> out, const workspace& w) {
        detail::require_same_shape("edm_network", "output has the shape of x", in.xt, out);
        detail::require<shape_error>(in.xt.rows() == w.x_.rows() && in.samples() <= w.x_.cols() &&
                                         static_cast<isize>(in.t.size()) == in.samples(),
                                     "edm_network", "elements of a sample, samples in the workspace, and times",
                                     {w.x_.rows(), ", <= ", w.x_.cols(), ", ", in.samples()},
                                     {in.xt.rows(), ", ", in.samples(), ", ", in.t.size()});
    }

    /// The input of the inner network.
    [[nodiscard]] static network_input<scalar> within(const network_input<scalar>& in, const workspace& w) {
        return {batch_view<const scalar>(w.x_).middle(0, in.samples()),
                std::span<const double>(w.times_).first(in.t.size()), in.condition, in.dropout};
    }

    /// A function of n that returns the given coefficients of sample n.
    template <class... Of>
    [[nodiscard]] static auto factors(const workspace& w, Of... of) {
        return [&w, of...](isize n) {
            return std::array{static_cast<scalar>(w.coefficients_[static_cast<std::size_t>(n)].*of)...};
        };
    }

    Net network_;
    edm_preconditioning options_;
};

}  // namespace ddpm
