// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::nn {

/// The time of one layer of a packed network.
struct layer_time {
    std::string name;
    const char* algorithm;
    double seconds;     ///< of the fastest run
    double operations;  ///< multiplications and additions of its products
    double bytes;       ///< of the maps that it reads and writes, and of its weights
};

/// How fast this machine can compute and read, with the present number of threads.
struct machine_limits {
    double operations_per_second;  ///< of products
    double bytes_per_second;       ///< from memory
};

/// The times of all layers of a packed network, in the order in which they run.
class layer_profile {
public:
    /// Begins a run, whose layers are the same as those of the runs before.
    void begin() noexcept { next_ = 0; }

    /// Calls compute() and measures it as the next layer.
    template <std::invocable Compute>
    void measure(std::string_view name, const char* algorithm, double operations, double bytes, Compute&& compute) {
        const auto started = std::chrono::steady_clock::now();
        compute();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
        if (next_ == layers_.size()) {
            layers_.push_back({std::string(name), algorithm, took.count(), operations, bytes});
        }
        layers_[next_].seconds = std::min(layers_[next_].seconds, took.count());
        ++next_;
    }

    [[nodiscard]] const std::vector<layer_time>& layers() const noexcept { return layers_; }

    /// A table: for each layer its time, its share of all, what it reaches of the limit that binds it (the larger of
    /// operations and bytes, each divided by what the machine can do), which one that is, and its algorithm.
    [[nodiscard]] std::string text(const machine_limits& limits) const {
        double total = 0, least = 0;
        for (const layer_time& layer : layers_) {
            total += layer.seconds;
            least += least_time(layer, limits);
        }
        std::string table =
            "layer                                        ms  share   of limit          MB  algorithm\n";
        for (const layer_time& layer : layers_) {
            append_line(table, layer, total, limits);
        }
        append_line(table, {"all", "", total, 0, least * limits.bytes_per_second}, total, limits);
        return table;
    }

private:
    [[nodiscard]] static double least_time(const layer_time& layer, const machine_limits& limits) {
        return std::max(layer.operations / limits.operations_per_second, layer.bytes / limits.bytes_per_second);
    }

    static void append_line(std::string& table, const layer_time& layer, double total, const machine_limits& limits) {
        const bool computes = layer.operations / limits.operations_per_second > layer.bytes / limits.bytes_per_second;
        char line[256];
        std::snprintf(line, sizeof line, "%-40.40s %7.3f  %4.1f%%  %4.0f%% %-8s %7.2f  %s\n", layer.name.c_str(),
                      layer.seconds * 1e3, 100 * layer.seconds / total, 100 * least_time(layer, limits) / layer.seconds,
                      layer.algorithm[0] == '\0' ? ""
                      : computes                 ? "products"
                                                 : "memory",
                      layer.bytes / 1e6, layer.algorithm);
        table += line;
    }

    std::vector<layer_time> layers_;
    std::size_t next_ = 0;
};

/// Measures the limits for numbers of type T in about a quarter of a second.
template <class T>
[[nodiscard]] machine_limits measure_limits() {
    using clock = std::chrono::steady_clock;
    const isize threads = thread_count();
    constexpr isize depth = 256, pixels = 48, repetitions = 200;
    const auto product = kernels::detail::packed_product_body<T>();
    // Zeros of either type that the product may read.
    const std::vector<float, aligned_allocator<float>> x(
        static_cast<std::size_t>((pixels + kernels::detail::packed_beyond) * depth));
    const std::vector<T, aligned_allocator<T>> weights(
        static_cast<std::size_t>(depth * kernels::detail::packed_outputs));
    const auto best_of = [](auto&& run) {
        double best = 1e9;
        for (int i = 0; i < 5; ++i) {
            const auto started = clock::now();
            run();
            best = std::min(best, std::chrono::duration<double>(clock::now() - started).count());
        }
        return best;
    };
    const double computing = best_of([&] {
        parallel_for(threads, 1, [&](isize, isize) {
            alignas(64) float sums[static_cast<std::size_t>((pixels + kernels::detail::packed_beyond) *
                                                            kernels::detail::packed_outputs)];
            const isize segment = 0;
            for (isize i = 0; i < repetitions; ++i) {
                product({x.data(), depth, &segment, 1, depth, weights.data(), sums, kernels::detail::packed_outputs,
                         pixels});
            }
        });
    });
    const isize part = isize{1} << 23;  // floats: more than a cache holds
    const std::vector<float> memory(static_cast<std::size_t>(part * threads));
    const double reading = best_of([&] {
        parallel_for(threads, 1, [&](isize first, isize) {
            volatile double sum = kernels::sum_of_squares<float>(part, memory.data() + first * part);
            static_cast<void>(sum);
        });
    });
    return {
        2.0 * static_cast<double>(threads * repetitions * pixels * depth * kernels::detail::packed_outputs) / computing,
        static_cast<double>(part * threads * isize{sizeof(float)}) / reading};
}

}  // namespace ddpm::nn
