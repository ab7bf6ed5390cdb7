// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/peer_program.hpp>
#include <ddpm/bench/probe.hpp>
#include <ddpm/bench/results.hpp>
#include <ddpm/bench/roofline.hpp>
#include <ddpm/bench/table.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::bench {

/// What a benchmark program was asked for.
struct run_options {
    std::string filter = ".";
    index rounds = 1;
    index threads = 1;
    bool only_ours = false;
    bool list = false;
    std::string peer_program{};
    std::string json{};
    std::string markdown{};

    static constexpr const char* help =
        "--filter=REGEX         cases whose area/operation/size matches, with their peers\n"
        "--rounds=N             measures everything N times, in turn; figures are medians (1)\n"
        "--threads=N            threads of the library where a case does not say (1); 0: all\n"
        "--only-ours            neither peers nor probes\n"
        "--peer-program=COMMAND also asks a program for times, see peer_program.hpp\n"
        "--out=FILE             writes JSON in Google Benchmark's format\n"
        "--markdown=FILE        writes the table in Markdown\n"
        "--list                 names the cases and their peers\n"
        "--benchmark_...        flags of Google Benchmark, such as --benchmark_min_time=0.1\n";
};

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

[[nodiscard]] inline std::string today() {
    const std::time_t now = std::time(nullptr);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%d", std::localtime(&now));
    return text;
}

[[nodiscard]] inline index number_of(std::string_view flag, std::string_view digits, index least) {
    index number = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (problem != std::errc{} || end != digits.data() + digits.size() || number < least) {
        throw value_error(flag, "a number", ddpm::detail::text(">= ", least), digits);
    }
    return number;
}

/// Takes the flags above out of the arguments.
[[nodiscard]] inline run_options take_options(std::vector<char*>& arguments) {
    run_options options;
    const auto take = [&](std::string_view argument) {
        const std::size_t equals = argument.find('=');
        const std::string_view flag = argument.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
        if (flag == "--filter" || flag == "--benchmark_filter") {
            options.filter = value;
        } else if (flag == "--rounds") {
            options.rounds = number_of(flag, value, 1);
        } else if (flag == "--threads") {
            options.threads = number_of(flag, value, 0);
        } else if (argument == "--only-ours") {
            options.only_ours = true;
        } else if (flag == "--peer-program") {
            options.peer_program = value;
        } else if (flag == "--out" || flag == "--benchmark_out") {
            options.json = value;
        } else if (flag == "--markdown") {
            options.markdown = value;
        } else if (argument == "--list") {
            options.list = true;
        } else {
            return false;
        }
        return true;
    };
    const auto end = std::remove_if(arguments.begin() + 1, arguments.end(), take);
    arguments.erase(end, arguments.end());
    return options;
}

/// Adds the peer program's cases to ours.
/// @throws value_error for a case that there is not
inline void add_peers(const std::shared_ptr<peer_program>& program) {
    for (const peer_program::timed_case& other : program->cases()) {
        const auto ours = std::find_if(cases().begin(), cases().end(),
                                       [&](const bench_case& each) { return each.name() == other.name; });
        if (ours == cases().end()) {
            throw value_error("peer program", "case", "a benchmark of this program", other.name);
        }
        const auto measure = [program, other, w = ours->what()](benchmark::State& state) {
            last_prepared() = {};  // gives back its memory
            const double seconds = program->seconds(other, state.max_iterations);
            for ([[maybe_unused]] const auto _ : state) {
                state.SetIterationTime(seconds / static_cast<double>(state.max_iterations));
            }
            report(state, w);
        };
        ours->peer_in_its_own_time({.peer = other.peer, .measure = measure, .manual_time = true});
    }
}

/// Adds the probes that say what binds a case.
inline void add_probes(bench_case& each) {
    const work w = each.what();
    if (w.flops > 0 && w.in_double) {
        each.peer(std::string(probe_name::flops), [w] { return flops_probe<double>(w.flops); });
    } else if (w.flops > 0) {
        each.peer(std::string(probe_name::flops), [w] { return flops_probe<float>(w.flops); });
    }
    if (w.streams.bytes() > 0) {
        each.peer(std::string(probe_name::memory), [w] { return streams_probe(w.streams, false); });
    }
    constexpr double larger_than_caches = 32 * 0x1p20 / sizeof(float);
    if (w.streams.written > 0 && w.streams.floats >= larger_than_caches / 2) {
        each.peer(std::string(probe_name::streamed), [w] { return streams_probe(w.streams, true); });
    }
}

