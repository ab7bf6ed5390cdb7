// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/embedded_step.hpp>
#include <ddpm/kernels/detail/gaussian_kl.hpp>
#include <ddpm/kernels/detail/inner_product.hpp>
#include <ddpm/kernels/detail/langevin_norms.hpp>
#include <ddpm/kernels/detail/robust_error.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/detail/squared_error.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>

#include "kernels/differential/cases.hpp"
#include "support/reference_normal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>

namespace ddpm::test {

namespace {

/// Sixteen partial sums, one per element index modulo 16, which are then added in order.
class sixteen {
public:
    void add(isize i, double value) { sums_[static_cast<std::size_t>(i % 16)] += value; }
    [[nodiscard]] double total() const { return std::accumulate(sums_.begin(), sums_.end(), 0.0); }

private:
    std::array<double, 16> sums_{};
};

template <class S>
void squares(number_source& from, comparison& to) {
    const isize size = from.size();
    const guarded_array<S> x(from, size, true);
    sixteen sums;
    for (isize i = 0; i < size; ++i) {
        const auto value = static_cast<double>(x[i]);
        sums.add(i, rounded(value, value));
    }
    on_each_set([&] { to.equal(kernels::sum_of_squares(size, x.data()), sums.total(), "sum of squares"); });
}

template <class S>
void inner_products(number_source& from, comparison& to) {
    const isize size = from.size();
    const guarded_array<S> x(from, size, true), y(from, size, true);
    sixteen sums;
    for (isize i = 0; i < size; ++i) {
        sums.add(i, rounded(static_cast<double>(x[i]), static_cast<double>(y[i])));
    }
    on_each_set(
        [&] { to.equal(kernels::detail::inner_product(size, x.data(), y.data()), sums.total(), "inner product"); });
}

template <class S>
void sums_of_rows(number_source& from, comparison& to) {
    const isize rows = from.size(150), columns = from.below(9), stride = rows + from.below(4);
    const guarded_array<S> x(from, stride * columns, true), start(from, rows, true);
    guarded_array<S> expected = start;
    for (isize n = 0; n < columns; ++n) {
        for (isize i = 0; i < rows; ++i) {
            expected[i] += x[n * stride + i];
        }
    }
    on_each_set([&] {
        guarded_array<S> sums = start;
        kernels::add_row_sums<S>({x.data(), rows, columns, stride}, sums.data());
        to.equal(sums, expected, "row sums");
    });
}

/// The arrays of an error: a prediction, the two terms of its target, and weights of elements. What has weight 0 may be
/// anything.
template <class S>
struct error_data {
    explicit error_data(number_source& from)
        : size(from.size()),
          p(from, size, true),
          x(from, size, true),
          y(from, size, true),
          weight(from, size),
          has_weights(from.one_in(2)),
          a(from.one_in(3) ? S(0) : from.ordinary<S>()),
          b(a != 0 && from.one_in(3) ? S(0) : from.ordinary<S>()),
          scale(from.ordinary<S>()) {
        for (isize i = 0; i < size; ++i) {
            weight[i] = from.one_in(4) ? S(0) : std::abs(weight[i]);
        }
    }

    /// prediction − a · x − b · y, or 0 if the weight is 0.
    [[nodiscard]] S difference(isize i) const {
        if (has_weights && weight[i] == 0) {
            return S(0);
        }
        const S target = b == 0 ? rounded(a, x[i]) : a == 0 ? rounded(b, y[i]) : rounded(a, x[i]) + rounded(b, y[i]);
        return p[i] - target;
    }

    [[nodiscard]] S weighted(isize i, S value) const { return has_weights ? rounded(weight[i], value) : value; }
    [[nodiscard]] double weighted(isize i, double value) const
        requires(!std::is_same_v<S, double>)
    {
        return has_weights ? rounded(static_cast<double>(weight[i]), value) : value;
    }

