// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/move_towards.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>

#include "kernels/differential/cases.hpp"
#include "support/activation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

namespace ddpm::test {

namespace {

template <class S>
struct elementary_row {
    void (*run)(isize, const S*, S*);
    wide<S> (*exact)(wide<S>);
    double bound;
    const char* name;
};

template <class S>
void elementary(number_source& from, comparison& to) {
    using W = wide<S>;
    static constexpr W largest = kernels::largest_angle<S>;
    static constexpr W nan = std::numeric_limits<W>::quiet_NaN(), infinity = std::numeric_limits<W>::infinity();
    const elementary_row<S> all[] = {
        {kernels::exp<S>, [](W x) { return std::exp(x); }, 1.3, "exp"},
        {kernels::log<S>, [](W x) { return std::log(x); }, 1, "log"},
        {kernels::sin<S>, [](W x) { return std::abs(x) <= largest ? std::sin(x) : nan; }, 1.6, "sin"},
        {kernels::cos<S>, [](W x) { return std::abs(x) <= largest ? std::cos(x) : nan; }, 1.6, "cos"},
        {kernels::tanh<S>, [](W x) { return std::tanh(x); }, 2.7, "tanh"},
        {kernels::sigmoid<S>, [](W x) { return 1 / (1 + std::exp(-x)); }, 2.5, "sigmoid"},
        {kernels::rsqrt<S>, [](W x) { return x == 0 ? std::copysign(infinity, x) : 1 / std::sqrt(x); }, 1.5, "rsqrt"},
    };
    const elementary_row<S>& f = all[from.below(7)];
    const isize size = from.size();
    const S spread = static_cast<S>(std::ldexp(1.0, static_cast<int>(from.below(12))));
    guarded_array<S> x(from, size, true), out(from, size);
    for (isize i = 0; i < size; ++i) {
        x[i] *= spread;
    }
    std::optional<guarded_array<S>> fused;
    on_each_set([&] {
        f.run(size, x.data(), out.data());
        to.require(out.guarded(), f.name);
        for (isize i = 0; i < size; ++i) {
            to.within_ulp<S>(out[i], f.exact(x[i]), f.bound, f.name);
        }
        guarded_array<S> sine(from, size), cosine(from, size), of_sin(from, size), of_cos(from, size);
        kernels::sincos<S>(size, x.data(), sine.data(), cosine.data());
        kernels::sin<S>(size, x.data(), of_sin.data());
        kernels::cos<S>(size, x.data(), of_cos.data());
        to.equal(sine, of_sin, "sincos is sin");
        to.equal(cosine, of_cos, "sincos is cos");
        if (simd_target() != instruction_set::baseline) {
            if (fused) {
                to.equal(out, *fused, f.name);
            }
            fused = out;
        }
    });
}

template <class S>
void activations(number_source& from, comparison& to) {
    using W = wide<S>;
    using kernels::activation;
    const activation f = every_activation[static_cast<std::size_t>(from.below(5))];
    const isize size = from.size();
    const S spread = static_cast<S>(std::ldexp(1.0, static_cast<int>(from.below(7))));
    guarded_array<S> x(from, size), dout(from, size), out(from, size), dx(from, size);
    for (isize i = 0; i < size; ++i) {
        x[i] *= spread;
    }
    const double bound = std::max(activation_bound(f), 0.5);
    const double slope_bound = f == activation::mish ? 3 : 2;
    constexpr W unit = std::numeric_limits<S>::epsilon(), smallest = std::numeric_limits<S>::denorm_min();
    on_each_set([&] {
        kernels::activate<S>(f, size, x.data(), out.data());
        kernels::activate_backward<S>(f, size, x.data(), dout.data(), dx.data());
        to.require(out.guarded() && dx.guarded(), "activation");
        for (isize i = 0; i < size; ++i) {
            const W at = x[i], d = dout[i];
            const exact_activation<W> exact = exact_at<W>(f, at);
            // Where the exponential is subnormal, the error is absolute.
            if (std::abs(out[i] - exact.value) > (f == activation::gelu ? W(4) : std::abs(at)) * smallest) {
                to.within_ulp<S>(out[i], exact.value, bound, "activation");
            }
            // The slope's error, and the rounding of the product.
            to.within<W>(dx[i], d * exact.slope, unit * (std::abs(d) + std::abs(d * exact.slope) / 2 + smallest / unit),
                         slope_bound, "slope of an activation");
        }
    });
}

template <class S>
void linear_combinations(number_source& from, comparison& to) {
    const isize size = from.size(), terms = 1 + from.below(4);
    const S a = from.any<S>(), b = from.any<S>(), c = from.any<S>(), d = from.any<S>();
    const guarded_array<S> x(from, size, true), y(from, size, true), z(from, size, true), w(from, size, true);
    guarded_array<S> out(from, size), expected(from, size);
    for (isize i = 0; i < size; ++i) {
        S sum = rounded(a, x[i]);
        sum = terms > 1 ? sum + rounded(b, y[i]) : sum;
        sum = terms > 2 ? sum + rounded(c, z[i]) : sum;
        expected[i] = terms > 3 ? sum + rounded(d, w[i]) : sum;
    }
    on_each_set([&] {
        if (terms == 1) {
            kernels::linear_combination(size, {a}, {x.data()}, out.data());
        } else if (terms == 2) {
            kernels::linear_combination(size, {a, b}, {x.data(), y.data()}, out.data());
        } else if (terms == 3) {
            kernels::linear_combination(size, {a, b, c}, {x.data(), y.data(), z.data()}, out.data());
        } else {
            kernels::linear_combination(size, {a, b, c, d}, {x.data(), y.data(), z.data(), w.data()}, out.data());
        }
        to.equal(out, expected, "linear combination");
    });
}

template <class S>
void adam_step(number_source& from, comparison& to) {
    const isize size = from.size();
    const auto factor = [&] { return std::abs(from.ordinary<double>()) / 4; };
    const kernels::detail::adam_coefficients c{.gradient_scale = factor(),
                                               .shrink = factor(),
                                               .l2 = from.one_in(2) ? 0 : factor(),
                                               .beta1 = factor(),
                                               .beta2 = factor(),
                                               .v_correction = 1 + factor(),
                                               .step_size = factor(),
                                               .epsilon = factor()};
    const S scale = static_cast<S>(c.gradient_scale), shrink = static_cast<S>(c.shrink), l2 = static_cast<S>(c.l2),
            m_rate = static_cast<S>(1 - c.beta1), v_keep = static_cast<S>(c.beta2),
            v_rate = static_cast<S>(1 - c.beta2), correction = static_cast<S>(c.v_correction),
            rate = static_cast<S>(c.step_size), epsilon = static_cast<S>(c.epsilon);
    const guarded_array<S> g(from, size, true), p0(from, size, true), m0(from, size), v0(from, size);
    guarded_array<S> p1 = p0, m1 = m0, v1 = v0;
    for (isize i = 0; i < size; ++i) {
        const S gradient = rounded(g[i], scale) + rounded(l2, p0[i]);
        m1[i] = m0[i] + rounded(m_rate, gradient - m0[i]);
        v1[i] = rounded(v0[i], v_keep) + rounded(v_rate, rounded(gradient, gradient));
        p1[i] = rounded(p0[i], shrink) - rounded(rate, m1[i]) / (rounded(std::sqrt(v1[i]), correction) + epsilon);
    }
    on_each_set([&] {
        guarded_array<S> p = p0, m = m0, v = v0;
        kernels::detail::adam<S>(size, p.data(), g.data(), m.data(), v.data(), c);
        to.equal(p, p1, "adam's parameter");
        to.equal(m, m1, "adam's first moment");
        to.equal(v, v1, "adam's second moment");
    });
}

template <class S>
void move_average(number_source& from, comparison& to) {
    const isize size = from.size();
    const S rate = from.any<S>();
    const guarded_array<S> start(from, size, true), target(from, size, true);
    guarded_array<S> expected = start;
    for (isize i = 0; i < size; ++i) {
        expected[i] = start[i] - rounded(rate, start[i] - target[i]);
    }
    on_each_set([&] {
        guarded_array<S> average = start;
        kernels::detail::move_towards(size, rate, target.data(), average.data());
        to.equal(average, expected, "move_towards");
    });
}

void conversions(number_source& from, comparison& to) {
    const isize size = from.size();
    guarded_array<float> x(from, size, true), back(from, size), as(from, size), expected(from, size);
    guarded_array<bfloat16> narrow(from, size), expected_narrow(from, size);
    for (isize i = 0; i < size; ++i) {
        if (from.one_in(3)) {
            x[i] = std::bit_cast<float>(from.word());  // any bits: ties, NaN, subnormal numbers
        }
        expected_narrow[i] = to_bfloat16(x[i]);
        expected[i] = to_float(expected_narrow[i]);
    }
    on_each_set([&] {
        kernels::detail::convert(size, x.data(), narrow.data());
        kernels::detail::convert(size, narrow.data(), back.data());
        kernels::detail::convert_as<bfloat16>(size, x.data(), as.data());
        to.equal(narrow, expected_narrow, "to bfloat16");
        to.equal(back, expected, "from bfloat16");
        to.equal(as, expected, "as bfloat16");
    });
}

constexpr kernel_case elementwise_cases[] = {
    {"elementary.hpp", "1 to 2.7 ULP, each function its own; equal bits with fused multiply-add",
     DDPM_EITHER_SCALAR(elementary)},
    {"activation.hpp", "4 (silu), 5 (mish), 7 (gelu) ULP; slopes 2 or 3 epsilon", DDPM_EITHER_SCALAR(activations)},
    {"linear_combination.hpp", "equal bits", DDPM_EITHER_SCALAR(linear_combinations)},
    {"detail/adam.hpp", "equal bits", DDPM_EITHER_SCALAR(adam_step)},
    {"detail/move_towards.hpp", "equal bits", DDPM_EITHER_SCALAR(move_average)},
    {"detail/bfloat16.hpp", "equal bits", conversions},
};

}  // namespace

std::span<const kernel_case> elementwise_kernels() { return elementwise_cases; }

}  // namespace ddpm::test
