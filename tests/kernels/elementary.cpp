// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/elementary.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/ulp.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>
#include <numbers>
#include <vector>

namespace ddpm::test {

namespace {

using kernels::detail::elementary_function;
using enum elementary_function;

template <class S>
using array_function = void (*)(isize, const S*, S*);

/// The array body of a function on one instruction set.
template <class S>
struct target_body {
    instruction_set set;
    array_function<S> run;
};

template <elementary_function F, class S>
std::vector<target_body<S>> bodies() {
    std::vector<target_body<S>> list;
    for (const instruction_set set : float_instruction_sets) {
        if (is_supported(set)) {
            const ddpm::detail::scoped_simd_target on(set);
            list.push_back({set, DDPM_DISPATCH(evaluate_array<F, S>)});
        }
    }
    return list;
}

/// A function with its documented domain and bound.
template <class S>
struct subject {
    const char* name;
    array_function<S> run;
    std::vector<target_body<S>> on_target;
    wide<S> (*exact)(S);
    S first;  ///< the domain; below and above it lie special values only
    S last;
    double bound;          ///< in ULP
    bool same_everywhere;  ///< equal bits with and without a fused multiply-add
};

template <class S>
wide<S> exact_sigmoid(S x) {
    const wide<S> e = std::exp(-std::abs(static_cast<wide<S>>(x)));
    return (x < 0 ? e : 1) / (1 + e);
}

template <class S>
std::vector<subject<S>> subjects() {
    using W = wide<S>;
    using limits = std::numeric_limits<S>;
    constexpr S inf = limits::infinity(), angle = kernels::largest_angle<S>;
    return {
        {"exp", kernels::exp<S>, bodies<exp_of, S>(), [](S x) { return std::exp(W(x)); }, -inf, inf, 1.3, false},
        {"log", kernels::log<S>, bodies<log_of, S>(), [](S x) { return std::log(W(x)); }, 0, inf, 1.0, false},
        {"sin", kernels::sin<S>, bodies<sin_of, S>(), [](S x) { return std::sin(W(x)); }, -angle, angle, 1.6, false},
        {"cos", kernels::cos<S>, bodies<cos_of, S>(), [](S x) { return std::cos(W(x)); }, -angle, angle, 1.6, false},
        {"tanh", kernels::tanh<S>, bodies<tanh_of, S>(), [](S x) { return std::tanh(W(x)); }, -inf, inf, 2.7, false},
        {"sigmoid", kernels::sigmoid<S>, bodies<sigmoid_of, S>(), exact_sigmoid<S>, -inf, inf, 2.5, false},
        {"rsqrt", kernels::rsqrt<S>, bodies<rsqrt_of, S>(), [](S x) { return 1 / std::sqrt(W(x)); }, 0, inf, 1.5, true},
    };
}

/// The largest errors over x = value(0) … value(count − 1), by target, and whether the targets agree as documented.
template <class S, class Value>
void check_errors(const subject<S>& f, isize count, const Value& value) {
    constexpr isize block = 4096;
    const std::size_t targets = f.on_target.size();
    std::vector<double> worst(targets, 0);
    std::vector<S> worst_at(targets, 0);
    bool agree = true;
    std::mutex merge;
    parallel_for((count - 1) / block + 1, 16, [&](isize first, isize last) {
        std::vector<S> x(block), fused(block);
        std::vector<wide<S>> exact(block);
        std::vector<double> errors(targets, 0);
        std::vector<S> at(targets, 0), out(block);
        bool equal = true;
        for (isize b = first; b < last; ++b) {
            isize size = 0;
            for (isize i = b * block; i < std::min(count, (b + 1) * block); ++i) {
                const S v = value(i);
                if (v >= f.first && v <= f.last) {
                    x[static_cast<std::size_t>(size)] = v;
                    exact[static_cast<std::size_t>(size++)] = f.exact(v);
                }
            }
            bool have_fused = false;
            for (std::size_t t = 0; t < targets; ++t) {
                f.on_target[t].run(size, x.data(), out.data());
                for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
                    const double error = ulp_error<S>(out[i], exact[i]);
                    if (error > errors[t]) {
                        errors[t] = error;
                        at[t] = x[i];
                    }
                }
                if (f.same_everywhere || f.on_target[t].set != instruction_set::baseline) {
                    for (std::size_t i = 0; have_fused && i < static_cast<std::size_t>(size); ++i) {
                        equal = equal && same(fused[i], out[i]);
                    }
                    have_fused = true;
                    std::swap(fused, out);
                }
            }
        }
        const std::lock_guard lock(merge);
        agree = agree && equal;
        for (std::size_t t = 0; t < targets; ++t) {
            if (errors[t] > worst[t]) {
                worst[t] = errors[t];
                worst_at[t] = at[t];
            }
        }
    });
    for (std::size_t t = 0; t < targets; ++t) {
        INFO(f.name << " on " << name_of(f.on_target[t].set) << " at " << worst_at[t]);
        CHECK(worst[t] <= f.bound);
    }
    INFO(f.name);
    CHECK(agree);
}

/// The S whose bits are i · step.
template <class S>
auto every(std::uint64_t step) {
    return [step](isize i) { return std::bit_cast<S>(static_cast<bits_of<S>>(static_cast<std::uint64_t>(i) * step)); };
}

/// count numbers from first to last, evenly.
template <class S>
auto evenly(double first, double last, isize count) {
    return [=](isize i) {
        return static_cast<S>(first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1));
    };
}

}  // namespace

