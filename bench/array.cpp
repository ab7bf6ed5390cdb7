// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Kernels that only memory binds, on arrays that no cache holds.
#include "eigen_peer.hpp"

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/adam.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/move_towards.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>

#include <array>
#include <string>

namespace {

namespace kernels = ddpm::kernels;
using ddpm::bench::bench_case;
using ddpm::bench::scratch;

constexpr ddpm::index size = 1 << 26;

ddpm::bench::work streams(int read, int written, int updated) {
    return {.items = size,
            .streams = {.floats = size, .read = read, .written = written, .updated = updated}};
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

void add_linear_combinations() {
    bench_case& two = add("linear_combination_2", streams(2, 1, 0), [] {
        return [a = scratch(0, size), b = scratch(1, size), out = scratch(4, size)] {
            using view = ddpm::batch_view<const float>;
            kernels::linear_combination<float>(view(a, size, 1), view(b, size, 1),
                                               [](ddpm::index) { return std::array{0.25F, 0.5F}; },
                                               ddpm::batch_view<float>(out, size, 1));
        };
    });
    add_eigen(two, 2);
    bench_case& three = add("linear_combination_3", streams(3, 1, 0), [] {
        return [a = scratch(0, size), b = scratch(1, size), c = scratch(2, size), out = scratch(4, size)] {
            kernels::linear_combination(size, 0.25F, a, 0.5F, b, 0.125F, c, out);
        };
    });
    add_eigen(three, 3);
    bench_case& four = add("linear_combination_4", streams(4, 1, 0), [] {
        return [a = scratch(0, size), b = scratch(1, size), c = scratch(2, size), d = scratch(3, size),
                out = scratch(4, size)] {
            kernels::linear_combination(size, 0.25F, a, 0.5F, b, 0.125F, c, 0.0625F, d, out);
        };
    });
    add_eigen(four, 4);
}

void add_training_arrays() {
    add("ema", streams(1, 0, 1), [] {
        return [target = scratch(0, size), average = scratch(1, size)] {
            kernels::move_towards(size, 1e-4F, target, average);
        };
    });
    add("adam", streams(1, 0, 3), [] {
        const kernels::adam_coefficients c{.shrink = 1 - 1e-5, .v_correction = 1.5, .step_size = 1e-3};
        return [c, p = scratch(0, size), g = scratch(1, size), m = scratch(2, size), v = scratch(3, size)] {
            kernels::adam(size, p, g, m, v, c);
        };
    });
    add("sum_of_squares", streams(1, 0, 0), [] {
        return [x = scratch(0, size)] { benchmark::DoNotOptimize(kernels::sum_of_squares(size, x)); };
    });
}

const ddpm::bench::group array_benchmarks{[] {
    add_linear_combinations();
    add_training_arrays();
}};

}  // namespace
