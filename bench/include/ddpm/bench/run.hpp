// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/baseline.hpp>
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
#include <filesystem>
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

[[nodiscard]] inline bool matches_all(const std::string& name, const std::vector<std::regex>& filters) {
    return std::all_of(filters.begin(), filters.end(),
                       [&](const std::regex& filter) { return std::regex_search(name, filter); });
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
    std::vector<contender> order, peers;
    for (const contender& one : each.contenders()) {
        (one.peer.empty() || is_probe(one.peer) ? order : peers).push_back(one);
    }
    order.insert(order.end(), peers.begin(), peers.end());
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
        const std::string line = ddpm::detail::text(key, ": ", value, "\n");
        lines += line;
        list.append("- ").append(line);
    }
    std::printf("\n%s\n%s\n%s", lines.c_str(), as_text(table).c_str(), table_legend);
    if (!options.json.empty()) {
        std::ostringstream json;
        json.imbue(std::locale::classic());
        measured.write_json(json);
        write_file(options.json, json.str());
    }
    if (!options.baseline.empty()) {
        std::filesystem::create_directories(options.baseline);
        std::ostringstream json;
        json.imbue(std::locale::classic());
        measured.write_baseline(json, context);
        write_file(baseline_path(options.baseline, context), json.str());
    }
    if (!options.markdown.empty()) {
        write_file(options.markdown, list + "\n" + as_markdown(table) + "\n" + table_legend);
    }
}

/// What was measured of the cases, as a stored run holds it.
[[nodiscard]] inline stored_run stored_run_of(const results& measured, const run_context& context) {
    stored_run now{.path = "this run", .context = context};
    for (const case_result& result : measured.by_case()) {
        now.rows[result.of->name()] = {.seconds = result.median_seconds(),
                                       .of_limit = result.roof().of_limit,
                                       .call = result.of->what().per_call()};
    }
    return now;
}

/// Prints how a run compares with a stored one, of the cases that match all filters.
/// @returns 0, or 1 if a row is slower than the threshold allows, missing, or not comparable
/// @throws value_error if they have no case in common
[[nodiscard]] inline int publish_comparison(stored_run baseline, stored_run now, const std::vector<std::regex>& filters,
                                            double threshold) {
    const auto is_not_wanted = [&](const auto& entry) { return !matches_all(entry.first, filters); };
    std::erase_if(baseline.rows, is_not_wanted);
    std::erase_if(now.rows, is_not_wanted);
    const comparison both = compare(baseline, now);
    if (both.rows.empty() && both.other_work.empty()) {
        throw value_error(baseline.path, "no benchmark in common with " + now.path);
    }
    std::printf("\n");
    for (const stored_run* const run : {&baseline, &now}) {
        std::printf("%s: %s, %s, %s, %s\n", run->path.c_str(), run->context.at("cpu").c_str(),
                    run->context.at("simd_target").c_str(), run->context.at("compiler").c_str(),
                    run->context.at("day").c_str());
    }
    std::printf("\n%s\n%s\n", as_text(table_of(both)).c_str(), comparison_legend);
    int slower = 0;
    for (const comparison::row& row : both.rows) {
        if (row.slowdown() > threshold) {
            std::printf("slower: %s, %s\n", row.name.c_str(), ratio(row.slowdown()).c_str());
            ++slower;
        }
    }
    for (const comparison::row& row : both.other_work) {
        std::printf("not comparable: %s\n", text_of_other_work(row).c_str());
    }
    for (const std::string& name : both.missing) {
        std::printf("missing: %s\n", name.c_str());
    }
    for (const std::string& name : both.added) {
        std::printf("not in the baseline: %s\n", name.c_str());
    }
    std::printf(
        "%d of %td rows are more than %g times as slow as stored; %td are missing, %td not comparable, %td not "
        "in the baseline\n",
        slower, std::ssize(both.rows), threshold, std::ssize(both.missing), std::ssize(both.other_work),
        std::ssize(both.added));
    return slower > 0 || !both.missing.empty() || !both.other_work.empty() || !both.added.empty() ? 1 : 0;
}

}  // namespace detail

/// Runs the cases that the options ask for, and prints a table: time, rates, share of the machine's limit, which is the
/// fastest, and each peer's time; where the options say so, also beside a stored run.
/// @returns the exit code: 0, or 1 if a row is slower than in the stored run, not comparable, or in one of the two only
/// @throws io_error if the peer program fails or a file cannot be read or written; value_error if no case matches or
/// the stored run is of another processor; std::regex_error for a filter that is none
[[nodiscard]] inline int run(const run_options& options) {
    const detail::classic_locale numbers_for_programs;
    const std::vector<std::regex> filters(options.filters.begin(), options.filters.end());
    if (!options.measured.empty()) {
        const stored_run now = read_run(options.measured);
        return detail::publish_comparison(read_baseline(options.compare, now.context), now, filters, options.threshold);
    }
    std::shared_ptr<peer_program> program;
    if (!options.peer_program.empty() && !options.only_ours) {
        program = std::make_shared<peer_program>(options.peer_program);
        detail::add_peers(program);
    }
    set_thread_count(options.threads);
    detail::default_threads() = thread_count();

    std::set<isize> thread_counts;
    bool any = false;
    for (bench_case& each : cases()) {
        if (!detail::matches_all(each.name(), filters)) {
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
        return 0;
    }

    run_context context = context_of(detail::default_threads(), thread_counts);
    context.insert(options.context.begin(), options.context.end());
    if (program != nullptr) {
        context["peers"] = program->about();
    }
    for (const auto& [key, value] : context) {
        benchmark::AddCustomContext(key, value);
    }
    stored_run baseline;
    if (!options.compare.empty()) {
        baseline = read_baseline(options.compare, context);  // before anything is measured, since it may be refused
    }
    results measured(options.rounds);
    for (isize round = 0; round < options.rounds; ++round) {
        measured.begin_round(round);
        benchmark::RunSpecifiedBenchmarks(&measured, std::string("."));
    }
    detail::last_prepared() = {};
    detail::publish(measured, context, options);
    return options.compare.empty() ? 0
                                   : detail::publish_comparison(baseline, detail::stored_run_of(measured, context),
                                                                filters, options.threshold);
}

/// The main of a benchmark program: --help tells its flags.
/// @returns the exit code: that of the run, or 2 for arguments or files that cannot be used
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
        const int code = run(options);
        benchmark::Shutdown();
        return code;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 2;
    }
}

}  // namespace ddpm::bench
