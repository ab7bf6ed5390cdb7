// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/robust_error.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"
#include "support/streamed.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

using kernels::detail::penalty;

/// e and the slope of its penalty, as documented.
template <class S>
struct robust_case {
    explicit robust_case(isize size) : p(size, 1), x(size, 2), y(size, 3), d(size, 4) {
        if (size > 5) {
            p[5] = x[5];  // an error of 0 where the target is x
        }
    }

    [[nodiscard]] S error(S a, S b, S scale, isize i) const {
        const S target = b == 0 ? rounded(a, x[i]) : a == 0 ? rounded(b, y[i]) : rounded(a, x[i]) + rounded(b, y[i]);
        return rounded(scale, p[i] - target);
    }

    [[nodiscard]] static S slope(penalty kind, S limit, S e) {
        if (kind == penalty::huber) {
            return std::abs(e) <= limit ? e : std::copysign(limit, e);
        }
        return e == 0 ? S(0) : std::copysign(S(1), e);
    }

    [[nodiscard]] static double value(penalty kind, S limit, S e) {
        const double size = std::abs(static_cast<double>(e)), d = static_cast<double>(limit);
        return kind == penalty::absolute ? size : size <= d ? size * size / 2 : d * (size - d / 2);
    }

    unaligned_array<S> p, x, y, d;
};

}  // namespace

TEMPLATE_TEST_CASE("penalties and their slopes are those of the formula, the same bits on every target", "[kernels]",
                   float, double) {
    using S = TestType;
    const std::array<S, 2> factors[] = {{S(0), S(1)}, {S(1), S(0)}, {S(-0.6), S(0.8)}};
    const S limit = S(0.75), scale = S(0.7), factor = S(1) / S(7);
    for (const penalty kind : {penalty::absolute, penalty::huber}) {
        for (const isize size : kernel_sizes) {
            for (const auto& pair : factors) {
                const S a = pair[0], b = pair[1];
                double first_sum = std::numeric_limits<double>::quiet_NaN();
                for_each_target([&] {
                    robust_case<S> data(size);
                    const auto sum_into = [&](S* d) {
                        return kernels::detail::robust_error(kind, size, data.p.data(), a, data.x.data(), b,
                                                             data.y.data(), scale, limit, factor, d);
                    };
                    const double sum = sum_into(data.d.data());
                    bool right = data.d.guarded();
                    double expected = 0;
                    for (isize i = 0; i < size; ++i) {
                        const S e = data.error(a, b, scale, i);
                        right = right && data.d[i] == rounded(factor, robust_case<S>::slope(kind, limit, e));
                        expected += robust_case<S>::value(kind, limit, e);
                    }
                    INFO(size << " elements, target " << a << " x + " << b << " y");
                    CHECK(right);
                    CHECK(std::abs(sum - expected) <= 1e-13 * expected);
                    first_sum = std::isnan(first_sum) ? sum : first_sum;
                    CHECK(sum == first_sum);
                    CHECK(sum_into(nullptr) == sum);
                });
            }
        }
    }
}

TEMPLATE_TEST_CASE("weights of elements multiply penalties and slopes, on every target alike", "[kernels]", float,
                   double) {
    using S = TestType;
    const S wild[] = {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity(),
                      -std::numeric_limits<S>::infinity()};
    const std::array<S, 2> factors[] = {{S(0), S(1)}, {S(1), S(0)}, {S(-0.6), S(0.8)}};
    const S limit = S(0.75), scale = S(0.7), factor = S(1) / S(7);
    for (const penalty kind : {penalty::absolute, penalty::huber}) {
        for (const isize size : kernel_sizes) {
            for (const auto& pair : factors) {
                const S a = pair[0], b = pair[1];
                INFO(size << " elements, target " << a << " x + " << b << " y");
                double first_sum = std::numeric_limits<double>::quiet_NaN();
                for_each_target([&] {
                    robust_case<S> data(size);
                    unaligned_array<S> w(size, 5);
                    for (isize i = 0; i < size; ++i) {
                        w[i] = i % 3 == 1 ? S(0) : i % 7 == 3 ? S(1) : std::abs(w[i]);
                        if (w[i] == 0) {  // what is there does not matter
                            (i % 2 == 0 ? data.p : i % 4 == 1 ? data.x : data.y)[i] = wild[i / 3 % 3];
                        }
                    }
                    const auto sum_into = [&](S* d) {
                        return kernels::detail::robust_error(kind, size, data.p.data(), a, data.x.data(), b,
                                                             data.y.data(), scale, limit, factor, d, w.data());
                    };
                    const double sum = sum_into(data.d.data());
                    bool right = data.d.guarded();
                    double expected = 0;
                    for (isize i = 0; i < size; ++i) {
                        const S e = w[i] == 0 ? S(0) : data.error(a, b, scale, i);
                        const S slope = rounded(factor, robust_case<S>::slope(kind, limit, e));
                        right = right && data.d[i] == rounded(w[i], slope);
                        expected += static_cast<double>(w[i]) * robust_case<S>::value(kind, limit, e);
                    }
                    CHECK(right);
                    CHECK(std::abs(sum - expected) <= 1e-13 * expected);
                    first_sum = std::isnan(first_sum) ? sum : first_sum;
                    CHECK(sum == first_sum);
                    CHECK(sum_into(nullptr) == sum);
                });
            }
        }
    }
}

