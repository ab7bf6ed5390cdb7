// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/q_sample.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"

#include <array>

namespace ddpm::test {

namespace {

constexpr kernels::normal_address q_sample_address{
    .seed = 0xfedcba9876543210, .stream = 7, .step = 12, .sample = 0xfffffff0u};

template <class S>
noise_level<S> level_of(isize n) {
    return {S(1) / static_cast<S>(n + 1), S(0.7) + static_cast<S>(n)};
}

}  // namespace

TEMPLATE_TEST_CASE("q_sample has the bits of the normals and of the scalar formula on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    const auto check = [](isize rows, isize columns) {
        const isize stride = rows + 3;
        const unaligned_array<S> x(stride * columns, 1);
        unaligned_array<S> normals(stride * columns, 2), eps(normals), out(normals), dropped(normals);
        const unaligned_array<S> before = normals;
        const auto view = [&](unaligned_array<S>& a) { return batch_view<S>(a.data(), rows, columns, stride); };
        const batch_view<const S> x0(x.data(), rows, columns, stride);
        kernels::philox_normal(q_sample_address, view(normals));
        kernels::detail::q_sample(q_sample_address, x0, level_of<S>, view(eps), view(out));
        kernels::detail::q_sample(q_sample_address, x0, level_of<S>, batch_view<S>(), view(dropped));
        bool right = eps.guarded() && out.guarded() && dropped.guarded();
        for (isize i = 0; i < out.size(); ++i) {
            const auto [scale, sigma] = level_of<S>(i / stride);
            const bool inside = i % stride < rows;
            right = right && eps[i] == normals[i] && dropped[i] == out[i] &&
                    out[i] == (inside ? rounded(scale, x[i]) + rounded(sigma, normals[i]) : before[i]);
        }
        INFO(rows << " x " << columns);
        CHECK(right);
    };
    for_each_target([&] {
        for (const isize rows : kernel_sizes) {
            check(rows, 3);
        }
        check(5, 0);
        check(1, 200);   // more columns than levels are held at once
        check(3, 6000);  // several tasks of many columns
        check(16384, 2);
        check(40000, 2);  // several blocks of a column
    });
}

TEMPLATE_TEST_CASE("q_sample works in place and does not depend on the thread count", "[kernels]", float, double) {
    using S = TestType;
    for (const auto& [rows, columns] : {std::array<isize, 2>{40000, 3}, {100, 1000}}) {
        const batch<S> x = batch<S>::Random(rows, columns);
        batch<S> first(rows, columns), eps(rows, columns);
        kernels::detail::q_sample<S>(q_sample_address, x, level_of<S>, eps, first);
        for (const isize threads : {1, 2, 5}) {
            set_thread_count(threads);
            batch<S> in_place = x;
            kernels::detail::q_sample<S>(q_sample_address, in_place, level_of<S>, {}, in_place);
            CHECK((in_place == first).all());
        }
    }
    set_thread_count(0);
}

}  // namespace ddpm::test
