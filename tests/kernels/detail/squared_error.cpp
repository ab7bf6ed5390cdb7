// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/squared_error.hpp>

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

template <class S>
struct error_case {
    explicit error_case(isize size) : p(size, 1), x(size, 2), y(size, 3), d(size, 4) {}

    [[nodiscard]] S difference(S a, S b, isize i) const {
        const S target = b == 0 ? rounded(a, x[i]) : a == 0 ? rounded(b, y[i]) : rounded(a, x[i]) + rounded(b, y[i]);
        return p[i] - target;
    }

    /// The sum as it is documented.
    [[nodiscard]] double expected(S a, S b) const {
        std::array<double, 16> sums{};
        for (isize i = 0; i < p.size(); ++i) {
            const double wide = static_cast<double>(difference(a, b, i));
            sums[static_cast<std::size_t>(i % 16)] += rounded(wide, wide);
        }
        double sum = 0;
        for (const double part : sums) {
            sum += part;
        }
        return sum;
    }

    unaligned_array<S> p, x, y, d;
};

/// The same where elements have weights, and those of weight 0 are anything.
template <class S>
struct weighted_error_case : error_case<S> {
    explicit weighted_error_case(isize size) : error_case<S>(size), w(size, 5) {
        const S wild[] = {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity(),
                          -std::numeric_limits<S>::infinity()};
        for (isize i = 0; i < size; ++i) {
            w[i] = i % 3 == 1 ? S(0) : i % 7 == 3 ? S(1) : std::abs(w[i]);
            if (w[i] == 0) {
                (i % 2 == 0 ? this->p : i % 4 == 1 ? this->x : this->y)[i] = wild[i / 3 % 3];
            }
        }
    }

    [[nodiscard]] S gradient(S a, S b, S scale, isize i) const {
        return w[i] == 0 ? S(0) : rounded(w[i], rounded(scale, this->difference(a, b, i)));
    }

    [[nodiscard]] double expected(S a, S b) const {
        std::array<double, 16> sums{};
        for (isize i = 0; i < w.size(); ++i) {
            const double wide = w[i] == 0 ? 0 : static_cast<double>(this->difference(a, b, i));
            sums[static_cast<std::size_t>(i % 16)] += rounded(static_cast<double>(w[i]), rounded(wide, wide));
        }
        double sum = 0;
        for (const double part : sums) {
            sum += part;
        }
        return sum;
    }

    unaligned_array<S> w;
};

}  // namespace

TEMPLATE_TEST_CASE("squared errors and gradients have the bits of the scalar formula on every target", "[kernels]",
                   float, double) {
    using S = TestType;
    const std::array<S, 2> factors[] = {{S(0), S(1)}, {S(1), S(0)}, {S(-0.6), S(0.8)}, {S(0), S(0)}};
    for_each_target([&] {
        for (const isize size : kernel_sizes) {
            for (const auto& [a, b] : factors) {
                error_case<S> data(size);
                const S scale = S(1) / S(7);
                const double sum = kernels::detail::squared_error(size, data.p.data(), a, data.x.data(), b,
                                                                  data.y.data(), scale, data.d.data());
                bool right = data.d.guarded();
                for (isize i = 0; i < size; ++i) {
                    right = right && data.d[i] == rounded(scale, data.difference(a, b, i));
                }
                INFO(size << " elements, target " << a << " x + " << b << " y");
                CHECK(right);
                CHECK(sum == data.expected(a, b));
                S* const no_gradient = nullptr;
                CHECK(kernels::detail::squared_error(size, data.p.data(), a, data.x.data(), b, data.y.data(), scale,
                                                     no_gradient) == sum);
            }
        }
    });
}

TEMPLATE_TEST_CASE("weights of elements multiply squares and gradients, on every target alike", "[kernels]", float,
                   double) {
    using S = TestType;
    const std::array<S, 2> factors[] = {{S(0), S(1)}, {S(1), S(0)}, {S(-0.6), S(0.8)}};
    const S scale = S(1) / S(7);
    for_each_target([&] {
        for (const isize size : kernel_sizes) {
            for (const auto& pair : factors) {
                const S a = pair[0], b = pair[1];
                INFO(size << " elements, target " << a << " x + " << b << " y");
                weighted_error_case<S> data(size);
                const auto run = [&](S* d) {
                    return kernels::detail::squared_error(size, data.p.data(), a, data.x.data(), b, data.y.data(),
                                                          scale, d, data.w.data());
                };
                const double sum = run(data.d.data());
                bool right = data.d.guarded();
                for (isize i = 0; i < size; ++i) {
                    right = right && data.d[i] == data.gradient(a, b, scale, i);
                }
                CHECK(right);
                CHECK(sum == data.expected(a, b));
                CHECK(run(nullptr) == sum);
                run(data.p.data());  // the gradient in place of the prediction
                right = data.p.guarded();
                for (isize i = 0; i < size; ++i) {
                    right = right && data.p[i] == data.d[i];
                }
                CHECK(right);
            }
        }
    });
}