    isize size;
    guarded_array<S> p, x, y, weight;
    bool has_weights;
    S a, b, scale;
};

template <class S>
void squared_errors(number_source& from, comparison& to) {
    const error_data<S> data(from);
    guarded_array<S> gradient(from, data.size);
    sixteen sums;
    for (isize i = 0; i < data.size; ++i) {
        const S difference = data.difference(i);
        const auto wide = static_cast<double>(difference);
        sums.add(i, data.weighted(i, rounded(wide, wide)));
        gradient[i] = data.weighted(i, rounded(data.scale, difference));
    }
    on_each_set([&] {
        guarded_array<S> d(from, data.size);
        const double sum =
            kernels::detail::squared_error<S>(data.size, data.p.data(), data.a, data.x.data(), data.b, data.y.data(),
                                              data.scale, d.data(), data.has_weights ? data.weight.data() : nullptr);
        to.equal(sum, sums.total(), "squared error");
        to.equal(d, gradient, "gradient of a squared error");
    });
}

template <class S>
void robust_errors(number_source& from, comparison& to) {
    const error_data<S> data(from);
    const auto kind = from.one_in(2) ? kernels::detail::penalty::huber : kernels::detail::penalty::absolute;
    const S limit = std::abs(from.ordinary<S>()), slope = from.ordinary<S>();
    guarded_array<S> gradient(from, data.size);
    sixteen sums;
    for (isize i = 0; i < data.size; ++i) {
        const S e = rounded(data.scale, data.difference(i));
        const bool huber = kind == kernels::detail::penalty::huber;
        const S most = huber ? limit : S(1), least = huber ? limit : S(0);
        const S derivative = e > least ? most : e < -least ? -most : huber ? e : S(0);
        const auto wide = static_cast<double>(e), g = static_cast<double>(derivative);
        sums.add(i, data.weighted(i, rounded(g, wide - rounded(huber ? 0.5 : 0.0, g))));
        gradient[i] = data.weighted(i, rounded(slope, derivative));
    }
    on_each_set([&] {
        guarded_array<S> d(from, data.size);
        const double sum = kernels::detail::robust_error<S>(kind, data.size, data.p.data(), data.a, data.x.data(),
                                                            data.b, data.y.data(), data.scale, limit, slope, d.data(),
                                                            data.has_weights ? data.weight.data() : nullptr);
        to.equal(sum, sums.total(), "robust error");
        to.equal(d, gradient, "gradient of a robust error");
    });
}

/// Σ x² in S over elements of equal index modulo 16 of each 64, and these in double.
template <class S>
double squares_in_fours(const guarded_array<S>& x) {
    sixteen sums;
    for (isize first = 0; first < x.size(); first += 64) {
        for (isize lane = 0; lane < 16; ++lane) {
            S four = 0;
            for (isize i = first + lane; i < std::min(first + 64, x.size()); i += 16) {
                four += rounded(x[i], x[i]);
            }
            sums.add(lane, static_cast<double>(four));
        }
    }
    return sums.total();
}

template <class S>
void langevin(number_source& from, comparison& to) {
    const isize size = from.size(), first = 64 * from.below(5);
    const kernels::normal_address at{from.word(), from.word(), from.word(), from.word()};
    const kernels::detail::score_coefficients<S> c{from.ordinary<S>(), from.ordinary<S>()};
    const guarded_array<S> xt(from, size), p(from, size);
    guarded_array<S> score(from, size), z(from, size);
    for (isize i = 0; i < size; ++i) {
        score[i] = rounded(c.xt, xt[i]) + rounded(c.value, p[i]);
        z[i] = static_cast<S>(reference_normal(at, 0, first + i));
    }
    const double of_score = squares_in_fours(score), of_noise = squares_in_fours(z);
    on_each_set([&] {
        guarded_array<S> drawn(from, size);
        const auto given = kernels::detail::measure_langevin<S>(size, c, xt.data(), p.data(), z.data());
        const auto fresh =
            kernels::detail::draw_and_measure_langevin<S>(at, first, size, c, xt.data(), p.data(), drawn.data());
        to.equal(given.score, of_score, "norm of the score");
        to.equal(given.noise, of_noise, "norm of the noise");
        to.equal(fresh.score, of_score, "norm of the score beside new noise");
        to.equal(fresh.noise, of_noise, "norm of new noise");
        to.equal(drawn, z, "new noise");
    });
}

template <class S>
void embedded_steps(number_source& from, comparison& to) {
    const isize size = from.size();
    const auto factor = [&] { return from.ordinary<S>(); };
    const kernels::detail::embedded_step<S> step{
        .from = factor(),
        .value = factor(),
        .low = {factor(), factor(), factor()},
        .high = {factor(), factor(), factor()},
        .tolerance = {std::abs(from.ordinary<double>()), std::abs(from.ordinary<double>())}};
    const guarded_array<S> x0(from, size), eps(from, size), u(from, size), p(from, size), before(from, size);
    const bool given = from.one_in(2);
    guarded_array<S> high(from, size);
    sixteen sums;
    for (isize i = 0; i < size; ++i) {
        const S later = rounded(step.from, u[i]) + rounded(step.value, p[i]);
        const auto end = [&](const kernels::detail::step_end<S>& c) {
            return rounded(c.x, x0[i]) + rounded(c.eps, eps[i]) + rounded(c.later, later);
        };
        const S low = given ? before[i] : end(step.low);
        high[i] = end(step.high);
        const S largest = std::max(std::abs(low), std::abs(x0[i]));
        const S tolerance = std::max(static_cast<S>(step.tolerance.absolute),
                                     rounded(static_cast<S>(step.tolerance.relative), largest));
        const auto error = static_cast<double>((low - high[i]) / tolerance);
        sums.add(i, rounded(error, error));
    }
    on_each_set([&] {
        guarded_array<S> x = x0, old(from, size);
        const double sum = kernels::detail::take_embedded_step<S>(size, step, x.data(), eps.data(), u.data(), p.data(),
                                                                  given ? before.data() : nullptr, old.data());
        to.equal(sum, sums.total(), "error of an embedded step");
        to.equal(x, high, "embedded step");
        to.equal(old, x0, "the value before an embedded step");
    });
}

template <class S>
void divergences(number_source& from, comparison& to) {
    const isize rows = 1 + from.size(200), columns = from.below(4);
    const bool shared1 = from.one_in(2), shared2 = from.one_in(2);
    const guarded_array<S> m1(from, rows * columns), m2(from, rows * columns), lv2(from, rows * columns);
    guarded_array<S> lv1(from, rows * columns);
    for (isize i = 0; i < lv1.size(); ++i) {
        lv1[i] = from.one_in(4) ? lv2[i] : from.one_in(4) ? lv2[i] + lv1[i] / 1024 : lv1[i];
    }
    const auto wide_view = [&](const guarded_array<S>& a) { return batch_view<const S>(a.data(), rows, columns); };
    const auto view = [&](const guarded_array<S>& a, bool shared) {
        return shared ? batch_view<const S>(a.data(), 1, columns) : wide_view(a);
    };
    std::optional<guarded_array<S>> fused;
    on_each_set([&] {
        guarded_array<S> kl(from, columns);
        kernels::detail::gaussian_kl<S>(wide_view(m1), view(lv1, shared1), wide_view(m2), view(lv2, shared2),
                                        kl.data());
        to.require(kl.guarded(), "gaussian_kl");
        for (isize n = 0; n < columns; ++n) {
            long double sum = 0;
            for (isize i = 0; i < rows; ++i) {
                const isize at = n * rows + i;
                const S first = lv1[shared1 ? n : at], second = lv2[shared2 ? n : at];
                const long double d = first - second, apart = m1[at] - m2[at];
                const long double excess =
                    std::abs(d) < 1e-3L ? d * d * (0.5L + d * (1 / 6.0L + d * (1 / 24.0L + d * (1 / 120.0L + d / 720))))
                                        : std::expm1(d) - d;
                sum += 0.5L * (excess + apart * apart * std::exp(static_cast<long double>(-second)));
            }
            to.within<long double>(kl[n], sum, sum * std::numeric_limits<S>::epsilon(), 12, "gaussian_kl");
        }
        if (simd_target() != instruction_set::baseline) {
            if (fused) {
                to.equal(kl, *fused, "gaussian_kl");
            }
            fused = kl;
        }
    });
}

template <class S>
void softmaxes(number_source& from, comparison& to) {
    const isize size = 1 + from.size();
    const S scale = std::abs(from.ordinary<S>());
    const guarded_array<S> x(from, size), dp(from, size);
    constexpr long double epsilon = std::numeric_limits<S>::epsilon();
    on_each_set([&] {
        guarded_array<S> p(from, size), again(from, size), dx(from, size);
        const kernels::detail::softmax_normalizer<S> by = kernels::detail::softmax<S>(size, scale, x.data(), p.data());
        kernels::detail::softmax_again<S>(size, scale, x.data(), by, again.data());
        kernels::detail::softmax_backward<S>(size, scale, p.data(), dp.data(), dx.data());
        to.equal(again, p, "softmax again");
        const long double largest = *std::max_element(x.data(), x.data() + size);
        long double sum = 0, mean = 0, spread = 0;
        for (isize i = 0; i < size; ++i) {
            sum += std::exp(scale * (x[i] - largest));
            mean += static_cast<long double>(p[i]) * dp[i];
            spread += std::abs(static_cast<long double>(p[i]) * dp[i]);
        }
        for (isize i = 0; i < size; ++i) {
            const long double exponent = scale * (x[i] - largest), exact = std::exp(exponent) / sum;
            to.within<long double>(p[i], exact, epsilon * exact * (4 - exponent), 4, "softmax");
            const long double factor = static_cast<long double>(scale) * p[i];
            to.within<long double>(dx[i], factor * (dp[i] - mean), epsilon * factor * (std::abs(dp[i]) + spread), 16,
                                   "gradient of softmax");
        }
        to.require(p.guarded() && dx.guarded(), "softmax");
    });
}

constexpr kernel_case sum_cases[] = {
    {"sum_of_squares.hpp", "equal bits", DDPM_EITHER_SCALAR(squares)},
    {"row_sums.hpp", "equal bits", DDPM_EITHER_SCALAR(sums_of_rows)},
    {"detail/inner_product.hpp", "equal bits", DDPM_EITHER_SCALAR(inner_products)},
    {"detail/squared_error.hpp", "equal bits", DDPM_EITHER_SCALAR(squared_errors)},
    {"detail/robust_error.hpp", "equal bits", DDPM_EITHER_SCALAR(robust_errors)},
    {"detail/langevin_norms.hpp", "equal bits", DDPM_EITHER_SCALAR(langevin)},
    {"detail/embedded_step.hpp", "equal bits", DDPM_EITHER_SCALAR(embedded_steps)},
    {"detail/gaussian_kl.hpp", "12 epsilon of the sum; equal bits with fused multiply-add",
     DDPM_EITHER_SCALAR(divergences)},
    {"detail/softmax.hpp", "16 epsilon, of the gradient's terms too, and 4 for each unit of the exponent",
     DDPM_EITHER_SCALAR(softmaxes)},
};

}  // namespace

std::span<const kernel_case> sum_kernels() { return sum_cases; }

}  // namespace ddpm::test
