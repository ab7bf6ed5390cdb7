// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/differentiable.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/evaluate.hpp"
#include "support/gradient_check.hpp"
#include "support/mixtures.hpp"
#include "support/smallest_networks.hpp"

#include <vector>

namespace ddpm::test {
namespace {

/// Predicts t x_i x_{i+1} for element i, with the first element after the last.
struct neighbours_product {
    void operator()(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) const {
        for (isize n = 0; n < xt.columns(); ++n) {
            for (isize i = 0; i < xt.rows(); ++i) {
                out.prediction(i, n) = t[static_cast<std::size_t>(n)] * xt(i, n) * xt(next(i, xt.rows()), n);
            }
        }
    }

    void vector_jacobian(batch_view<const double> xt, std::span<const double> t, batch_view<const double> v,
                         batch_view<double> out) const {
        out.array().setZero();
        for (isize n = 0; n < xt.columns(); ++n) {
            for (isize i = 0; i < xt.rows(); ++i) {
                const isize j = next(i, xt.rows());
                out(i, n) += t[static_cast<std::size_t>(n)] * v(i, n) * xt(j, n);
                out(j, n) += t[static_cast<std::size_t>(n)] * v(i, n) * xt(i, n);
            }
        }
    }

    static isize next(isize i, isize rows) { return (i + 1) % rows; }
};

struct product_of_views_alone : neighbours_product {
    void vector_jacobian(batch_view<const double>&, std::span<const double>&, batch_view<const double>&,
                         batch_view<double>&) const {}
};

struct product_of_temporaries_alone : neighbours_product {
    void vector_jacobian(batch_view<const double>&&, std::span<const double>&&, batch_view<const double>&&,
                         batch_view<double>&&) const {}
};

struct product_without_prediction {
    void vector_jacobian(batch_view<const double>, std::span<const double>, batch_view<const double>,
                         batch_view<double>) const {}
};

static_assert(DifferentiablePredictor<neighbours_product, double> && DifferentiableLike<neighbours_product&, double>);
static_assert(!DifferentiablePredictor<neighbours_product, float> && !DifferentiableLike<neighbours_product, float>);
static_assert(!DifferentiablePredictor<product_of_views_alone, double>);
static_assert(!DifferentiablePredictor<product_of_temporaries_alone, double>);
static_assert(!DifferentiablePredictor<product_without_prediction, double>);
static_assert(!DifferentiablePredictor<int, double> && !DifferentiableLike<int, double>);
// A network is no predictor itself, but its sessions are.
static_assert(DifferentiablePredictor<network_session<nn::mlp<float>>, float>);
static_assert(!DifferentiablePredictor<nn::unet<float>, float>);
static_assert(DifferentiableLike<nn::unet<float>, float> && !DifferentiableLike<nn::unet<float>, double>);
static_assert(DifferentiableLike<const line_network<double>&, double>);
static_assert(DifferentiableLike<predicting<const nn::mlp<double>&>, double>);

/// The gradient of Σ v · prediction against its central differences.
template <class P>
void check_product(const P& predictor, isize rows, const std::vector<double>& t) {
    static_assert(DifferentiableLike<P, double>);
    const isize samples = static_cast<isize>(t.size());
    batch<double> x = random_batch(rows, samples, 2), gradient = batch<double>::Constant(rows, samples, 9);
    const batch<double> v = random_batch(rows, samples, 3);
    auto&& session = session_of(predictor, samples);
    session.vector_jacobian(batch_view<const double>(x), std::span<const double>(t), batch_view<const double>(v),
                            batch_view<double>(gradient));
    const auto sum = [&] { return (call<double>(session, x, t) * v).sum(); };
    CHECK(gradient_error(elements(x), elements(gradient), sum) < 1e-7);
}

}  // namespace

TEST_CASE("a vector-Jacobian product is each sample's gradient of the sum of v times the prediction", "[predictor]") {
    check_product(neighbours_product{}, 3, {1, 0.5, 2});
    const auto line = [] {
        line_network<double> net;
        disturb(net, 0.5, 4);
        return net;
    }();
    check_product(line, 4, {1, 2});
    check_product(predicts(line, prediction::v), 4, {1, 2});
    told_network<double> told;
    disturb(told, 0.5, 4);
    const some_conditions<double> given(told.takes(), 2, 3);
    check_product(conditioned(told, given.all()), 4, {1, 2, 3});
    const noise_schedule schedule{cosine_beta{}, 20};
    for (const named_mixture& named : all_mixtures(2)) {
        check_product(mixture_oracle(named.mixture, schedule, prediction::v), 2, {3, 12});
    }
}

}  // namespace ddpm::test
