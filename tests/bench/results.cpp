// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/results.hpp>
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"

#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using run_of_google_benchmark = benchmark::BenchmarkReporter::Run;

/// Two iterations that took twice these seconds.
run_of_google_benchmark run_of(const std::string& name, double seconds, const std::string& note = "") {
    run_of_google_benchmark run;
    run.run_name.function_name = name;
    run.report_label = note;
    run.iterations = 2;
    run.real_accumulated_time = 2 * seconds;
    run.cpu_accumulated_time = 2 * seconds;
    run.time_unit = benchmark::kMicrosecond;
    return run;
}

/// Two rounds of two cases: "area/a/8" with a probe and a peer, which cannot do it in the second round, and "area/b/8".
bench::results two_rounds() {
    bench::cases().clear();
    const auto make = [] { return [] {}; };
    bench::add("area", "a", "8", {.items = 8, .flops = 16}, make).peer("fma", make).peer("torch", make);
    bench::add("area", "unmeasured", "8", {}, make);
    bench::add("area", "b", "8", {.items = 5, .passes = {{.floats = 2, .read = 1}}}, make);
    bench::results measured(2);
    run_of_google_benchmark none = run_of("area/a/8@torch", 0);
    none.iterations = 0;
    measured.begin_round(0);
    measured.ReportRuns({run_of("area/a/8", 4)});
    measured.ReportRuns({run_of("area/a/8@fma", 1)});
    measured.ReportRuns({run_of("area/a/8@torch", 12, "bf16")});
    measured.ReportRuns({run_of("area/b/8", 3)});
    measured.begin_round(1);
    measured.ReportRuns({run_of("area/a/8", 2)});
    measured.ReportRuns({run_of("area/a/8@fma", 1)});
    measured.ReportRuns({none});
    measured.ReportRuns({run_of("area/b/8", 5)});
    return measured;
}

}  // namespace

TEST_CASE("the median is the middle value, or the mean of the middle two", "[bench]") {
    CHECK(bench::median({}) == 0);
    CHECK(bench::median({3}) == 3);
    CHECK(bench::median({5, 1, 100}) == 5);
    CHECK(bench::median({8, 1, 100, 2}) == 5);
}

TEST_CASE("probes are known by their names", "[bench]") {
    CHECK(bench::is_probe("fma"));
    CHECK(bench::is_probe("memory"));
    CHECK(bench::is_probe("streamed"));
    CHECK_FALSE(bench::is_probe(""));
    CHECK_FALSE(bench::is_probe("torch"));
}

TEST_CASE("a run's name is the case's and the peer's", "[bench]") {
    using names = std::pair<std::string, std::string>;
    CHECK(bench::results::split("area/a/8") == names("area/a/8", ""));
    CHECK(bench::results::split("area/a/8@torch") == names("area/a/8", "torch"));
    CHECK(bench::results::split("area/a/8@torch@2") == names("area/a/8", "torch@2"));
}

TEST_CASE("a peer's ratios are those of each round that both ran", "[bench]") {
    const bench::case_result result{.of = nullptr, .seconds = {{"", {1, 2, 4}}, {"torch", {3, 4}}}, .notes = {}};
    CHECK(result.has(""));
    CHECK(result.has("torch"));
    CHECK_FALSE(result.has("eigen"));
    CHECK(result.median_seconds() == 2);
    CHECK(result.median_seconds("torch") == 3.5);
    CHECK(result.ratios("torch") == std::vector<double>{3, 2});
}

