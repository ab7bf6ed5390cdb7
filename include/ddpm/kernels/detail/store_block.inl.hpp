// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of store_block.hpp.

/// Mean and squares over the pixels of the rounded results, for the lanes from `output` on.
DDPM_INLINE void find_block_moments(const float* values, isize pixels, float* mean, float* squares) {
    const pack<float> first = load(values);
    pack<float> sum{};  // of the differences from the first, which is more accurate
    for (isize p = 1; p < pixels; ++p) {
        sum += load(values + p * packed_outputs) - first;
    }
    const pack<float> center = first + sum / static_cast<float>(pixels);
    pack<float> square_sum{};
    for (isize p = 0; p < pixels; ++p) {
        const pack<float> difference = load(values + p * packed_outputs) - center;
        square_sum = multiply_add(difference, difference, square_sum);
    }
    store(mean, center);
    store(squares, square_sum);
}

template <class T>
void store_block(const store_problem<T>& problem) {
    constexpr isize width = lanes<float>;
    for (isize output = 0; output < problem.outputs; output += width) {
        const isize count = problem.outputs - output < width ? problem.outputs - output : width;
        const pack<float> bias = load(problem.bias + output), factor = splat(problem.factor);
        for (isize p = 0; p < problem.pixels; ++p) {
            float* const sums = problem.sums + p * packed_outputs + output;
            pack<float> v = load(sums) + bias;
            T* const out = problem.out + p * problem.out_pixel + output;
            if (problem.added != nullptr) {
                const T* const added = problem.added + p * problem.added_pixel + output;
                T room[static_cast<std::size_t>(width)];
                v += load_float(whole<width>(added, count, room));
            }
            v = rounded_to<T>(v * factor);
            store(sums, v);
            if (count == width) {
                store_rounded(out, v);
            } else {
                T room[static_cast<std::size_t>(width)];
                store_rounded(room, v);
                __builtin_memcpy(out, room, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
            }
        }
        if (problem.moments != nullptr) {
            find_block_moments(problem.sums + output, problem.pixels, problem.moments + output,
                               problem.moments + packed_outputs + output);
        }
    }
}