TEMPLATE_TEST_CASE("elementary functions keep their bounds on every target", "[kernels]", float, double) {
    using S = TestType;
    constexpr bool single = std::is_same_v<S, float>;
    constexpr isize sweep = single ? 1 << 20 : 1 << 18, count = 1 << 17;
    constexpr std::uint64_t step = single ? 4093 : 70368744177643;  // primes just below 2^32 / 2^20 and 2^64 / 2^18
    for (const subject<S>& f : subjects<S>()) {
        check_errors<S>(f, sweep, every<S>(step));
        check_errors<S>(f, count, evenly<S>(-4, 4, count));
        const double lowest = single ? -104.5 : -745.5, highest = single ? 89 : 710;
        check_errors<S>(f, count, evenly<S>(lowest, highest, count));
    }
}

TEMPLATE_TEST_CASE("elementary functions keep their bounds where the argument is split", "[kernels]", float, double) {
    using S = TestType;
    using std::numbers::ln2_v;
    using std::numbers::pi_v;
    const auto all = subjects<S>();
    // The numbers next to multiples of π/4, π/2 among them, and of ½ log 2; next to √½ · 2^k; and next to 2^k.
    const auto around = [](auto centre) {
        return [centre](isize i) {
            const S x = static_cast<S>(centre(i / 8));
            const bits_of<S> neighbour = std::bit_cast<bits_of<S>>(x) + static_cast<bits_of<S>>(i % 8) - 4;
            return std::bit_cast<S>(neighbour);
        };
    };
    constexpr isize turns = std::is_same_v<S, float> ? 65536 * 14 / 11 : 1 << 16;
    const long double stretch = std::is_same_v<S, float> ? 1 : 1303;
    for (const subject<S>& f : all) {
        check_errors<S>(f, 8 * turns, around([&](isize k) {
                            return pi_v<long double> / 4 * static_cast<long double>(k + 1) * (k % 2 == 1 ? stretch : 1);
                        }));
        check_errors<S>(f, 8 * 4096,
                        around([](isize k) { return ln2_v<long double> / 2 * static_cast<long double>(k - 2048); }));
        check_errors<S>(f, 8 * 2200, around([](isize k) {
                            return std::ldexp(k % 2 == 0 ? 1.0L : std::numbers::sqrt2_v<long double>,
                                              static_cast<int>(k / 2) - 550);
                        }));
    }
}

