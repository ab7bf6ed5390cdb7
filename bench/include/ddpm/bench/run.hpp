// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/context.hpp>
#include <ddpm/bench/options.hpp>
#include <ddpm/bench/peer_program.hpp>
#include <ddpm/bench/probe.hpp>
#include <ddpm/bench/results.hpp>
#include <ddpm/bench/table.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <locale>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::bench {

namespace detail {

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
            const peer_program::answer said = program->time(other, state.max_iterations);
            if (std::isnan(said.seconds)) {
                state.SkipWithError(said.note.c_str());
                return;
            }
            for ([[maybe_unused]] const auto _ : state) {
                state.SetIterationTime(said.seconds / static_cast<double>(state.max_iterations));
            }
            state.SetLabel(said.note.c_str());
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
    if (!w.passes.empty()) {
        each.peer(std::string(probe_name::memory), [w] { return streams_probe(w.passes, false); });
    }
    if (w.is_worth_streaming()) {
        each.peer(std::string(probe_name::streamed), [w] { return streams_probe(w.passes, true); });
    }
}

/// Registers ours, then the probes, which are to run close to it, then the peers.
inline void register_with_google_benchmark(const bench_case& each, bool only_ours) {
    std::vector<contender> order = each.contenders();
    std::stable_partition(order.begin(), order.end(),
                          [](const contender& one) { return one.peer.empty() || is_probe(one.peer); });
    for (const contender& one : order) {
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

/// While it lives, C++'s global locale is the classic one, and C's as well: Google Benchmark's report and a peer
/// program's answers are numbers for other programs.
class classic_locale {
public:
    classic_locale() : before_(std::locale::global(std::locale::classic())) {}
    classic_locale(const classic_locale&) = delete;
    classic_locale& operator=(const classic_locale&) = delete;
    ~classic_locale() { std::locale::global(before_); }

private:
    std::locale before_;
};

/// Prints, and writes, what came out.
inline void publish(const results& measured, const run_context& context, const run_options& options) {
    const auto table = table_of(measured.by_case());
    std::string lines, list;
    for (const auto& [key, value] : context) {
        lines += key + ": " + value + "\n";
        list += "- " + key + ": " + value + "\n";
    }
    std::printf("\n%s\n%s\n%s", lines.c_str(), as_text(table).c_str(), table_legend);
    if (!options.json.empty()) {
        std::ostringstream json;
        json.imbue(std::locale::classic());
        measured.write_json(json);
        write_file(options.json, json.str());
    }
    if (!options.markdown.empty()) {
        write_file(options.markdown, list + "\n" + as_markdown(table) + "\n" + table_legend);
    }
}

}  // namespace detail

/// Runs the cases that the options ask for, and prints a table: time, rates, share of the machine's limit, which is the
/// fastest, and each peer's time.
/// @throws io_error if the peer program fails or a file cannot be written; value_error if no case matches;
/// std::regex_error for a filter that is none
inline void run(const run_options& options) {
    const detail::classic_locale numbers_for_programs;
    std::shared_ptr<peer_program> program;
    if (!options.peer_program.empty() && !options.only_ours) {
        program = std::make_shared<peer_program>(options.peer_program);
        detail::add_peers(program);
    }
    set_thread_count(options.threads);
    detail::default_threads() = thread_count();

    const std::vector<std::regex> filters(options.filters.begin(), options.filters.end());
    std::set<isize> thread_counts;
    bool any = false;
    for (bench_case& each : cases()) {
        if (!std::all_of(filters.begin(), filters.end(),
                         [&](const std::regex& filter) { return std::regex_search(each.name(), filter); })) {
            continue;
        }
        any = true;
        if (!options.only_ours) {
            detail::add_probes(each);
            thread_counts.insert(each.where().threads == 0 ? detail::default_threads() : each.where().threads);
        }
        detail::register_with_google_benchmark(each, options.only_ours);
        for (const contender& one : each.contenders()) {
            if (options.list) {
                std::printf("%s%s%s\n", each.name().c_str(), one.peer.empty() ? "" : "@", one.peer.c_str());
            }
        }
    }
    if (!any) {
        throw value_error("--filter", "no benchmark matches");
    }
    if (options.list) {
        return;
    }

    run_context context = context_of(detail::default_threads(), thread_counts);
    context.insert(options.context.begin(), options.context.end());
    if (program != nullptr) {
        context["peers"] = program->about();
    }
    for (const auto& [key, value] : context) {
        benchmark::AddCustomContext(key, value);
    }
    results measured(options.rounds);
    for (isize round = 0; round < options.rounds; ++round) {
        measured.begin_round(round);
        benchmark::RunSpecifiedBenchmarks(&measured, std::string("."));
    }
    detail::last_prepared() = {};
    detail::publish(measured, context, options);
}

/// The main of a benchmark program: --help tells its flags.
/// @returns the exit code
inline int run(int argc, char** argv) {
    try {
        std::vector<char*> arguments(argv, argv + argc);
        if (std::find(arguments.begin(), arguments.end(), std::string_view("--help")) != arguments.end()) {
            std::fputs(run_options::help, stdout);
            return 0;
        }
        const run_options options = take_options(arguments);
        // Short trials in several rounds say more than one long one.
        std::string short_trials = "--benchmark_min_time=0.1";
        const auto sets_time = [](std::string_view argument) { return argument.starts_with("--benchmark_min_time"); };
        if (options.rounds > 1 && std::none_of(arguments.begin(), arguments.end(), sets_time)) {
            arguments.insert(arguments.begin() + 1, short_trials.data());
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