TEST_CASE("the share of the limit is that of the probe that binds", "[bench]") {
    const auto roof_of = [](std::map<std::string, std::vector<double>, std::less<>> seconds) {
        return bench::case_result{.of = nullptr, .seconds = std::move(seconds), .notes = {}}.roof();
    };
    const auto is = [](const bench::case_result::share& roof, double share, std::string_view probe) {
        return roof.of_limit == share && roof.probe == probe;
    };
    CHECK(roof_of({}).of_limit == 0);
    CHECK(roof_of({{"", {1}}}).of_limit == 0);
    CHECK(roof_of({{"fma", {1}}}).of_limit == 0);
    CHECK(is(roof_of({{"", {2}}, {"fma", {1}}}), 0.5, "fma"));
    CHECK(is(roof_of({{"", {2, 4, 8}}, {"fma", {1, 1, 4}}}), 0.5, "fma"));
    CHECK(is(roof_of({{"", {4}}, {"fma", {1}}, {"memory", {2}}}), 0.5, "memory"));
    CHECK(is(roof_of({{"", {4}}, {"fma", {3}}, {"memory", {2}}}), 0.75, "fma"));
    CHECK(is(roof_of({{"", {4}}, {"memory", {2}}, {"streamed", {1}}}), 0.25, "streamed"));
    CHECK(is(roof_of({{"", {4}}, {"memory", {1}}, {"streamed", {2}}}), 0.25, "memory"));
    // Stores past the caches would be faster: they are the limit, and then the flops bind.
    CHECK(is(roof_of({{"", {8}}, {"fma", {2}}, {"memory", {4}}, {"streamed", {1}}}), 0.25, "fma"));
}

TEST_CASE("results are gathered by case, in the order of the cases, without what could not run", "[bench]") {
    const bench::results measured = two_rounds();
    const std::vector<bench::case_result> list = measured.by_case();
    REQUIRE(list.size() == 2);
    CHECK(list[0].of->name() == "area/a/8");
    CHECK(list[0].seconds.at("") == std::vector<double>{4, 2});
    CHECK(list[0].seconds.at("fma") == std::vector<double>{1, 1});
    CHECK(list[0].seconds.at("torch") == std::vector<double>{12});
    CHECK(list[0].notes.at("torch") == "bf16");
    CHECK(list[1].of->name() == "area/b/8");
    CHECK(list[1].seconds.at("") == std::vector<double>{3, 5});
    bench::cases().clear();
}

TEST_CASE("a baseline holds the context, and the library's medians with the work of one call", "[bench]") {
    const bench::results measured = two_rounds();
    std::ostringstream out;
    measured.write_baseline(out, {{"cpu", "a \"quoted\" name"}, {"day", "2026-12-01"}});
    const auto report = nlohmann::json::parse(out.str());
    CHECK(report["context"] == nlohmann::json{{"cpu", "a \"quoted\" name"}, {"day", "2026-12-01"}});
    const auto& rows = report["benchmarks"];
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["run_name"] == "area/a/8");
    CHECK(rows[0]["aggregate_name"] == "median");
    CHECK(rows[0]["real_time"] == 3e6);
    CHECK(rows[0]["time_unit"] == "us");
    CHECK(rows[0]["roof"] == 0.375);  // of 1/4 and 1/2
    CHECK(rows[0]["items_per_call"] == 8);
    CHECK(rows[0]["bytes_per_call"] == 0);
    CHECK(rows[0]["flops_per_call"] == 16);
    CHECK(rows[1]["run_name"] == "area/b/8");
    CHECK(rows[1]["real_time"] == 4e6);
    CHECK_FALSE(rows[1].contains("roof"));
    CHECK(rows[1]["items_per_call"] == 5);
    CHECK(rows[1]["bytes_per_call"] == 8);
    bench::cases().clear();
}

TEST_CASE("a baseline refuses a context that is not UTF-8", "[bench]") {
    std::ostringstream out;
    CHECK_THROWS_AS(two_rounds().write_baseline(out, {{"cpu", "caf\xe9"}}), value_error);
    CHECK_THROWS_AS(two_rounds().write_baseline(out, {{"\xff", "name"}}), value_error);
    bench::cases().clear();
}

TEST_CASE("the report holds every run of each contender, and their medians", "[bench]") {
    const bench::results measured = two_rounds();
    std::ostringstream out;
    measured.write_json(out);
    // The context is Google Benchmark's, and is missing where its runner was not used.
    const auto report = nlohmann::json::parse("{\"benchmarks\": [" + out.str());
    const auto& rows = report["benchmarks"];
    int runs = 0, medians = 0;
    for (const auto& row : rows) {
        (row["run_type"] == "aggregate" ? medians : runs) += 1;
        CHECK(row.contains("items_per_call") == (row["run_name"].get<std::string>().find('@') == std::string::npos));
    }
    CHECK(runs == 7);
    CHECK(medians == 4);
    bench::cases().clear();
}

}  // namespace ddpm::test
