// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/dropout.hpp>
#include <ddpm/kernels/detail/mersenne_twister.hpp>
#include <ddpm/kernels/detail/q_sample.hpp>
#include <ddpm/kernels/detail/stage.hpp>
#include <ddpm/kernels/detail/torch_normal.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/random/philox.hpp>

#include "kernels/differential/cases.hpp"
#include "support/reference_normal.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace ddpm::test {

namespace {

kernels::normal_address any_address(number_source& from) {
    const auto word = [&] {
        return from.one_in(3) ? ~std::uint32_t{0} - static_cast<std::uint32_t>(from.below(4)) : from.word();
    };
    const std::uint64_t low = word();
    return {.seed = std::uint64_t{word()} << 32 | low, .stream = word(), .step = word(), .sample = word()};
}

/// A batch in memory with a gap between its columns.
template <class S>
struct strided_batch {
    strided_batch(number_source& from, isize rows_, isize columns_, bool any = false)
        : rows(rows_), columns(columns_), stride(rows_ + from.below(4)), memory(from, stride * columns_, any) {}

    [[nodiscard]] batch_view<S> view() { return {memory.data(), rows, columns, stride}; }
    [[nodiscard]] batch_view<const S> view() const { return {memory.data(), rows, columns, stride}; }
    [[nodiscard]] S operator()(isize i, isize n) const { return memory[n * stride + i]; }
    [[nodiscard]] S& operator()(isize i, isize n) { return memory[n * stride + i]; }

    /// The same, with the elements value(i, n); the gaps are as they are here.
    template <class Value>
    [[nodiscard]] strided_batch with(const Value& value) const {
        strided_batch out = *this;
        for (isize n = 0; n < columns; ++n) {
            for (isize i = 0; i < rows; ++i) {
                out(i, n) = value(i, n);
            }
        }
        return out;
    }