TEMPLATE_TEST_CASE("elementary functions have the documented bits", "[kernels]", float, double) {
    using S = TestType;
    constexpr isize count = 1 << 18;
    constexpr std::uint64_t step = std::is_same_v<S, float> ? 16381 : 70368744177643;
    std::vector<S> x(2 * count), out(x.size());
    for (isize i = 0; i < count; ++i) {
        x[static_cast<std::size_t>(i)] = every<S>(step)(i);
        x[static_cast<std::size_t>(count + i)] = evenly<S>(-100, 100, count)(i);
    }
    for_each_target([&] {
        std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, a number at a time; every NaN counts as one
        for (const subject<S>& f : subjects<S>()) {
            f.run(2 * count, x.data(), out.data());
            for (const S v : out) {
                hash = (hash ^ (std::isnan(v) ? 1 : std::bit_cast<bits_of<S>>(v))) * 0x100000001b3u;
            }
        }
        const bool fused = simd_target() != instruction_set::baseline;
        const std::uint64_t with = std::is_same_v<S, float> ? 0x5db361e31baee89c : 0x7c50368c795b635b;
        const std::uint64_t without = std::is_same_v<S, float> ? 0x1915bd6201e32813 : 0x0daf8a13574fdbf8;
        CHECK(hash == (fused ? with : without));
    });
}

TEST_CASE("elementary functions keep their bounds for all floats", "[kernels][.][exhaustive]") {
    for (const subject<float>& f : subjects<float>()) {
        check_errors<float>(f, isize{1} << 32, every<float>(1));
    }
}

TEST_CASE("elementary functions of double keep their bounds in a dense sweep", "[kernels][.][exhaustive]") {
    constexpr isize count = 1 << 24;
    for (const subject<double>& f : subjects<double>()) {
        check_errors<double>(f, count, every<double>(1099511627689));  // a prime just below 2^64 / 2^24
        check_errors<double>(f, count, evenly<double>(-50, 50, count));
        check_errors<double>(f, count, evenly<double>(-6.7e7, 6.7e7, count));
    }
}

TEMPLATE_TEST_CASE("elementary functions have the exact special values", "[kernels]", float, double) {
    using S = TestType;
    using limits = std::numeric_limits<S>;
    constexpr S inf = limits::infinity(), nan = limits::quiet_NaN(), most = limits::max(), least = limits::denorm_min();
    constexpr S angle = kernels::largest_angle<S>, tiny = limits::min() / 4;
    struct value {
        array_function<S> run;
        S x;
        S want;
    };
    const S overflow = std::is_same_v<S, float> ? S(88.7229) : S(709.7828);
    const S underflow = std::is_same_v<S, float> ? S(-103.98) : S(-745.14);
    const std::array values{
        value{kernels::exp<S>, 0, 1},
        value{kernels::exp<S>, -S(0), 1},
        value{kernels::exp<S>, least, 1},
        value{kernels::exp<S>, inf, inf},
        value{kernels::exp<S>, -inf, 0},
        value{kernels::exp<S>, most, inf},
        value{kernels::exp<S>, -most, 0},
        value{kernels::exp<S>, overflow, inf},
        value{kernels::exp<S>, underflow, 0},
        value{kernels::exp<S>, underflow + S(0.02), least},
        value{kernels::log<S>, 1, 0},
        value{kernels::log<S>, 0, -inf},
        value{kernels::log<S>, -S(0), -inf},
        value{kernels::log<S>, inf, inf},
        value{kernels::log<S>, -inf, nan},
        value{kernels::log<S>, -least, nan},
        value{kernels::log<S>, -1, nan},
        value{kernels::sin<S>, 0, 0},
        value{kernels::sin<S>, -S(0), -S(0)},
        value{kernels::sin<S>, tiny, tiny},
        value{kernels::sin<S>, -least, -least},
        value{kernels::sin<S>, inf, nan},
        value{kernels::sin<S>, -inf, nan},
        value{kernels::sin<S>, std::nextafter(angle, inf), nan},
        value{kernels::sin<S>, -most, nan},
        value{kernels::cos<S>, 0, 1},
        value{kernels::cos<S>, -S(0), 1},
        value{kernels::cos<S>, least, 1},
        value{kernels::cos<S>, -inf, nan},
        value{kernels::cos<S>, inf, nan},
        value{kernels::cos<S>, -std::nextafter(angle, inf), nan},
        value{kernels::tanh<S>, 0, 0},
        value{kernels::tanh<S>, -S(0), -S(0)},
        value{kernels::tanh<S>, tiny, tiny},
        value{kernels::tanh<S>, -least, -least},
        value{kernels::tanh<S>, 40, 1},
        value{kernels::tanh<S>, inf, 1},
        value{kernels::tanh<S>, -inf, -1},
        value{kernels::tanh<S>, -most, -1},
        value{kernels::sigmoid<S>, 0, S(0.5)},
        value{kernels::sigmoid<S>, -S(0), S(0.5)},
        value{kernels::sigmoid<S>, 40, 1},
        value{kernels::sigmoid<S>, inf, 1},
        value{kernels::sigmoid<S>, -inf, 0},
        value{kernels::sigmoid<S>, -most, 0},
        value{kernels::sigmoid<S>, underflow, 0},
        value{kernels::rsqrt<S>, 4, S(0.5)},
        value{kernels::rsqrt<S>, 0, inf},
        value{kernels::rsqrt<S>, -S(0), -inf},
        value{kernels::rsqrt<S>, inf, 0},
        value{kernels::rsqrt<S>, -1, nan},
        value{kernels::rsqrt<S>, -inf, nan},
    };
    for_each_target([&] {
        for (const value& v : values) {
            S got = 7;
            v.run(1, &v.x, &got);
            INFO(v.x << ": " << got << ", not " << v.want);
            CHECK(same(got, v.want));
        }
        for (const subject<S>& f : subjects<S>()) {
            for (const S x : {nan, -nan, limits::signaling_NaN()}) {
                S got = 7;
                f.run(1, &x, &got);
                INFO(f.name);
                CHECK(std::isnan(got));
            }
        }
    });
}

