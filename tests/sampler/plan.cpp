// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/plan.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <limits>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a step is the combination that it says, in place", "[sampler]", float, double) {
    using S = TestType;
    const one_step_plan plan({{.t = 3, .level = {0.6, 0.8}, .x0 = 2, .xt = 3, .eps = 5, .sigma = 7},
                              {.t = 1, .level = {0.6, 0.8}, .x0 = 2, .xt = 3, .eps = 5, .sigma = 0}});
    batch<S> x0 = pattern<S>(7, 5, 1), eps = pattern<S>(7, 5, 2);
    const batch<S> xt = pattern<S>(7, 5, 3), z = pattern<S>(7, 5, 4);
    batch<S> x = xt;
    plan.advance<S>(0, x, {x0, eps}, z);
    CHECK((x - (S{2} * x0 + S{3} * xt + S{5} * eps + S{7} * z)).abs().maxCoeff() < S(1e-5));

    // Without noise z is not read.
    const batch<S> nan = batch<S>::Constant(7, 5, std::numeric_limits<S>::quiet_NaN());
    x = xt;
    plan.advance<S>(1, x, {x0, eps}, nan);
    CHECK((x - (S{2} * x0 + S{3} * xt + S{5} * eps)).abs().maxCoeff() < S(1e-5));
    CHECK(plan.steps() == 2);
    CHECK(plan[1].t == 1);
}

}  // namespace ddpm::test
