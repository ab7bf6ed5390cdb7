// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/roofline.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>

#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>

namespace ddpm::bench {

namespace detail {

[[nodiscard]] inline std::string cpu_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) {
            const std::size_t at = line.find_first_not_of(" \t:", line.find(':'));
            return at == std::string::npos ? "unknown" : line.substr(at);
        }
    }
    return "unknown";
}

[[nodiscard]] inline std::string compiler_name() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

[[nodiscard]] inline std::string giga(double value, const char* unit) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f G%s", value * 1e-9, unit);
    return text;
}

/// Takes --ddpm_threads=N out of the arguments.
inline void take_threads(int& argc, char** argv) {
    constexpr std::string_view flag = "--ddpm_threads=";
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (!argument.starts_with(flag)) {
            argv[kept++] = argv[i];
            continue;
        }
        const std::string_view digits = argument.substr(flag.size());
        index threads = 0;
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), threads);
        if (problem != std::errc{} || end != digits.data() + digits.size() || threads < 0) {
            throw value_error("--ddpm_threads", "thread count", ">= 0", digits);
        }
        set_thread_count(threads);
    }
    argc = kept;
}

}  // namespace detail

/// Puts into the report's context what the figures depend on: processor, compiler, instruction set, threads, roofline.
inline void add_context() {
    const roofline& roof = machine_roofline();
    benchmark::AddCustomContext("cpu", detail::cpu_name());
    benchmark::AddCustomContext("compiler", detail::compiler_name());
    benchmark::AddCustomContext("simd_target", std::string(name(simd_target())));
    benchmark::AddCustomContext("threads", std::to_string(roof.threads));
    benchmark::AddCustomContext("peak_float", detail::giga(roof.float_flops, "FLOP/s"));
    benchmark::AddCustomContext("peak_double", detail::giga(roof.double_flops, "FLOP/s"));
    benchmark::AddCustomContext("memory_read", detail::giga(roof.read_bytes, "B/s"));
    benchmark::AddCustomContext("memory_triad", detail::giga(roof.triad_bytes, "B/s"));
}

/// The main of a benchmark program: Google Benchmark's flags (--benchmark_filter=, --benchmark_out= for JSON, …), and
/// --ddpm_threads=N for the library's threads, 0 for all.
/// @returns the exit code
inline int run(int argc, char** argv) {
    try {
        detail::take_threads(argc, argv);
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
            return 2;
        }
        add_context();
        benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}

}  // namespace ddpm::bench
