// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/linear_combination.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"
#include "support/rounding.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace ddpm::test {

namespace {

/// a · x + b · y + c · z + d · w, the first `terms` of it, from left to right.
template <class S>
struct combination_case {
    explicit combination_case(isize size) : x(size, 1, true), y(size, 2, true), z(size, 3), w(size, 4), out(size, 5) {}

    [[nodiscard]] S expected(int terms, isize i) const {
        S sum = rounded(a, x[i]) + rounded(b, y[i]);
        sum = terms > 2 ? sum + rounded(c, z[i]) : sum;
        return terms > 3 ? sum + rounded(d, w[i]) : sum;
    }

    void run(int terms, S* to) const {
        if (terms == 2) {
            kernels::linear_combination(x.size(), {a, b}, {x.data(), y.data()}, to);
        } else if (terms == 3) {
            kernels::linear_combination(x.size(), {a, b, c}, {x.data(), y.data(), z.data()}, to);
        } else {
            kernels::linear_combination(x.size(), {a, b, c, d}, {x.data(), y.data(), z.data(), w.data()}, to);
        }
    }

    S a = S(0.3), b = S(-1.7), c = S(1) / S(3), d = S(1e-3);
    unaligned_array<S> x, y, z, w, out;
};

}  // namespace

TEMPLATE_TEST_CASE("linear combinations have the bits of the scalar formula on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    for_each_target([] {
        for (const isize size : kernel_sizes) {
            for (const int terms : {2, 3, 4}) {
                combination_case<S> data(size);
                data.run(terms, data.out.data());
                bool right = data.out.guarded();
                for (isize i = 0; i < size; ++i) {
                    right = right && same(data.out[i], data.expected(terms, i));
                }
                INFO(terms << " terms of " << size);
                CHECK(right);
            }
        }
    });
}

TEMPLATE_TEST_CASE("a linear combination may be written over any of its inputs", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        for (const int terms : {2, 3, 4}) {
            for (int which = 0; which < terms; ++which) {
                combination_case<S> data(1000);
                data.run(terms, data.out.data());
                unaligned_array<S>* const inputs[] = {&data.x, &data.y, &data.z, &data.w};
                data.run(terms, inputs[which]->data());
                bool right = true;
                for (isize i = 0; i < 1000; ++i) {
                    right = right && same((*inputs[which])[i], data.out[i]);
                }
                INFO(terms << " terms, over input " << which);
                CHECK(right);
            }
        }
    });
}

TEMPLATE_TEST_CASE("the columns of a batch have their own factors", "[kernels]", float, double) {
    using S = TestType;
    const auto factors_of = [](isize n) {
        return std::array{S(0.3) + static_cast<S>(n), S(1) / static_cast<S>(n + 3)};
    };
    for_each_target([&] {
        for (const auto& [rows, columns] : {std::array<isize, 2>{0, 3}, {3, 0}, {1, 9}, {5, 4000}, {16385, 2}}) {
            const isize stride = rows + 3;
            unaligned_array<S> x(stride * columns, 1), y(stride * columns, 2), out(stride * columns, 3);
            const unaligned_array<S> before = out;
            kernels::linear_combination({batch_view<const S>(x.data(), rows, columns, stride),
                                         batch_view<const S>(y.data(), rows, columns, stride)},
                                        factors_of, batch_view<S>(out.data(), rows, columns, stride));
            bool right = out.guarded();
            for (isize i = 0; i < out.size(); ++i) {
                const auto [a, b] = factors_of(i / stride);
                right = right && out[i] == (i % stride < rows ? rounded(a, x[i]) + rounded(b, y[i]) : before[i]);
            }
            INFO(rows << " x " << columns);
            CHECK(right);
        }
    });
}

TEMPLATE_TEST_CASE("batches beyond the caches are combined like small ones", "[kernels]", float, double) {
    using S = TestType;
    constexpr isize rows = 1 << 20;
    constexpr isize columns = kernels::detail::streaming_bytes / (rows * static_cast<isize>(sizeof(S)));
    const batch<S> x = batch<S>::Random(rows, columns), y = batch<S>::Random(rows, columns);
    const auto factors_of = [](isize n) { return std::array{S(0.3) + static_cast<S>(n), S(-1.7)}; };
    batch<S> expected(rows, columns);
    for (isize n = 0; n < columns; ++n) {
        const auto [a, b] = factors_of(n);
        const S* const from[] = {x.col(n).data(), y.col(n).data()};
        kernels::linear_combination(rows, {a, b}, from, expected.col(n).data());
    }
    for_each_target([&] {
        for (const isize threads : {1, 3}) {
            set_thread_count(threads);
            batch<S> out = batch<S>::Zero(rows, columns);
            CHECK(kernels::detail::should_stream(batch_view<S>(out), batch_view<const S>(x)));
            CHECK_FALSE(kernels::detail::should_stream(batch_view<S>(out), batch_view<S>(out)));
            kernels::linear_combination({batch_view<const S>(x), batch_view<const S>(y)}, factors_of,
                                        batch_view<S>(out));
            CHECK((out == expected).all());
        }
    });
    set_thread_count(0);
    CHECK_FALSE(kernels::detail::should_stream(batch_view<S>(expected.data() + 1, rows, columns, rows)));
}

TEST_CASE("a linear combination refuses shapes that differ", "[kernels]") {
    const batch<float> x = batch<float>::Ones(4, 3), low = batch<float>::Ones(3, 3);
    batch<float> out(4, 3), few(4, 2);
    const auto combine = [](const batch<float>& a, const batch<float>& b, batch<float>& to) {
        kernels::linear_combination<float>(
            {batch_view<const float>(a), batch_view<const float>(b)},
            [](isize) {
                return std::array{1.0F, 2.0F};
            },
            to);
    };
    CHECK_NOTHROW(combine(x, x, out));
    CHECK_THROWS_AS(combine(x, low, out), shape_error);
    CHECK_THROWS_AS(combine(low, x, out), shape_error);
    CHECK_THROWS_AS(combine(x, x, few), shape_error);
}

TEMPLATE_TEST_CASE("linear combinations keep their bound of roundings on every target", "[kernels]", float, double) {
    using S = TestType;
    constexpr isize size = 1003;
    random_numbers random;
    const batch<S> x = random.values<S>(size, 4), by = random.values<S>(4, 1);
    batch<S> out(size, 1);
    const auto check = [&]<std::size_t Terms>(const S(&factor)[Terms]) {
        const S* in[Terms];
        for (std::size_t k = 0; k < Terms; ++k) {
            in[k] = x.col(static_cast<isize>(k)).data();
        }
        kernels::linear_combination<S, Terms>(size, factor, in, out.data());
        bool right = true;
        for (isize i = 0; i < size; ++i) {
            long double exact = 0, sum = 0;
            for (std::size_t k = 0; k < Terms; ++k) {
                const long double product = static_cast<long double>(factor[k]) * in[k][i];
                exact += product;
                sum += std::abs(product);
            }
            right = right && within(out(i), exact, roundings<S>(Terms) * sum);
        }
        INFO(Terms << " terms");
        CHECK(right);
    };
    for_each_target([&] {
        check({by(0)});
        check({by(0), by(1)});
        check({by(0), by(1), by(2)});
        check({by(0), by(1), by(2), by(3)});
    });
}

}  // namespace ddpm::test
