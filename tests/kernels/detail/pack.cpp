// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/pack.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/ulp.hpp"

#define DDPM_KERNEL_BODY "kernels/pack_operations.inl.hpp"
#include <ddpm/kernels/detail/foreach_target.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("operations of packs have the bits of the scalar ones on every target", "[kernels]", float, double) {
    using S = TestType;
    using limits = std::numeric_limits<S>;
    const S numbers[] = {0,
                         -S(0),
                         1,
                         -1,
                         S(2.5),
                         limits::infinity(),
                         -limits::infinity(),
                         -7,
                         8,
                         limits::max(),
                         limits::min(),
                         limits::denorm_min(),
                         limits::quiet_NaN()};
    std::vector<S> a, b, n;
    for (const S x : numbers) {
        for (const S y : numbers) {
            a.push_back(x);
            b.push_back(y);
        }
    }
    const int reach = 2 * limits::max_exponent - 2;
    while (a.size() % 16 != 0 || static_cast<int>(a.size()) < 2 * reach) {
        a.push_back(1);
        b.push_back(-2);
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        n.push_back(static_cast<S>(static_cast<int>(i % static_cast<std::size_t>(2 * reach)) - reach));
    }
    for_each_target([&] {
        std::vector<S> smaller(a.size()), larger(a.size()), scaled(a.size()), with_sign(a.size());
        DDPM_DISPATCH(all_pack_operations<S>)
        (static_cast<isize>(a.size()), a.data(), b.data(), n.data(), smaller.data(), larger.data(), scaled.data(),
         with_sign.data());
        bool right = true;
        for (std::size_t i = 0; i < a.size(); ++i) {
            right = right && same(smaller[i], a[i] < b[i] ? a[i] : b[i]) && same(larger[i], a[i] > b[i] ? a[i] : b[i]);
            right = right && same(scaled[i], std::ldexp(S(1.25), static_cast<int>(n[i])));
            right = right && same(with_sign[i], std::copysign(a[i], b[i]));
        }
        CHECK(right);
    });
}

}  // namespace ddpm::test
