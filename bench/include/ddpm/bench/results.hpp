// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/work.hpp>
#include <ddpm/core/detail/json_writer.hpp>
#include <ddpm/core/types.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <locale>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::bench {

/// The probes that a program adds to its cases as contenders (see run.hpp).
namespace probe_name {
inline constexpr std::string_view flops = "fma";          ///< the flops in registers
inline constexpr std::string_view memory = "memory";      ///< the passes over memory with plain stores
inline constexpr std::string_view streamed = "streamed";  ///< the passes with stores past the caches
}  // namespace probe_name

[[nodiscard]] inline bool is_probe(std::string_view peer) noexcept {
    return peer == probe_name::flops || peer == probe_name::memory || peer == probe_name::streamed;
}

/// The median; of an even number of values the mean of the middle two. 0 of none.
[[nodiscard]] inline double median(std::vector<double> values) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

/// What was measured of one case: for each contender the seconds of one call of its body, one value for each round.
struct case_result {
    const bench_case* of = nullptr;
    std::map<std::string, std::vector<double>, std::less<>> seconds{};
    std::map<std::string, std::string, std::less<>> notes{};  ///< what contenders say about themselves

    [[nodiscard]] bool has(std::string_view peer) const { return seconds.contains(peer); }
    [[nodiscard]] double median_seconds(std::string_view peer = "") const { return median(seconds.find(peer)->second); }

    /// How many times as long as the library a peer takes, in each round.
    [[nodiscard]] std::vector<double> ratios(std::string_view peer) const {
        const std::vector<double>&own = seconds.find("")->second, &other = seconds.find(peer)->second;
        std::vector<double> ratios;
        for (std::size_t round = 0; round < std::min(own.size(), other.size()); ++round) {
            ratios.push_back(other[round] / own[round]);
        }
        return ratios;
    }

    /// The share of the machine's limit, with the probe that binds.
    struct share {
        double of_limit = 0;     ///< 0: nothing is known
        std::string_view probe;  ///< a probe_name
    };

    [[nodiscard]] share roof() const {
        if (!has("")) {
            return {};
        }
        const auto share_of = [&](std::string_view probe) { return has(probe) ? median(ratios(probe)) : 0.0; };
        const double flops = share_of(probe_name::flops), plain = share_of(probe_name::memory);
        const double streamed = share_of(probe_name::streamed);
        const bool stream = streamed > 0 && streamed < plain;  // the faster way is the limit
        const double memory = stream ? streamed : plain;
        if (flops >= memory) {
            return {flops, probe_name::flops};
        }
        return {memory, stream ? probe_name::streamed : probe_name::memory};
    }
};

/// Gathers the runs of all rounds, and shows how far the measurement is.
class results final : public benchmark::ConsoleReporter {
public:
    explicit results(isize rounds) : ConsoleReporter(OO_None), rounds_(rounds) {}

    void begin_round(isize round) { round_ = round; }

    bool ReportContext(const Context& context) override {
        if (json_.empty()) {
            std::ostringstream text;
            text.imbue(std::locale::classic());
            benchmark::JSONReporter json;
            json.SetOutputStream(&text);
            json.ReportContext(context);
            json_ = text.str();
        }
        return rounds_ > 1 || ConsoleReporter::ReportContext(context);
    }

    void ReportRuns(const std::vector<Run>& reports) override {
        std::vector<Run> named = reports;
        // A peer that cannot do the case has none.
        std::erase_if(named, [](const Run& run) { return run.iterations == 0; });
        if (named.empty()) {
            return;
        }
        for (Run& run : named) {
            run.run_name.time_type.clear();  // wall time is the only one that counts here
            run.repetitions = rounds_;
            run.repetition_index = round_;
            runs_.push_back(run);
        }
        if (rounds_ == 1) {
            ConsoleReporter::ReportRuns(named);
            return;
        }
        const std::string name = named.front().benchmark_name();
        if (const std::string area = name.substr(0, name.find('/')); area != area_) {
            area_ = area;
            std::printf("round %td of %td: %s\n", round_ + 1, rounds_, area.c_str());
            std::fflush(stdout);
        }
    }

