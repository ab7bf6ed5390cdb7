// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/random/noise.hpp>

#include <random>
#include <string>

namespace {

void add_normals(ddpm::index dimension, ddpm::index count) {
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    const auto elements = static_cast<double>(dimension * count);
    const ddpm::bench::work filled{.items = elements, .bytes = 4 * elements};

    ddpm::bench::add("random", "philox_normal", size, filled, [=] {
        const ddpm::philox_noise noise(1, ddpm::noise_stream::sampler);
        return [noise, step = ddpm::index{0}, out = ddpm::batch<float>(dimension, count)]() mutable {
            noise.normal<float>(out, step++);
        };
    });
    ddpm::bench::add("random", "std_mt19937_normal", size, filled, [=] {
        return [bits = std::mt19937(1), normal = std::normal_distribution<float>(),
                out = ddpm::batch<float>(dimension, count)]() mutable {
            for (float& x : out.reshaped()) {
                x = normal(bits);
            }
        };
    });
}

const ddpm::bench::group random_benchmarks{[] {
    add_normals(64, 64);
    add_normals(3 * 32 * 32, 64);
    add_normals(1 << 14, 1 << 10);
}};

}  // namespace
