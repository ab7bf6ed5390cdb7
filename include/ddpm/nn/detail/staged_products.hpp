// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/nn/detail/convolution_staging.hpp>
#include <ddpm/nn/detail/panel_sums.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// The weights of a convolution in panels of 32 outputs; in each the segments of a convolution_staging, k, and the outputs,
/// with pairs of k together if W is bfloat16.
template <class W>
struct weight_panels {
    const W* data;
    isize panels;
    isize phase_panels;  ///< of each phase
    isize depth;         ///< of a segment
};

/// Maps whose rows tasks compute.
struct staged_shape {
    isize samples, height, width;  ///< of the output, or of a phase of it
    isize block_rows = 1;          ///< a task has a multiple of so many rows, a power of two, or all
};

/// The products of the pixels that each tap of a convolution's kernel reads, X being the type that `product` reads.
///
/// A task computes some rows of an image, or some small images: it stages what products read (see convolution_staging),
/// then computes 32 outputs after another, and calls store(sums, panel) with the panel_sums of each.
/// @determinism the sums of a sample depend on that sample only, on one instruction set
template <class X, class T, class In, class Store>
void multiply_staged(const convolution_staging<T>& staging, const weight_panels<T>& weights, const In& x,
                     const In* shortcut, const staged_shape& of,
                     void (*product)(const kernels::detail::packed_problem<T>&), const Store& store) {
    struct staged_tag {};  // for thread_scratch
    struct sums_tag {};
    struct offsets_tag {};
    if (of.samples == 0) {
        return;
    }
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const isize threads = ddpm::detail::inside_job() ? 1 : thread_count(), segments = staging.segments();
    const auto whole = staging.template task_layout<X>(of.height, of.width, of.block_rows, of.samples, threads);
    const isize parts = ddpm::detail::divided_up(of.height, whole.rows);
    const isize tasks = ddpm::detail::divided_up(of.samples, whole.images) * parts, panels = weights.panels;
    // With few tasks for the threads the outputs are divided too, though each share then stages the input again.
    const isize panels_each =
        ddpm::detail::divided_up(panels, std::min(panels, ddpm::detail::divided_up(threads, tasks)));
    const isize shares = ddpm::detail::divided_up(panels, panels_each);
    parallel_for(tasks * shares, 1, [&](isize begin, isize end) {
        const kernels::detail::packed_products_scope scope;
        isize* const offsets = staged_memory<offsets_tag, isize>(segments);
        for (isize at = begin; at < end; ++at) {
            const isize share = at % shares, task = at / shares;
            const isize first = task % parts * whole.rows, n = task / parts * whole.images;
            const auto part = staging.layout_of(std::min(whole.images, of.samples - n),
                                                std::min(whole.rows, of.height - first), of.width);
            X* const staged = staged_memory<staged_tag, X>(part.length);
            staging.stage(x, shortcut, n, first, part, staged);
            float* const sums =
                thread_scratch<sums_tag, float>((part.positions + kernels::detail::packed_beyond) * panel_outputs);
            const isize last = std::min(panels, (share + 1) * panels_each);
            for (isize panel = share * panels_each; panel < last; ++panel) {
                staging.find_offsets(part, panel / weights.phase_panels, offsets);
                product({staged, weights.depth, offsets, segments, weights.depth,
                         weights.data + panel * segments * weights.depth * panel_outputs, sums, panel_outputs,
                         part.positions});
                store(panel_sums{sums, part.images, part.rows, part.width, part.image, part.pitch, n, first}, panel);
            }
        }
    });
}

}  // namespace ddpm::nn::detail
