// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/target.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/random/torch_noise.hpp>

#include <random>
#include <string>

namespace {

using ddpm::bench::bench_case;

bench_case& add_normals(const std::string& operation, ddpm::isize dimension, ddpm::isize count,
                        const ddpm::bench::setting& where = {}) {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    const auto elements = static_cast<double>(dimension * count);
    const ddpm::bench::work filled{.items = elements, .passes = {{.floats = elements, .written = 1}}};
    const auto make = [=] {
        const ddpm::philox_noise noise(1, ddpm::noise_stream::sampler);
        return [noise, step = ddpm::isize{0}, out = ddpm::batch<float>(dimension, count)]() mutable {
            noise.normal<float>(out, step++);
        };
    };
    return ddpm::bench::add("random", operation, size, filled, make, where);
}

void add_normals_and_peer(ddpm::isize dimension, ddpm::isize count) {
    add_normals("philox_normal", dimension, count).peer("std", [=] {
        return [bits = std::mt19937(1), normal = std::normal_distribution<float>(),
                out = ddpm::batch<float>(dimension, count)]() mutable {
            for (float& x : out.reshaped()) {
                x = normal(bits);
            }
        };
    });
}

/// PyTorch's own numbers, drawn in sequence.
void add_torch_normals(ddpm::isize dimension, ddpm::isize count) {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    const auto elements = static_cast<double>(dimension * count);
    const ddpm::bench::work filled{.items = elements, .passes = {{.floats = elements, .written = 1}}};
    ddpm::bench::add("random", "torch_normal", size, filled, [=] {
        return [noise = ddpm::torch_noise(1), out = ddpm::batch<float>(dimension, count)]() mutable {
            noise.normal<float>(out);
        };
    });
}

const ddpm::bench::group random_benchmarks{[] {
    add_normals_and_peer(64, 64);            // 4,096 elements: fits in the first cache
    add_normals_and_peer(3 * 32 * 32, 64);   // a batch of CIFAR-10
    add_normals_and_peer(1 << 14, 1 << 10);  // 16 M: from memory
    for (const ddpm::instruction_set set : ddpm::float_instruction_sets) {
        if (ddpm::is_supported(set)) {
            add_normals("philox_normal_" + std::string(name_of(set)), 1 << 14, 1 << 10, {.instructions = set});
        }
    }
    add_torch_normals(1 << 14, 1 << 10);
}};

}  // namespace