TEMPLATE_TEST_CASE("odd and even functions are so to the bit", "[kernels]", float, double) {
    using S = TestType;
    constexpr isize count = 10007;
    std::vector<S> x(count), minus_x(count), y(count), z(count);
    for (isize i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        x[at] = every<S>(std::is_same_v<S, float> ? 429167 : 1843254832105727)(i);
        minus_x[at] = -x[at];
    }
    const auto mirrored = [&](array_function<S> f, S sign) {
        f(count, x.data(), y.data());
        f(count, minus_x.data(), z.data());
        bool equal = true;
        for (std::size_t i = 0; i < x.size(); ++i) {
            equal = equal && same<S>(y[i], sign * z[i]);
        }
        return equal;
    };
    for_each_target([&] {
        CHECK(mirrored(kernels::sin<S>, -1));
        CHECK(mirrored(kernels::cos<S>, 1));
        CHECK(mirrored(kernels::tanh<S>, -1));
    });
}

TEMPLATE_TEST_CASE("the bits of an element depend on its value only", "[kernels]", float, double) {
    using S = TestType;
    constexpr std::size_t most = 70, margin = 3;
    const S untouched = 42;
    std::vector<S> x(most + margin), want(most + margin), out(most + 2 * margin);
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<S>(0.37 * static_cast<double>(i) - 8);
    }
    x[3] = x[20] = std::numeric_limits<S>::quiet_NaN();
    x[5] = x[40] = std::numeric_limits<S>::infinity();
    for_each_target([&] {
        for (const subject<S>& f : subjects<S>()) {
            for (std::size_t i = 0; i < x.size(); ++i) {
                f.run(1, &x[i], &want[i]);
            }
            bool right = true, outside = true;
            for (std::size_t size = 0; size <= most; ++size) {
                for (std::size_t offset = 0; offset <= margin; ++offset) {
                    for (const bool in_place : {false, true}) {
                        std::fill(out.begin(), out.end(), untouched);
                        S* const begin = out.data() + offset;
                        std::copy_n(x.begin() + static_cast<isize>(offset), in_place ? size : 0, begin);
                        f.run(static_cast<isize>(size), in_place ? begin : x.data() + offset, begin);
                        for (std::size_t i = 0; i < out.size(); ++i) {
                            if (i < offset || i >= offset + size) {
                                outside = outside && out[i] == untouched;
                            } else {
                                right = right && same(out[i], want[i]);
                            }
                        }
                    }
                }
            }
            INFO(f.name);
            CHECK(right);
            CHECK(outside);
        }
    });
}

