// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Kernels that only memory binds, on arrays that no cache holds.
#include "eigen_peer.hpp"

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/move_towards.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace {

namespace kernels = ddpm::kernels;
using ddpm::bench::bench_case;
using ddpm::bench::scratch;

constexpr ddpm::isize size = 1 << 26;

ddpm::bench::work streams(int read, int written, int updated) {
    return {.items = size, .passes = {{.floats = size, .read = read, .written = written, .updated = updated}}};
}

template <class Make>
bench_case& add(const std::string& operation, const ddpm::bench::work& w, Make make) {
    return ddpm::bench::add("array", operation, std::to_string(size), w, make);
}

/// What Eigen makes of the same.
void add_eigen(bench_case& to, int terms) {
    for (const eigen_peer& eigen : eigen_peers()) {
        to.peer(eigen.name, [=] {
            std::array<const float*, 4> in{};
            for (int i = 0; i < terms; ++i) {
                in[static_cast<std::size_t>(i)] = scratch(i, size);
            }
            return [=, out = scratch(4, size)] { eigen.linear_combination(terms, size, in.data(), out); };
        });
    }
}

template <std::size_t Terms>
void add_linear_combination() {
    constexpr int terms = static_cast<int>(Terms);
    bench_case& own = add("linear_combination_" + std::to_string(terms), streams(terms, 1, 0), [] {
        std::array<const float*, Terms> in;
        for (int i = 0; i < terms; ++i) {
            in[static_cast<std::size_t>(i)] = scratch(i, size);
        }
        return [in, out = ddpm::batch_view<float>(scratch(4, size), size, 1)] {
            ddpm::batch_view<const float> x[Terms];
            std::array<float, Terms> factors;
            for (std::size_t i = 0; i < Terms; ++i) {
                x[i] = {in[i], size, 1};
                factors[i] = 0.5F / static_cast<float>(1 + i);
            }
            kernels::linear_combination(
                x, [&](ddpm::isize) { return factors; }, out);
        };
    });
    add_eigen(own, terms);
}

void add_training_arrays() {
    add("ema", streams(1, 0, 1), [] {
        return [target = scratch(0, size), average = scratch(1, size)] {
            kernels::detail::move_towards(size, 1e-4F, target, average);
        };
    });
    add("adam", streams(1, 0, 3), [] {
        const kernels::detail::adam_coefficients c{.gradient_scale = 1,
                                                   .shrink = 1 - 1e-5,
                                                   .l2 = 0,
                                                   .beta1 = 0.9,
                                                   .beta2 = 0.999,
                                                   .v_correction = 1.5,
                                                   .step_size = 1e-3,
                                                   .epsilon = 1e-8};
        return [c, p = scratch(0, size), g = scratch(1, size), m = scratch(2, size), v = scratch(3, size)] {
            kernels::detail::adam(size, p, g, m, v, c);
        };
    });
    add("sum_of_squares", streams(1, 0, 0),
        [] { return [x = scratch(0, size)] { benchmark::DoNotOptimize(kernels::sum_of_squares(size, x)); }; });
}

const ddpm::bench::group array_benchmarks{[] {
    add_linear_combination<2>();
    add_linear_combination<3>();
    add_linear_combination<4>();
    add_training_arrays();
}};

}  // namespace