TEMPLATE_TEST_CASE("weights of 1 change no bit of squared errors", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        for (const isize size : kernel_sizes) {
            error_case<S> plain(size), weighted(size);
            const std::vector<S> ones(static_cast<std::size_t>(size) + 1, S(1));
            const auto run = [&](error_case<S>& data, const S* weight) {
                return kernels::detail::squared_error(size, data.p.data(), S(0.3), data.x.data(), S(0.7), data.y.data(),
                                                      S(0.1), data.d.data(), weight);
            };
            CHECK(run(plain, nullptr) == run(weighted, ones.data()));
            bool right = true;
            for (isize i = 0; i < size; ++i) {
                right = right && plain.d[i] == weighted.d[i];
            }
            CHECK(right);
        }
    });
}

TEMPLATE_TEST_CASE("the error of a batch counts its elements by their weights, whatever the thread count", "[kernels]",
                   float, double) {
    using S = TestType;
    const auto terms_of = [](isize n) {
        return kernels::detail::error_terms<S>{S(0.6), S(0.8), 1.0 / static_cast<double>(n + 1), S(0.1)};
    };
    for (const auto& shape : {std::array<isize, 2>{1, 1}, {7, 9000}, {40000, 2}}) {
        const isize rows = shape[0], columns = shape[1];
        const batch<S> p = batch<S>::Random(rows, columns), x = batch<S>::Random(rows, columns),
                       y = batch<S>::Random(rows, columns);
        const batch<S> all_weights = batch<S>::Random(rows + 3, columns).max(0);
        const batch_view<const S> weight = batch_view<const S>(all_weights).middle_rows(1, rows);
        const batch<double> difference = (p - S(0.6) * x - S(0.8) * y).template cast<double>();
        const batch<double> squares = weight.array().template cast<double>() * difference.square();
        const batch<S> expected_d = (S(0.1) * weight.array() * difference.template cast<S>()).eval();
        double expected = 0;
        for (isize n = 0; n < columns; ++n) {
            expected += terms_of(n).weight * squares.col(n).sum();
        }
        batch<S> d(rows, columns), first_d;
        double first_sum = -1;
        for_each_target([&] {
            for (const isize threads : {1, 3}) {
                set_thread_count(threads);
                const double sum = kernels::detail::squared_error<S>(p, x, y, terms_of, d, nullptr, weight);
                first_d = first_sum < 0 ? d : first_d;
                first_sum = first_sum < 0 ? sum : first_sum;
                CHECK(sum == first_sum);
                CHECK((d == first_d).all());
                std::vector<double> errors(static_cast<std::size_t>(columns));
                CHECK(std::abs(kernels::detail::squared_error<S>(p, x, y, terms_of, d, errors.data(), weight) - sum) <=
                      1e-12 * sum);
                CHECK((d == first_d).all());
                CHECK(std::abs(errors[0] - squares.col(0).sum()) <= 1e-6 * errors[0]);
            }
        });
        CHECK(std::abs(first_sum - expected) <= 1e-6 * expected);
        CHECK((first_d - expected_d).abs().maxCoeff() <= S(1e-6));
    }
    set_thread_count(0);
}

TEST_CASE("the sum of squared errors is accurate over many elements", "[kernels]") {
    // Summed in float, the second half would be lost.
    const isize size = (1 << 20) + 5;
    const std::vector<float> p(static_cast<std::size_t>(size), 4096.0F), zero(p.size(), 0.0F);
    float* const no_gradient = nullptr;
    for_each_target([&] {
        CHECK(kernels::detail::squared_error(size, p.data(), 1.0F, zero.data(), 0.0F, zero.data(), 1.0F, no_gradient) ==
              static_cast<double>(size) * 4096.0 * 4096.0);
    });
}