TEMPLATE_TEST_CASE("sincos has the bits of sin and cos", "[kernels]", float, double) {
    using S = TestType;
    for_each_target([] {
        for (const isize size : {0, 1, 3, 4, 5, 8, 15, 16, 17, 33, 1000}) {
            std::vector<S> x(static_cast<std::size_t>(size)), sine(x), cosine(x), both_sine(x), both_cosine(x);
            for (std::size_t i = 0; i < x.size(); ++i) {
                x[i] = static_cast<S>(1.7 * static_cast<double>(i) - 800);
            }
            kernels::sin(size, x.data(), sine.data());
            kernels::cos(size, x.data(), cosine.data());
            kernels::sincos(size, x.data(), both_sine.data(), both_cosine.data());
            CHECK(both_sine == sine);
            CHECK(both_cosine == cosine);
            std::vector<S> in_place = x;
            kernels::sincos(size, in_place.data(), in_place.data(), both_cosine.data());
            CHECK(in_place == sine);
            CHECK(both_cosine == cosine);
            in_place = x;
            kernels::sincos(size, in_place.data(), both_sine.data(), in_place.data());
            CHECK(in_place == cosine);
            CHECK(both_sine == sine);
        }
    });
}

TEMPLATE_TEST_CASE("elementary functions of batches are those of their elements", "[kernels]", float, double) {
    using S = TestType;
    const auto check = [](auto of_batch, array_function<S> of_array) {
        const batch<S> x = batch<S>::Random(301, 130) * S(3) + S(4);
        batch<S> want(301, 130), out(301, 130), memory = batch<S>::Constant(310, 130, S(42));
        of_array(x.size(), x.data(), want.data());
        for (const isize threads : {1, 3}) {
            set_thread_count(threads);
            out.setZero();
            of_batch(x, out);
            CHECK((out == want).all());
            memory.topRows(301) = x;
            of_batch(batch_view<S>(memory.topRows(301)), memory.topRows(301));
            CHECK((memory.topRows(301) == want).all());
            CHECK((memory.bottomRows(9) == S(42)).all());
            of_batch(x + S(0), out);  // an expression
            CHECK((out == want).all());
        }
        set_thread_count(0);
        of_batch(batch<S>(0, 5), batch_view<S>(nullptr, 0, 5));
        of_batch(batch<S>(5, 0), batch_view<S>(nullptr, 5, 0));
        CHECK_THROWS_AS(of_batch(x, memory), shape_error);
        CHECK_THROWS_AS(of_batch(x, out.leftCols(129)), shape_error);
    };
    using view = batch_view<S>;
    check([](const auto& x, view out) { kernels::exp(x, out); }, kernels::exp<S>);
    check([](const auto& x, view out) { kernels::log(x, out); }, kernels::log<S>);
    check([](const auto& x, view out) { kernels::sin(x, out); }, kernels::sin<S>);
    check([](const auto& x, view out) { kernels::cos(x, out); }, kernels::cos<S>);
    check([](const auto& x, view out) { kernels::tanh(x, out); }, kernels::tanh<S>);
    check([](const auto& x, view out) { kernels::sigmoid(x, out); }, kernels::sigmoid<S>);
    check([](const auto& x, view out) { kernels::rsqrt(x, out); }, kernels::rsqrt<S>);
    const auto sines = [](const auto& x, view out) {
        batch<S> not_needed(out.rows(), out.columns());
        kernels::sincos(x, out, not_needed);
    };
    const auto cosines = [](const auto& x, view out) {
        batch<S> not_needed(out.rows(), out.columns());
        kernels::sincos(x, not_needed, out);
    };
    check(sines, kernels::sin<S>);
    check(cosines, kernels::cos<S>);
}

}  // namespace ddpm::test