TEMPLATE_TEST_CASE("weights of 1 change no bit of penalties, and a batch counts its own", "[kernels]", float, double) {
    using S = TestType;
    const auto terms_of = [](isize n) {
        return kernels::detail::robust_terms<S>{S(0.6), S(0.8), 1.0 / static_cast<double>(n + 1), S(0.5), S(0.1)};
    };
    for (const auto& shape : {std::array<isize, 2>{1, 1}, {37, 900}, {40000, 2}}) {
        const isize rows = shape[0], columns = shape[1];
        const batch<S> p = batch<S>::Random(rows, columns), x = batch<S>::Random(rows, columns),
                       y = batch<S>::Random(rows, columns), ones = batch<S>::Constant(rows, columns, S(1));
        const batch<S> all_twos = batch<S>::Constant(rows + 3, columns, S(2));
        const batch_view<const S> twos = batch_view<const S>(all_twos).middle_rows(1, rows);
        batch<S> d(rows, columns), d_again(rows, columns);
        for (const penalty kind : {penalty::absolute, penalty::huber}) {
            for_each_target([&] {
                const auto run = [&](batch<S>& gradient, batch_view<const S> weight) {
                    return kernels::detail::robust_error<S>(kind, S(0.3), p, x, y, terms_of, gradient, nullptr, weight);
                };
                const double sum = run(d, {});
                CHECK(run(d_again, ones) == sum);
                CHECK((d_again == d).all());
                CHECK(run(d_again, twos) == 2 * sum);
                CHECK((d_again == S(2) * d).all());
            });
        }
    }
}

TEMPLATE_TEST_CASE("an error that is not finite reaches the sum of penalties", "[kernels]", float, double) {
    using S = TestType;
    for (const penalty kind : {penalty::absolute, penalty::huber}) {
        for_each_target([&] {
            for (const isize at : {0, 20, 36}) {
                robust_case<S> data(37);
                const auto sum = [&](S a) {
                    return kernels::detail::robust_error(kind, 37, data.p.data(), a, data.x.data(), S(1), data.y.data(),
                                                         S(1), S(1), S(1), data.d.data());
                };
                data.x[at] = std::numeric_limits<S>::quiet_NaN();
                CHECK(std::isfinite(sum(0)));  // an array with factor 0 is not read
                CHECK(std::isnan(sum(S(0.5))));
                data.p[at] = std::numeric_limits<S>::infinity();
                CHECK(sum(0) == std::numeric_limits<double>::infinity());
            }
        });
    }
}

TEMPLATE_TEST_CASE("the penalty of a batch is the weighted sum over its columns, whatever the thread count",
                   "[kernels]", float, double) {
    using S = TestType;
    const auto terms_of = [](isize n) {
        return kernels::detail::robust_terms<S>{static_cast<S>(n % 3), S(0.8), 1.0 / static_cast<double>(n + 1), S(0.5),
                                                S(0.1)};
    };
    for (const auto& shape : {std::array<isize, 2>{0, 3}, {3, 0}, {1, 1}, {7, 9000}, {40000, 2}}) {
        const isize rows = shape[0], columns = shape[1];
        const batch<S> p = batch<S>::Random(rows, columns), x = batch<S>::Random(rows, columns),
                       y = batch<S>::Random(rows, columns);
        batch<S> d(rows, columns), d_again(rows, columns);
        for (const penalty kind : {penalty::absolute, penalty::huber}) {
            const auto run = [&](batch<S>& gradient, double* errors) {
                return kernels::detail::robust_error<S>(kind, S(0.3), batch_view<const S>(p), batch_view<const S>(x),
                                                        batch_view<const S>(y), terms_of, batch_view<S>(gradient),
                                                        errors);
            };
            set_thread_count(1);
            const double sum = run(d, nullptr);
            for (const isize threads : {1, 3}) {
                set_thread_count(threads);
                CHECK(run(d_again, nullptr) == sum);
                CHECK((d_again == d).all());
                std::vector<double> errors(static_cast<std::size_t>(columns));
                d_again.setZero();
                CHECK(std::abs(run(d_again, errors.data()) - sum) <= 1e-12 * sum);
                CHECK((d_again == d).all());
                double total = 0;
                for (isize n = 0; n < columns; ++n) {
                    total += terms_of(n).weight * errors[static_cast<std::size_t>(n)];
                }
                CHECK(std::abs(total - sum) <= 1e-12 * sum);
            }
        }
    }
    set_thread_count(0);
}

TEMPLATE_TEST_CASE("penalties' gradients are the same with streaming stores", "[kernels]", float, double) {
    using S = TestType;
    const isize size = 150;
    const unaligned_array<S> p(size, 1), x(size, 2), y(size, 3);
    for_each_target([&] {
        check_streaming<S>(size, [&](S* d, bool stream) {
            static_cast<void>(kernels::detail::robust_error<S>(kernels::detail::penalty::huber, size, p.data(), S(0.5),
                                                               x.data(), S(2), y.data(), S(3), S(1), S(2), d, nullptr,
                                                               stream));
        });
    });
}

}  // namespace ddpm::test
