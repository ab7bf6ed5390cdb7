// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

namespace ddpm::bench {

/// Memory that benchmarks share, so that large arrays are not made anew for each: array number `number`, aligned, with
/// at least `size` floats in (0, 1/2] that look random. It holds until somebody asks for that number again: a benchmark
/// asks when it is set up, and only one is set up at a time.
[[nodiscard]] inline float* scratch(int number, isize size) {
    static std::map<int, nn::tensor<float>> arrays;
    nn::tensor<float>& array = arrays[number];
    if (array.size() < size) {
        array = nn::tensor<float>();  // first gives back what it had
        array = nn::tensor<float>({size});
    }
    float* const x = array.data();
    for (isize i = 0; i < size; ++i) {
        const std::uint32_t mixed = static_cast<std::uint32_t>(i + number) * 2654435769u;  // 2³² over the golden ratio
        x[i] = static_cast<float>((mixed >> 9) + 1) * 0x1p-24F;
    }
    return x;
}

/// The same as a batch of D × N.
[[nodiscard]] inline batch_view<float> scratch_batch(int number, isize dimension, isize count) {
    return {scratch(number, dimension * count), dimension, count};
}

}  // namespace ddpm::bench
