// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ddpm::bench {

/// What a benchmark program is asked for.
struct run_options {
    std::vector<std::string> filters{};  ///< regular expressions that all must match a case's name
    isize rounds = 1;                    ///< how many times everything is measured, in turn; figures are medians
    isize threads = 1;                   ///< the library's threads where a case does not say; 0: all
    bool only_ours = false;              ///< measures neither peers nor probes
    bool list = false;                   ///< prints the names of cases and peers, and measures nothing
    std::string peer_program{};          ///< the command that starts a peer_program; empty: none
    std::string json{};                  ///< the file that gets all runs in Google Benchmark's format; empty: none
    std::string markdown{};              ///< the file that gets the table in Markdown; empty: none
    std::string baseline{};              ///< the folder that gets the library's medians; empty: none
    std::string compare{};               ///< the stored run, or folder of baselines, to compare with; empty: none
    std::string measured{};              ///< the stored run that is compared instead of a new measurement; empty: none
    double threshold = 1.1;              ///< how many times as slow as the stored one a row counts as slower
    std::map<std::string, std::string> context{};  ///< what the figures depend on, beside what the program finds

    static constexpr const char* help =
        "--filter=REGEX         cases whose area/operation/size matches, with their peers; all filters must match\n"
        "--rounds=N             measures everything N times, in turn; figures are medians (1)\n"
        "--threads=N            threads of the library where a case does not say (1); 0: all\n"
        "--only-ours            neither peers nor probes: a comparison is then of times\n"
        "--peer-program=COMMAND also asks a program for times, see peer_program.hpp\n"
        "--out=FILE             writes JSON in Google Benchmark's format\n"
        "--markdown=FILE        writes the table in Markdown\n"
        "--baseline=FOLDER      writes the library's medians into FOLDER/PROCESSOR.json\n"
        "--compare=PATH         compares with that file, or the folder's; exit code 1 if rows are slower or missing,\n"
        "                       or one call does other work than when they were stored\n"
        "--threshold=RATIO      how many times as slow as the stored one a row must be to count as slower (1.1)\n"
        "--measured=FILE        compares what --out has written in another run, and measures nothing\n"
        "--context=KEY=VALUE    something else that the figures depend on, for the reports\n"
        "--list                 names the cases and their peers\n"
        "--benchmark_...        flags of Google Benchmark, such as --benchmark_min_time=0.1\n";
};

namespace detail {

template <class Number>
[[nodiscard]] Number number_of(std::string_view flag, std::string_view digits, Number least) {
    Number number = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (problem != std::errc{} || end != digits.data() + digits.size() || !(number >= least)) {
        throw value_error(flag, "a number", ddpm::detail::text(">= ", least), digits);
    }
    return number;
}

}  // namespace detail

/// Takes these flags out of the arguments, which begin with the program's name. Of most flags the last one counts.
/// @throws value_error for what is not a number and should be, or a flag without the one that it needs
[[nodiscard]] inline run_options take_options(std::vector<char*>& arguments) {
    run_options options;
    const auto take = [&](std::string_view argument) {
        const std::size_t equals = argument.find('=');
        const std::string_view flag = argument.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
        if (flag == "--filter" || flag == "--benchmark_filter") {
            options.filters.push_back(value);
        } else if (flag == "--rounds") {
            options.rounds = detail::number_of<isize>(flag, value, 1);
        } else if (flag == "--threads") {
            options.threads = detail::number_of<isize>(flag, value, 0);
        } else if (argument == "--only-ours") {
            options.only_ours = true;
        } else if (flag == "--peer-program") {
            options.peer_program = value;
        } else if (flag == "--out" || flag == "--benchmark_out") {
            options.json = value;
        } else if (flag == "--markdown") {
            options.markdown = value;
        } else if (flag == "--baseline") {
            options.baseline = value;
        } else if (flag == "--compare") {
            options.compare = value;
        } else if (flag == "--measured") {
            options.measured = value;
        } else if (flag == "--threshold") {
            options.threshold = detail::number_of(flag, value, 1.0);
        } else if (flag == "--context") {
            options.context[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
        } else if (argument == "--list") {
            options.list = true;
        } else {
            return false;
        }
        return true;
    };
    arguments.erase(std::remove_if(arguments.begin() + 1, arguments.end(), take), arguments.end());
    if (!options.measured.empty() && options.compare.empty()) {
        throw value_error("--measured", "needs --compare");
    }
    return options;
}

}  // namespace ddpm::bench
