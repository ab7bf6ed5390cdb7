// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/elementary.hpp>

#include <cmath>
#include <string>

namespace {

namespace kernels = ddpm::kernels;
using ddpm::bench::scratch;

constexpr ddpm::isize size = 1 << 16;  // in and out fit in the second cache

/// Adds a function over arrays, and beside it the loop that calls the standard library for each element.
template <class Function, class Standard>
void add(const std::string& operation, Function function, Standard standard, int written = 1) {
    const ddpm::bench::work one_pass{.items = size, .passes = {{.floats = size, .read = 1, .written = written}}};
    const auto make = [](auto body) {
        return [body] {
            return [body, x = scratch(0, size), y = scratch(1, size), z = scratch(2, size)] { body(x, y, z); };
        };
    };
    ddpm::bench::add("elementary", operation, std::to_string(size), one_pass, make(function))
        .peer("std", make([standard](const float* x, float* y, float* z) {
                  for (ddpm::isize i = 0; i < size; ++i) {
                      standard(x[i], y[i], z[i]);
                  }
              }));
}

const ddpm::bench::group elementary_benchmarks{[] {
    using in = const float*;
    using out = float*;
    add(
        "exp", [](in x, out y, out) { kernels::exp(size, x, y); }, [](float x, float& y, float&) { y = std::exp(x); });
    add(
        "log", [](in x, out y, out) { kernels::log(size, x, y); }, [](float x, float& y, float&) { y = std::log(x); });
    add(
        "sin", [](in x, out y, out) { kernels::sin(size, x, y); }, [](float x, float& y, float&) { y = std::sin(x); });
    add(
        "cos", [](in x, out y, out) { kernels::cos(size, x, y); }, [](float x, float& y, float&) { y = std::cos(x); });
    add(
        "sincos", [](in x, out y, out z) { kernels::sincos(size, x, y, z); },
        [](float x, float& y, float& z) {
            y = std::sin(x);
            z = std::cos(x);
        },
        2);
    add(
        "tanh", [](in x, out y, out) { kernels::tanh(size, x, y); },
        [](float x, float& y, float&) { y = std::tanh(x); });
    add(
        "sigmoid", [](in x, out y, out) { kernels::sigmoid(size, x, y); },
        [](float x, float& y, float&) { y = 1 / (1 + std::exp(-x)); });
    add(
        "rsqrt", [](in x, out y, out) { kernels::rsqrt(size, x, y); },
        [](float x, float& y, float&) { y = 1 / std::sqrt(x); });
    add(
        "silu", [](in x, out y, out) { kernels::activate<kernels::activation::silu>(size, x, y); },
        [](float x, float& y, float&) { y = x / (1 + std::exp(-x)); });
    add(
        "mish", [](in x, out y, out) { kernels::activate(kernels::activation::mish, size, x, y); },
        [](float x, float& y, float&) { y = x * std::tanh(std::log1p(std::exp(x))); });
    add(
        "gelu", [](in x, out y, out) { kernels::activate(kernels::activation::gelu, size, x, y); },
        [](float x, float& y, float&) { y = x * std::erfc(-x * 0.70710678f) / 2; });
}};

}  // namespace