    isize rows, columns, stride;
    guarded_array<S> memory;
};

template <class S>
void normals(number_source& from, comparison& to) {
    const kernels::normal_address at = any_address(from);
    const strided_batch<S> before(from, from.size(), from.below(4));
    const auto expected = before.with([&](isize i, isize n) { return static_cast<S>(reference_normal(at, n, i)); });
    on_each_set([&] {
        strided_batch<S> out = before;
        kernels::philox_normal<S>(at, out.view());
        to.equal(out.memory, expected.memory, "normals");
    });
}

template <class S>
void q_samples(number_source& from, comparison& to) {
    const kernels::normal_address at = any_address(from);
    const isize rows = from.size(), columns = from.below(5);
    std::vector<noise_level<S>> levels;
    for (isize n = 0; n < columns; ++n) {
        levels.push_back({from.any<S>(), from.any<S>()});
    }
    const strided_batch<S> x(from, rows, columns, true), before(from, rows, columns);
    const auto level = [&](isize n) { return levels[static_cast<std::size_t>(n)]; };
    const auto eps = before.with([&](isize i, isize n) { return static_cast<S>(reference_normal(at, n, i)); });
    const auto expected = before.with([&](isize i, isize n) {
        const auto [signal, sigma] = level(n);
        return rounded(signal, x(i, n)) + rounded(sigma, eps(i, n));
    });
    on_each_set([&] {
        strided_batch<S> out = before, kept = before;
        kernels::detail::q_sample<S>(at, x.view(), level, kept.view(), out.view());
        to.equal(out.memory, expected.memory, "q_sample");
        to.equal(kept.memory, eps.memory, "q_sample's normals");
    });
}

template <class S>
void dropouts(number_source& from, comparison& to) {
    const kernels::normal_address at = any_address(from);
    const isize rows = from.size(), columns = from.below(4);
    const std::uint32_t threshold = from.word();
    const S factor = from.any<S>();
    const strided_batch<S> x(from, rows, columns, true), before(from, rows, columns);
    const auto expected = before.with([&](isize i, isize n) {
        const auto block = static_cast<std::uint32_t>(i / 64 * 16 + i % 16);
        const auto words = philox4x32({block, at.step, at.sample + static_cast<std::uint32_t>(n), at.stream},
                                      {static_cast<std::uint32_t>(at.seed), static_cast<std::uint32_t>(at.seed >> 32)});
        return words[static_cast<std::size_t>(i / 16 % 4)] >= threshold ? rounded(factor, x(i, n)) : S(0);
    });
    on_each_set([&] {
        strided_batch<S> out = before;
        kernels::detail::dropout<S>(at, threshold, factor, x.view(), out.view());
        to.equal(out.memory, expected.memory, "dropout");
    });
}

/// x limited to [−limit, limit]; NaN stays NaN.
template <class S>
S limited(S x, S limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

template <class S>
kernels::denoise_coefficients<S> any_estimate(number_source& from) {
    kernels::denoise_coefficients<S> c;
    c.x0_xt = from.any<S>();
    c.x0_value = from.any<S>();
    if (from.one_in(2)) {
        c.limit = std::abs(from.ordinary<S>());
    }
    c.eps_xt = from.any<S>();
    c.eps_value = from.any<S>();
    c.eps_from_x0 = from.one_in(2);
    return c;
}

template <class S>
struct scalar_estimate {
    scalar_estimate(const kernels::denoise_coefficients<S>& c, S xt, S p)
        : x0(limited(rounded(c.x0_xt, xt) + rounded(c.x0_value, p), c.limit)),
          eps(rounded(c.eps_xt, xt) + rounded(c.eps_value, c.eps_from_x0 ? x0 : p)) {}
    S x0, eps;
};

template <class S>
void reverse_steps(number_source& from, comparison& to) {
    const kernels::normal_address at = any_address(from);
    const isize rows = from.size(), columns = from.below(4);
    const kernels::reverse_coefficients<S> c{any_estimate<S>(from), from.any<S>(), from.any<S>(), from.ordinary<S>(),
                                             from.one_in(3) ? S(0) : from.any<S>()};
    const strided_batch<S> xt(from, rows, columns, true), p(from, rows, columns, true), z(from, rows, columns, true),
        before(from, rows, columns);
    const auto at_element = [&](isize i, isize n) { return scalar_estimate<S>(c.estimate, xt(i, n), p(i, n)); };
    const auto step = [&](isize i, isize n, S noise) {
        const scalar_estimate<S> e = at_element(i, n);
        const S mean = rounded(c.x0, e.x0) + rounded(c.xt, xt(i, n)) + rounded(c.eps, e.eps);
        return c.sigma == 0 ? mean : mean + rounded(c.sigma, noise);
    };
    const auto x0 = before.with([&](isize i, isize n) { return at_element(i, n).x0; });
    const auto eps = before.with([&](isize i, isize n) { return at_element(i, n).eps; });
    const auto given = before.with([&](isize i, isize n) { return step(i, n, z(i, n)); });
    const auto fresh =
        before.with([&](isize i, isize n) { return step(i, n, static_cast<S>(reference_normal(at, n, i))); });
    on_each_set([&] {
        strided_batch<S> got_x0 = before, got_eps = before, got_given = before, got_fresh = before;
        kernels::denoise<S>(c.estimate, xt.view(), p.view(), got_x0.view(), got_eps.view());
        to.equal(got_x0.memory, x0.memory, "estimate of x0");
        to.equal(got_eps.memory, eps.memory, "estimate of the noise");
        got_x0 = before;
        kernels::reverse_step<S>(c, xt.view(), p.view(), z.view(), got_x0.view(), got_given.view());
        to.equal(got_x0.memory, x0.memory, "x0 of a reverse step");
        to.equal(got_given.memory, given.memory, "reverse step");
        kernels::reverse_step<S>(c, xt.view(), p.view(), at, batch_view<S>(), got_fresh.view());
        to.equal(got_fresh.memory, fresh.memory, "reverse step with new noise");
    });
}

/// One sum of a term of each source, into an array that is one of its terms.
template <class S>
void stages(number_source& from, comparison& to) {
    using kernels::detail::stage_source;
    const kernels::normal_address at = any_address(from);
    const isize rows = from.size(200), columns = from.below(4), size = rows * columns;
    const kernels::denoise_coefficients<S> estimate = any_estimate<S>(from);
    const guarded_array<S> x(from, size, true), p(from, size, true), old(from, size, true), spread(from, size);
    const S a = from.any<S>(), b = from.ordinary<S>(), c = from.ordinary<S>(), d = from.ordinary<S>();
    const bool noise = from.one_in(2);
    const isize draw = from.below(3);
    guarded_array<S> expected = old, x0(from, size), eps(from, size);
    for (isize i = 0; i < size; ++i) {
        const scalar_estimate<S> e(estimate, x[i], p[i]);
        x0[i] = e.x0;
        eps[i] = e.eps;
        expected[i] = rounded(a, old[i]) + rounded(b, e.x0) + rounded(c, e.eps);
        if (noise) {
            kernels::normal_address later = at;
            later.step += static_cast<std::uint32_t>(draw);
            const S z = static_cast<S>(reference_normal(later, i / rows, i % rows));
            expected[i] += rounded(d, rounded(z, spread[i]));
        }
    }
    on_each_set([&] {
        guarded_array<S> out = old, kept_x0(from, size), kept_eps(from, size);
        const kernels::detail::stage_term<S> terms[] = {{stage_source::column, a, out.data()},
                                                        {stage_source::x0, b},
                                                        {stage_source::eps, c},
                                                        {stage_source::normals, d, nullptr, draw, spread.data()}};
        const kernels::detail::stage_sum<S> sum{out.data(), terms, noise ? 4 : 3, true};
        kernels::detail::run_stage<S>({.estimate = estimate,
                                       .xt = x.data(),
                                       .p = p.data(),
                                       .kept_x0 = kept_x0.data(),
                                       .kept_eps = kept_eps.data(),
                                       .sums = &sum,
                                       .count = 1},
                                      at, columns, 0, rows, 0);
        to.equal(out, expected, "sum of a stage");
        to.equal(kept_x0, x0, "a stage's estimate of x0");
        to.equal(kept_eps, eps, "a stage's estimate of the noise");
    });
}

void torch_normals(number_source& from, comparison& to) {
    const isize blocks = from.below(8);
    const double two_pi = from.one_in(2) ? 2 * std::numbers::pi : double{2 * std::numbers::pi_v<float>};
    guarded_array<float> uniforms(from, 16 * blocks);
    for (isize i = 0; i < uniforms.size(); ++i) {
        uniforms[i] = static_cast<float>(from.one_in(20) ? 0xffffffu * static_cast<std::uint32_t>(from.below(2))
                                                         : from.word() & 0xffffffu) *
                      0x1p-24f;
    }
    on_each_set([&] {
        guarded_array<float> normals = uniforms;
        kernels::detail::torch_normal(blocks, two_pi, normals.data());
        to.require(normals.guarded(), "torch_normal");
        for (isize i = 0; i < uniforms.size(); ++i) {
            if (i % 16 >= 8) {
                continue;
            }
            const double logarithm = std::log(1 - static_cast<double>(uniforms[i]));
            const double radius = std::sqrt(-2 * static_cast<double>(static_cast<float>(logarithm)));
            const auto angle = static_cast<double>(static_cast<float>(two_pi * static_cast<double>(uniforms[i + 8])));
            // The root, the cosine and the product are each rounded to float.
            const double unit = radius * 0x1p-24 + 1e-45;
            to.within<double>(static_cast<double>(normals[i]), radius * std::cos(angle), unit, 3, "torch_normal");
            to.within<double>(static_cast<double>(normals[i + 8]), radius * std::sin(angle), unit, 3, "torch_normal");
        }
    });
}

void twisters(number_source& from, comparison& to) {
    constexpr isize size = kernels::detail::twister_words;
    constexpr isize middle = 397;
    guarded_array<std::uint32_t> start(from, size);
    const isize count = from.below(size + 1);
    for (isize i = 0; i < size; ++i) {
        start[i] = from.word();
    }
    guarded_array<std::uint32_t> twisted = start, words(from, count);
    guarded_array<float> units(from, count);
    for (isize i = 0; i < size; ++i) {
        const std::uint32_t joined = (twisted[i] & 0x80000000u) | (twisted[(i + 1) % size] & 0x7fffffffu);
        twisted[i] = twisted[(i + middle) % size] ^ joined >> 1 ^ (joined % 2 == 0 ? 0 : 0x9908b0dfu);
    }
    for (isize i = 0; i < count; ++i) {
        std::uint32_t word = start[i];
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c5680u;
        word ^= word << 15 & 0xefc60000u;
        words[i] = word ^ word >> 18;
        units[i] = static_cast<float>(words[i] & 0xffffffu) * 0x1p-24f;
    }
    on_each_set([&] {
        guarded_array<std::uint32_t> state = start, got(from, count);
        guarded_array<float> got_units(from, count);
        kernels::detail::temper(count, state.data(), got.data());
        kernels::detail::words_to_units(count, got.data(), got_units.data());
        kernels::detail::twist(state.data());
        to.equal(got, words, "tempered words");
        to.equal(got_units, units, "units of words");
        to.equal(state, twisted, "twisted state");
    });
}

constexpr kernel_case noise_cases[] = {
    {"philox_normal.hpp", "equal bits", DDPM_EITHER_SCALAR(normals)},
    {"reverse_step.hpp", "equal bits", DDPM_EITHER_SCALAR(reverse_steps)},
    {"detail/q_sample.hpp", "equal bits", DDPM_EITHER_SCALAR(q_samples)},
    {"detail/dropout.hpp", "equal bits", DDPM_EITHER_SCALAR(dropouts)},
    {"detail/stage.hpp", "equal bits", DDPM_EITHER_SCALAR(stages)},
    {"detail/torch_normal.hpp", "3 times half an epsilon of the radius", torch_normals},
    {"detail/mersenne_twister.hpp", "equal bits", twisters},
};

}  // namespace

std::span<const kernel_case> noise_kernels() { return noise_cases; }

}  // namespace ddpm::test
