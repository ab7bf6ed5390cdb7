// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/random/torch_generator.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ddpm {

/// The noise of a PyTorch program: each call is one torch.randn(N, C, H, W, dtype) on the CPU, reordered to H, W, C. It
/// is sequential: it ignores the address, and its values depend on the earlier calls and their batch sizes.
/// @accuracy see torch_generator
class torch_noise {
public:
    /// Noise for images of `shape`. Without a shape, noise for vectors of any dimension, as torch.randn(N, D).
    /// @throws shape_error if a size is negative
    explicit torch_noise(torch_generator generator, sample_shape shape = {}) : generator_(generator), shape_(shape) {
        if (shape.height < 0 || shape.width < 0 || shape.channels < 0) {
            throw shape_error("torch_noise", "negative size", "height, width, channels >= 0",
                              detail::text(shape.height, " x ", shape.width, " x ", shape.channels));
        }
    }

    /// Starts as after torch.manual_seed(seed).
    explicit torch_noise(std::uint64_t seed, sample_shape shape = {}) : torch_noise(torch_generator(seed), shape) {}

    /// The generator, for drawing other numbers between calls.
    [[nodiscard]] torch_generator& generator() noexcept { return generator_; }

    [[nodiscard]] sample_shape shape() const noexcept { return shape_; }

    /// Standard normals for N samples.
    /// @shape out D × N
    /// @throws shape_error if the noise has a shape and its size is not D
    template <Scalar S>
    void normal(batch_view<S> out, isize /*step*/ = 0, isize /*first_sample*/ = 0) {
        if (shape_ != sample_shape{} && out.rows() != shape_.size()) {
            throw shape_error("torch_noise::normal", "elements of a sample", shape_.size(), out.rows());
        }
        const isize channels = shape_ == sample_shape{} ? 1 : shape_.channels;
        if (channels == 1 && out.contiguous()) {
            generator_.randn(std::span<S>(out.data(), static_cast<std::size_t>(out.size())));
            return;
        }
        std::vector<S> drawn(static_cast<std::size_t>(out.size()));
        generator_.randn(std::span<S>(drawn));
        const S* from = drawn.data();
        for (isize n = 0; n < out.columns(); ++n) {
            for (isize c = 0; c < channels; ++c) {
                for (isize e = c; e < out.rows(); e += channels) {
                    out.column(n)[e] = *from++;
                }
            }
        }
    }

private:
    torch_generator generator_;
    sample_shape shape_;
};

}  // namespace ddpm
