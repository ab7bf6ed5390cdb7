// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>

#include <functional>

namespace ddpm::test {

/// A case whose instructions are counted. Every call does the same work.
struct kernel_call {
    const char* name;
    std::function<void()> call;
};

using kernel_visitor = std::function<void(const kernel_call&)>;

// Each calls visit(one) for the cases of a kind. What a case reads and writes lives as long as the function runs.
void visit_elementwise_kernels(const kernel_visitor& visit);
void visit_sum_kernels(const kernel_visitor& visit);
void visit_noise_kernels(const kernel_visitor& visit);
void visit_network_kernels(const kernel_visitor& visit);
void visit_winograd_kernels(const kernel_visitor& visit);

/// The shape of most batches.
inline constexpr isize call_rows = 1024, call_columns = 16, call_size = call_rows * call_columns;

/// The sizes of convolutions and normalizations: a row of pixels, which is cut into Winograd's tiles.
inline constexpr isize call_pixels = 64, call_channels = 64;

/// The same normals in every run, others for every `step`.
template <Scalar S = float>
[[nodiscard]] batch<S> normal_batch(isize rows, isize columns, isize step = 0) {
    batch<S> out(rows, columns);
    philox_noise(1, noise_stream::sampler).normal<S>(out, step);
    return out;
}

}  // namespace ddpm::test
