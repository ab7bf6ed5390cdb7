// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/roofline.hpp>
#include <ddpm/bench/table.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>

#include <benchmark/benchmark.h>

#include <ctime>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <time.h>

namespace ddpm::bench {

/// What figures depend on, by name.
using run_context = std::map<std::string, std::string>;

namespace detail {

/// The processor by its name and by its numbers, since virtual machines may hide the name.
[[nodiscard]] inline std::string cpu_name() {
    std::map<std::string, std::string> first;  // what /proc/cpuinfo says of the first processor
    std::ifstream info("/proc/cpuinfo");
    const std::regex field("([^\t]*)\t*: (.*)");
    std::smatch parts;
    for (std::string line; std::getline(info, line) && !line.empty();) {
        if (std::regex_match(line, parts, field)) {
            first[parts[1]] = parts[2];
        }
    }
    std::string name = first.contains("model name") ? first["model name"] : "unknown";
    for (const char* const key : {"cpu family", "model", "CPU implementer", "CPU part"}) {
        if (first.contains(key)) {
            name += ddpm::detail::text(", ", key, " ", first[key]);
        }
    }
    return name;
}

[[nodiscard]] inline std::string compiler_name() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

[[nodiscard]] inline std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%d", ::localtime_r(&now, &local));
    return text;
}

[[nodiscard]] inline std::string text_of(const roofline& roof) {
    return ddpm::detail::text(rate(roof.float_flops, "FLOP/s"), " single, ", rate(roof.double_flops, "FLOP/s"),
                              " double precision; memory: ", rate(roof.read_bytes, "B/s"), " read, ",
                              rate(roof.written_bytes, "B/s"), " written, ", rate(roof.triad_bytes, "B/s"),
                              " two arrays read and one written");
}

}  // namespace detail

/// Processor, date, compiler, instruction set, threads, and the roofline for each of the thread counts, measured.
[[nodiscard]] inline run_context context_of(isize threads, const std::set<isize>& thread_counts) {
    run_context context{{"cpu", detail::cpu_name()},
                        {"day", detail::today()},
                        {"compiler", detail::compiler_name()},
                        {"simd_target", std::string(name_of(simd_target()))},
                        {"threads", std::to_string(threads)}};
    for (const isize count : thread_counts) {
        set_thread_count(count);
        context["peak_" + std::to_string(count) + (count == 1 ? "_thread" : "_threads")] =
            detail::text_of(measure_roofline());
    }
    return context;
}

}  // namespace ddpm::bench
