// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "eigen_peer.hpp"

#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <string>
#include <type_traits>

namespace {

using ddpm::isize;
namespace kernels = ddpm::kernels;

/// The sizes of c = a · b, c m × n; which of the factors lie in memory as their transposes.
struct product_size {
    isize m, n, k;
    bool a_transposed = false;
    bool b_transposed = false;

    [[nodiscard]] std::string text() const {
        return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    }
    [[nodiscard]] std::string kind() const {
        return std::string(a_transposed ? "t" : "n") + (b_transposed ? "t" : "n");
    }
};

/// Two factors and their product.
template <class S>
struct matrices {
    explicit matrices(const product_size& size)
        : a({size.m * size.k}),
          b({size.k * size.n}),
          c({size.m * size.n}),
          task{size.m, size.n, size.k, size.a_transposed, size.b_transposed, a.data(), b.data(), c.data()} {
        for (isize i = 0; i < a.size(); ++i) {
            a[i] = static_cast<S>(i % 7 - 3);
        }
        for (isize i = 0; i < b.size(); ++i) {
            b[i] = static_cast<S>(i % 5 - 2);
        }
    }

    matrices(matrices&& other) noexcept = default;  // a tensor's memory stays where it is

    ddpm::nn::tensor<S> a, b, c;
    product_task<S> task;
};

template <class S>
void multiply(const product_task<S>& task) {
    using matrix = kernels::matrix_ref<S>;
    const auto stored = [](const S* data, isize rows, isize columns) { return matrix{data, rows, columns, 1, rows}; };
    const matrix a = task.a_transposed ? stored(task.a, task.k, task.m).transposed() : stored(task.a, task.m, task.k);
    const matrix b = task.b_transposed ? stored(task.b, task.n, task.k).transposed() : stored(task.b, task.k, task.n);
    kernels::matrix_product<S>(a, b, ddpm::batch_view<S>(task.c, task.m, task.n));
}

template <class S>
void add_product(const product_size& size, isize threads = 1) {
    constexpr bool in_double = std::is_same_v<S, double>;
    const auto flops = 2.0 * static_cast<double>(size.m * size.n * size.k);
    const ddpm::bench::work w{.flops = flops, .in_double = in_double};
    const auto make = [size](auto body) {
        return [=] { return [body, data = matrices<S>(size)] { body(data.task); }; };
    };
    const std::string operation = (in_double ? "double_" : "float_") + size.kind() +
                                  (threads == 1 ? "" : "_" + std::to_string(threads) + "_threads");
    auto& ours = ddpm::bench::add("product", operation, size.text(), w, make(multiply<S>), {.threads = threads});
    if (threads > 1) {
        return;  // Eigen would need OpenMP
    }
    for (const eigen_peer& eigen : eigen_peers()) {
        if constexpr (in_double) {
            ours.peer(eigen.name, make(eigen.multiply_doubles));
        } else {
            ours.peer(eigen.name, make(eigen.multiply_floats));
        }
    }
}

const ddpm::bench::group product_benchmarks{[] {
    for (const isize threads : {1, 2}) {
        // A convolution of 128, or 256, channels by 3 × 3 over 32 × 32, 16 × 16 and 8 × 8 positions; then squares.
        add_product<float>({128, 1024, 1152}, threads);
        add_product<float>({256, 256, 2304}, threads);
        add_product<float>({256, 64, 2304}, threads);
        for (const isize n : {512, 1024, 2048}) {
            add_product<float>({n, n, n}, threads);
        }
    }
    add_product<float>({512, 512, 512, false, true});
    add_product<float>({512, 512, 512, true, false});
    add_product<double>({512, 512, 512});
}};

}  // namespace