    /// The cases in their order, of those that ran.
    [[nodiscard]] std::vector<case_result> by_case() const {
        std::vector<case_result> list;
        for (const bench_case& each : cases()) {
            case_result result{.of = &each};
            for (const Run& run : runs_) {
                if (const auto [name, peer] = split(run.run_name.function_name); name == each.name()) {
                    result.seconds[peer].push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
                    result.notes[peer] = run.report_label;
                }
            }
            if (!result.seconds.empty()) {
                list.push_back(std::move(result));
            }
        }
        return list;
    }

    /// Writes all runs and their medians in Google Benchmark's format. The library's have counters: `roof`, their share
    /// of the machine's limit, where it is known, and `items_per_call`, `bytes_per_call`, `flops_per_call`.
    void write_json(std::ostream& out) const {
        std::vector<Run> all = runs_;
        const std::vector<Run> middle = medians();
        all.insert(all.end(), middle.begin(), middle.end());
        write(out, json_, std::move(all));
    }

    /// Writes the medians of the library's runs alone in that format, with this context in place of Google Benchmark's,
    /// which names the computer and its folders.
    /// @throws value_error if the context is not UTF-8
    void write_baseline(std::ostream& out, const std::map<std::string, std::string>& context) const {
        std::string head = "{\n  \"context\": {";
        std::string_view separator = "\n    ";
        for (const auto& [key, value] : context) {
            head += std::exchange(separator, ",\n    ");
            ddpm::detail::append_json_string(head, key);
            head += ": ";
            ddpm::detail::append_json_string(head, value);
        }
        head += "\n  },\n  \"benchmarks\": [\n";
        std::vector<Run> ours = medians();
        std::erase_if(ours, [](const Run& run) { return !split(run.run_name.function_name).second.empty(); });
        write(out, head, std::move(ours));
    }

    /// "area/operation/size@peer" → name and peer; the library's own has neither the peer nor the @.
    [[nodiscard]] static std::pair<std::string, std::string> split(const std::string& name) {
        const std::size_t at = name.find('@');
        return {name.substr(0, at), at == std::string::npos ? "" : name.substr(at + 1)};
    }

private:
    /// Writes a report that begins with `head`, with the counters that `write_json` names.
    void write(std::ostream& out, const std::string& head, std::vector<Run> runs) const {
        for (const case_result& result : by_case()) {
            const double share = result.roof().of_limit;
            const work_per_call call = result.of->what().per_call();
            for (Run& run : runs) {
                if (run.run_name.function_name != result.of->name()) {
                    continue;
                }
                if (share > 0) {
                    run.counters["roof"] = benchmark::Counter(share);
                }
                run.counters["items_per_call"] = benchmark::Counter(call.items);
                run.counters["bytes_per_call"] = benchmark::Counter(call.bytes);
                run.counters["flops_per_call"] = benchmark::Counter(call.flops);
            }
        }
        benchmark::JSONReporter json;
        json.SetOutputStream(&out);
        out << head;
        json.ReportRuns(runs);
        json.Finalize();
    }

    [[nodiscard]] std::vector<Run> medians() const {
        std::vector<Run> middle;
        for (const Run& run : runs_) {
            if (run.repetition_index == 0) {
                middle.push_back(median_of(run.run_name.function_name));
            }
        }
        return middle;
    }

    [[nodiscard]] Run median_of(const std::string& name) const {
        Run middle;
        std::vector<double> wall, cpu;
        std::map<std::string, std::vector<double>> counters;
        for (const Run& run : runs_) {
            if (run.run_name.function_name == name) {
                middle = run;
                wall.push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
                cpu.push_back(run.cpu_accumulated_time / static_cast<double>(run.iterations));
                for (const auto& [counter, value] : run.counters) {
                    counters[counter].push_back(value.value);
                }
            }
        }
        middle.run_type = Run::RT_Aggregate;
        middle.aggregate_name = "median";
        middle.iterations = std::ssize(wall);
        middle.real_accumulated_time = median(wall) * static_cast<double>(wall.size());
        middle.cpu_accumulated_time = median(cpu) * static_cast<double>(wall.size());
        for (auto& [counter, value] : middle.counters) {
            value.value = median(counters[counter]);
        }
        return middle;
    }

    isize rounds_;
    isize round_ = 0;
    std::string area_;
    std::string json_;  // the context, as the file begins
    std::vector<Run> runs_;
};

}  // namespace ddpm::bench
