// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The order of multistep methods over a whole run. The first step has one estimate only, so that the error of this one
// step is of order 2 in its size, or of order 3 with a corrector, whatever the order of the steps that follow.

#include <ddpm/sampler/deis.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/lms.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/unipc.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"

namespace ddpm::test {
namespace {

/// The order over whole runs of many steps. In shorter ones errors of several orders and signs cancel.
template <class A>
double whole_run_order(const A& sampler) {
    return convergence_order(sampler, prediction::epsilon, 1, 2560, 640);
}

}  // namespace

TEST_CASE("over a whole run a multistep method has order 2, however high that of its steps", "[sampler]") {
    const auto check = [](const auto& sampler) {
        const double order = whole_run_order(sampler);
        INFO(order);
        CHECK(order > 1.85);
        CHECK(order < 2.6);
    };
    for (const isize order : {2, 3, 4}) {
        INFO("order " << order);
        check(deis{.order = order, .lower_order_final = false});
        check(lms{order});
        for (const bool x0 : {true, false}) {
            check(unipc{.order = order, .predict_x0 = x0, .corrector = false, .lower_order_final = false});
            check(sa_solver{.predictor_order = order,
                            .corrector_order = 0,
                            .predict_x0 = x0,
                            .tau = [](double) { return 0.0; },
                            .lower_order_final = false});
        }
    }
    for (const isize order : {2, 3}) {
        for (const dpm_algorithm algorithm : {dpm_algorithm::dpmsolver, dpm_algorithm::dpmsolver_pp}) {
            check(dpm_multistep{
                .order = order, .algorithm = algorithm, .corrected_third = true, .lower_order_final = false});
        }
    }
}

TEST_CASE("over a whole run a corrected multistep method has order 3", "[sampler]") {
    for (const isize order : {2, 3, 4}) {
        for (const bool x0 : {true, false}) {
            for (const unipc_variant variant : {unipc_variant::bh1, unipc_variant::bh2}) {
                const double corrected = convergence_order(
                    unipc{.order = order, .variant = variant, .predict_x0 = x0, .lower_order_final = false},
                    prediction::epsilon, 1, 640, 80);
                const double by_sa = convergence_order(sa_solver{.predictor_order = order,
                                                                 .corrector_order = order + 1,
                                                                 .predict_x0 = x0,
                                                                 .tau = [](double) { return 0.0; },
                                                                 .lower_order_final = false},
                                                       prediction::epsilon, 1, 640, 80);
                INFO("order " << order << ", x0 " << x0 << ": " << corrected << ", " << by_sa);
                CHECK(corrected > 2.85);
                CHECK(by_sa > 2.85);
            }
        }
    }
}

}  // namespace ddpm::test