TEMPLATE_TEST_CASE("an array with factor 0 is not read; NaN and infinity reach the sum", "[kernels]", float, double) {
    using S = TestType;
    const S nan = std::numeric_limits<S>::quiet_NaN(), infinity = std::numeric_limits<S>::infinity();
    for_each_target([&] {
        for (const isize at : {0, 20, 36}) {
            error_case<S> data(37);
            data.x[at] = nan;
            const auto sum = [&](S a, S b) {
                return kernels::detail::squared_error(37, data.p.data(), a, data.x.data(), b, data.y.data(), S(1),
                                                      data.d.data());
            };
            CHECK(std::isfinite(sum(0, 1)));
            CHECK(std::isnan(sum(S(0.5), 1)));
            CHECK(std::isnan(data.d[at]));
            data.p[at] = infinity;
            CHECK(sum(0, 1) == std::numeric_limits<double>::infinity());
            CHECK(data.d[at] == infinity);
        }
    });
}

TEMPLATE_TEST_CASE("the error of a batch is the weighted sum over its columns, whatever the thread count", "[kernels]",
                   float, double) {
    using S = TestType;
    const auto terms_of = [](isize n) {
        return kernels::detail::error_terms<S>{static_cast<S>(n % 3), S(0.8), 1.0 / static_cast<double>(n + 1), S(0.1)};
    };
    for (const auto& shape : {std::array<isize, 2>{0, 3}, {3, 0}, {1, 1}, {7, 9000}, {16384, 3}, {40000, 2}}) {
        const isize rows = shape[0], columns = shape[1];
        const batch<S> p = batch<S>::Random(rows, columns), x = batch<S>::Random(rows, columns),
                       y = batch<S>::Random(rows, columns);
        batch<S> d(rows, columns), first_d;
        double first_sum = 0;
        bool first = true;
        for_each_target([&] {
            for (const isize threads : {1, 3}) {
                set_thread_count(threads);
                const double sum = kernels::detail::squared_error(batch_view<const S>(p), batch_view<const S>(x),
                                                                  batch_view<const S>(y), terms_of, batch_view<S>(d));
                std::vector<double> errors(static_cast<std::size_t>(columns));
                kernels::detail::column_squared_errors<S>(
                    p, y, [](isize n) { return static_cast<double>(n); }, errors.data());
                if (first) {
                    first = false;
                    first_sum = sum;
                    first_d = d;
                    double expected = 0;
                    for (isize n = 0; n < columns; ++n) {
                        const auto terms = terms_of(n);
                        const auto difference = (p.col(n) - terms.x * x.col(n) - terms.y * y.col(n)).eval();
                        expected += terms.weight * difference.template cast<double>().square().sum();
                        CHECK((difference * S(0.1) - d.col(n)).abs().sum() <= S(1e-6) * static_cast<S>(rows));
                        const double alone =
                            static_cast<double>(n) * (p.col(n) - y.col(n)).template cast<double>().square().sum();
                        CHECK(std::abs(errors[static_cast<std::size_t>(n)] - alone) <= 1e-12 * alone);
                    }
                    CHECK(std::abs(sum - expected) <= 1e-6 * expected);
                }
                CHECK(sum == first_sum);
                CHECK((d == first_d).all());
                d.setZero();
                const double again =
                    kernels::detail::squared_error(batch_view<const S>(p), batch_view<const S>(x),
                                                   batch_view<const S>(y), terms_of, batch_view<S>(d), errors.data());
                double total = 0;
                for (isize n = 0; n < columns; ++n) {
                    total += terms_of(n).weight * errors[static_cast<std::size_t>(n)];
                }
                CHECK(again == total);
                CHECK(std::abs(again - sum) <= 1e-12 * sum);
                CHECK((d == first_d).all());
            }
        });
    }
    set_thread_count(0);
}

TEMPLATE_TEST_CASE("squared errors' gradients are the same with streaming stores", "[kernels]", float, double) {
    using S = TestType;
    const isize size = 150;
    const unaligned_array<S> p(size, 1), x(size, 2), y(size, 3);
    for_each_target([&] {
        check_streaming<S>(size, [&](S* d, bool stream) {
            static_cast<void>(kernels::detail::squared_error<S>(size, p.data(), S(0.5), x.data(), S(2), y.data(), S(3),
                                                                d, nullptr, stream));
        });
    });
}

}  // namespace ddpm::test
