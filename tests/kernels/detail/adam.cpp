// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/adam.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <cmath>
#include <optional>

namespace ddpm::test {

TEMPLATE_TEST_CASE("adam is the formula in torch's order, with the same bits on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    const ddpm::isize size =
        GENERATE(ddpm::isize{1}, ddpm::isize{7}, ddpm::isize{16}, ddpm::isize{61}, ddpm::isize{1000});
    const kernels::detail::adam_coefficients c{.gradient_scale = 0.25,
                                               .shrink = 0.999,
                                               .l2 = 0.01,
                                               .beta1 = 0.8,
                                               .beta2 = 0.99,
                                               .v_correction = 3,
                                               .step_size = 0.02,
                                               .epsilon = 1e-6};
    const batch<S> p0 = random_batch<S>(size, 1, 1), g = random_batch<S>(size, 1, 2), m0 = random_batch<S>(size, 1, 3),
                   v0 = random_batch<S>(size, 1, 4).square();
    std::optional<batch<S>> first;
    for_each_target([&] {
        batch<S> p = p0, m = m0, v = v0;
        kernels::detail::adam(size, p.data(), g.data(), m.data(), v.data(), c);
        if (!first) {
            first = p;
        }
        CHECK((p == *first).all());
        double worst = 0;
        for (ddpm::isize i = 0; i < size; ++i) {
            const long double gradient = 0.25L * g(i, 0) + 0.01L * p0(i, 0);
            const long double mi = 0.8L * m0(i, 0) + 0.2L * gradient,
                              vi = 0.99L * v0(i, 0) + 0.01L * gradient * gradient;
            const long double pi = 0.999L * p0(i, 0) - 0.02L * mi / (std::sqrt(vi) * 3 + 1e-6L);
            worst = std::max(
                worst, static_cast<double>(std::abs(m(i, 0) - mi) + std::abs(v(i, 0) - vi) + std::abs(p(i, 0) - pi)));
        }
        CHECK(worst <= (std::is_same_v<S, float> ? 4e-6 : 8e-15));
    });
}

}  // namespace ddpm::test