inline void register_with_google_benchmark(const bench_case& each, bool only_ours) {
    for (const contender& one : each.contenders()) {
        if (only_ours && !one.peer.empty()) {
            continue;
        }
        const std::string name = one.peer.empty() ? each.name() : each.name() + "@" + one.peer;
        auto* const registered = benchmark::RegisterBenchmark(name.c_str(), one.measure)->Unit(benchmark::kMicrosecond);
        if (one.manual_time) {
            registered->UseManualTime();
        } else {
            registered->UseRealTime();
        }
    }
}

inline void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text;
    if (!file.flush()) {
        throw io_error(path, "cannot be written");
    }
}

[[nodiscard]] inline std::string roofline_text(const roofline& roof) {
    return ddpm::detail::text(
        roof.threads, roof.threads == 1 ? " thread: " : " threads: ", "peak ", rate(roof.float_flops, "FLOP/s"),
        " in single, ", rate(roof.double_flops, "FLOP/s"), " in double precision; memory ", rate(roof.read_bytes, "B/s"),
        " read, ", rate(roof.written_bytes, "B/s"), " written, ", rate(roof.triad_bytes, "B/s"), " two read and one written");
}

}  // namespace detail

/// Runs the program's cases as asked, and prints, and writes, what came out.
inline void run(const run_options& options) {
    std::shared_ptr<peer_program> program;
    if (!options.peer_program.empty() && !options.only_ours) {
        program = std::make_shared<peer_program>(options.peer_program);
        detail::add_peers(program);
    }
    set_thread_count(options.threads);
    detail::default_threads() = thread_count();

    const std::regex filter(options.filter);
    std::set<index> thread_counts{1};
    for (bench_case& each : cases()) {
        if (!std::regex_search(each.name(), filter)) {
            continue;
        }
        if (!options.only_ours) {
            detail::add_probes(each);
        }
        if (options.list) {
            for (const contender& one : each.contenders()) {
                std::printf("%s%s%s\n", each.name().c_str(), one.peer.empty() ? "" : "@", one.peer.c_str());
            }
            continue;
        }
        thread_counts.insert(each.where().threads == 0 ? detail::default_threads() : each.where().threads);
        detail::register_with_google_benchmark(each, options.only_ours);
    }
    if (options.list) {
        return;
    }

    // Everything that the figures depend on.
    std::vector<std::pair<std::string, std::string>> context{{"date_of_run", detail::today()},
                                                             {"cpu", detail::cpu_name()},
                                                             {"compiler", detail::compiler_name()},
                                                             {"simd_target", std::string(name(simd_target()))},
                                                             {"threads", std::to_string(detail::default_threads())}};
    if (program != nullptr) {
        context.emplace_back("peers", program->about());
    }
    for (const index threads : thread_counts) {
        set_thread_count(threads);
        context.emplace_back("roofline_" + std::to_string(threads), detail::roofline_text(measure_roofline()));
    }
    for (const auto& [key, value] : context) {
        benchmark::AddCustomContext(key, value);
    }

    results measured(options.rounds);
    for (index round = 0; round < options.rounds; ++round) {
        measured.begin_round(round);
        benchmark::RunSpecifiedBenchmarks(&measured, std::string("."));
    }
    detail::last_prepared() = {};

    std::string head;
    for (const auto& [key, value] : context) {
        head += key + ": " + value + "\n";
    }
    const auto table = table_of(measured.by_case());
    std::printf("\n%s\n%s", head.c_str(), as_text(table).c_str());
    if (!options.json.empty()) {
        std::ostringstream json;
        measured.write_json(json);
        detail::write_file(options.json, json.str());
    }
    if (!options.markdown.empty()) {
        std::string list;
        for (const auto& [key, value] : context) {
            list += "- " + key + ": " + value + "\n";
        }
        detail::write_file(options.markdown, list + "\n" + as_markdown(table));
    }
}

/// The main of a benchmark program: --help tells its flags.
/// @returns the exit code
inline int run(int argc, char** argv) {
    try {
        std::vector<char*> arguments(argv, argv + argc);
        const run_options options = detail::take_options(arguments);
        // Short trials in several rounds say more than one long one.
        std::string short_trials = "--benchmark_min_time=0.1";
        const auto sets_time = [](std::string_view argument) { return argument.starts_with("--benchmark_min_time"); };
        if (options.rounds > 1 && std::none_of(arguments.begin(), arguments.end(), sets_time)) {
            arguments.insert(arguments.begin() + 1, short_trials.data());
        }
        if (std::find(arguments.begin(), arguments.end(), std::string_view("--help")) != arguments.end()) {
            std::fputs(run_options::help, stdout);
            return 0;
        }
        int count = static_cast<int>(arguments.size());
        arguments.push_back(nullptr);
        benchmark::Initialize(&count, arguments.data());
        if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
            return 2;
        }
        run(options);
        benchmark::Shutdown();
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}

}  // namespace ddpm::bench
