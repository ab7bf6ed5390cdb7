// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/context.hpp>
#include <ddpm/bench/results.hpp>
#include <ddpm/bench/table.hpp>
#include <ddpm/bench/work.hpp>
#include <ddpm/core/detail/input_file.hpp>
#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/error.hpp>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::bench {

/// The medians of a run that was stored, of the library alone.
struct stored_run {
    struct row {
        double seconds = 0;   ///< of one call
        double of_limit = 0;  ///< the share of the machine's limit; 0: nothing is known
        work_per_call call{};
    };

    std::string path;
    run_context context{};              ///< processor, instruction set, threads, compiler and day
    std::map<std::string, row> rows{};  ///< by the case's name
};

/// Two runs, row by row.
struct comparison {
    struct row {
        std::string name;
        stored_run::row stored, now;

        [[nodiscard]] bool by_share() const noexcept { return stored.of_limit > 0 && now.of_limit > 0; }

        /// How many times as slow as the stored row this one is: the ratio of the shares of the machine's limit, since
        /// the probe beside each slows down with the machine, or of the times where a share is not known.
        [[nodiscard]] double slowdown() const noexcept {
            return by_share() ? stored.of_limit / now.of_limit : now.seconds / stored.seconds;
        }
    };

    std::vector<row> rows;
    std::vector<row> other_work;       ///< not comparable: one call does other work than when they were stored
    std::vector<std::string> missing;  ///< stored, but not in this run
    std::vector<std::string> added;    ///< in this run, but not stored
};

namespace detail {

/// The member of a JSON object that has this kind.
/// @throws io_error if there is none
[[nodiscard]] inline const ddpm::detail::json& member_of(const ddpm::detail::json& object, std::string_view key,
                                                         ddpm::detail::json_kind kind, const std::string& path) {
    const ddpm::detail::json* const member = object.find(key);
    if (member == nullptr || member->kind != kind) {
        throw io_error(path, ddpm::detail::text("is not a report of benchmarks: it lacks ", key));
    }
    return *member;
}

/// What two runs must have in common, with what it is called.
inline constexpr std::pair<const char*, const char*> conditions[] = {
    {"cpu", "processor"}, {"simd_target", "instruction set"}, {"threads", "number of threads"}};

}  // namespace detail

/// Reads a file that `results::write_json` or `results::write_baseline` has written.
/// @throws io_error if the file cannot be read or is none
[[nodiscard]] inline stored_run read_run(const std::string& path) {
    using ddpm::detail::json;
    using ddpm::detail::json_kind;
    const ddpm::detail::input_file file(path);
    const json report = ddpm::detail::parse_json(ddpm::detail::read_text(file, 0, file.size()), path);

    stored_run run{.path = path};
    const json& context = detail::member_of(report, "context", json_kind::object, path);
    for (const char* const key : {"cpu", "simd_target", "threads", "compiler", "day"}) {
        run.context[key] = detail::member_of(context, key, json_kind::string, path).text;
    }
    for (const json& entry : detail::member_of(report, "benchmarks", json_kind::array, path).items) {
        const auto text_of = [&](std::string_view key) {
            return detail::member_of(entry, key, json_kind::string, path).text;
        };
        const auto [name, peer] = results::split(text_of("run_name"));
        if (!peer.empty() || text_of("run_type") != "aggregate" || text_of("aggregate_name") != "median") {
            continue;
        }
        if (text_of("time_unit") != "us") {
            throw io_error(path, "has times in another unit", "us", text_of("time_unit"));
        }
        const auto number_of = [&](std::string_view key) {
            return detail::member_of(entry, key, json_kind::number, path).number.as_double();
        };
        const json* const share = entry.find("roof");
        run.rows[name] = {.seconds = number_of("real_time") / 1e6,
                          .of_limit = share == nullptr ? 0 : share->number.as_double(),
                          .call = {.items = number_of("items_per_call"),
                                   .bytes = number_of("bytes_per_call"),
                                   .flops = number_of("flops_per_call")}};
    }
    return run;
}

/// The file of a folder of baselines that belongs to a run's processor, instruction set and number of threads.
[[nodiscard]] inline std::string baseline_path(const std::string& folder, const run_context& context) {
    std::string name;
    for (const char c :
         context.at("cpu") + " " + context.at("simd_target") + " " + context.at("threads") + " threads") {
        const bool is_capital = c >= 'A' && c <= 'Z';
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_capital;
        if (is_plain) {
            name += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
        } else if (!name.empty() && name.back() != '_') {
            name += '_';
        }
    }
    return folder + "/" + name + ".json";
}

/// Reads the stored run that a run with this context can be compared with. `path` is its file, or a folder of baselines.
/// @throws value_error if it is of another processor, instruction set or number of threads; io_error if the file cannot
/// be read
[[nodiscard]] inline stored_run read_baseline(const std::string& path, const run_context& context) {
    const bool is_folder = !std::filesystem::is_regular_file(path);
    const std::string file = is_folder ? baseline_path(path, context) : path;
    if (is_folder && !std::filesystem::exists(file)) {
        throw value_error(path, "has no baseline of this processor, instruction set and number of threads", file,
                          "no such file");
    }
    stored_run baseline = read_run(file);
    for (const auto& [key, meaning] : detail::conditions) {
        const std::string stored = baseline.context.at(key), now = context.at(key);
        if (stored != now) {
            throw value_error(file, ddpm::detail::text("is of another ", meaning), now, stored);
        }
    }
    return baseline;
}

/// How to read the table of a comparison.
inline constexpr const char* comparison_legend =
    "How many times as slow as stored: by the share of the machine's limit, which a probe beside each row measures, or "
    "by\n"
    "the time where a row has no probe. Only shares compare on a machine whose speed changes.\n";

/// Sets two runs beside each other. Rows whose call does other work are not compared.
[[nodiscard]] inline comparison compare(const stored_run& baseline, const stored_run& now) {
    comparison both;
    for (const auto& [name, stored] : baseline.rows) {
        if (const auto found = now.rows.find(name); found != now.rows.end()) {
            (stored.call == found->second.call ? both.rows : both.other_work).push_back({name, stored, found->second});
        } else {
            both.missing.push_back(name);
        }
    }
    for (const auto& [name, row] : now.rows) {
        if (!baseline.rows.contains(name)) {
            both.added.push_back(name);
        }
    }
    return both;
}

/// Why a row of `other_work` is not comparable: "unet/train/digits-28-batch16: one call does 64 items, 0 bytes and
/// 7.1e+10 flops; stored: 16 items, 0 bytes and 1.8e+10 flops".
[[nodiscard]] inline std::string text_of_other_work(const comparison::row& row) {
    const auto text_of = [](const work_per_call& call) {
        return ddpm::detail::text(call.items, " items, ", call.bytes, " bytes and ", call.flops, " flops");
    };
    return row.name + ": one call does " + text_of(row.now.call) + "; stored: " + text_of(row.stored.call);
}

/// The compared rows as rows of text, the heading first.
[[nodiscard]] inline std::vector<std::vector<std::string>> table_of(const comparison& both) {
    std::vector<std::vector<std::string>> rows{{"benchmark", "stored", "now", "times as slow", "by"}};
    for (const comparison::row& row : both.rows) {
        const auto text_of = [&](const stored_run::row& side) {
            return detail::duration(side.seconds) +
                   (row.by_share() ? ddpm::detail::text(", ", std::lround(100 * side.of_limit), " %") : "");
        };
        rows.push_back({row.name, text_of(row.stored), text_of(row.now), detail::ratio(row.slowdown()),
                        row.by_share() ? "share" : "time"});
    }
    return rows;
}

}  // namespace ddpm::bench
