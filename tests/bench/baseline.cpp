// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/baseline.hpp>
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

const bench::run_context zen{{"cpu", "AMD EPYC, cpu family 25, model 1"},
                             {"simd_target", "avx2"},
                             {"threads", "1"},
                             {"compiler", "gcc 12.2.0"},
                             {"day", "2026-12-01"}};

const std::string row_a = R"({"run_name": "area/a/8", "run_type": "aggregate", "aggregate_name": "median",
    "real_time": 2.5e+06, "time_unit": "us", "roof": 0.5, "items_per_call": 8, "bytes_per_call": 64,
    "flops_per_call": 16})";
const std::string row_b = R"({"run_name": "area/b/8", "run_type": "aggregate", "aggregate_name": "median",
    "real_time": 1e+06, "time_unit": "us", "items_per_call": 5, "bytes_per_call": 0, "flops_per_call": 0})";
const std::string others = R"({"run_name": "area/a/8@torch", "run_type": "aggregate", "aggregate_name": "median"},
    {"run_name": "area/c/8", "run_type": "iteration", "aggregate_name": ""},
    {"run_name": "area/d/8", "run_type": "aggregate", "aggregate_name": "mean"})";

/// A report of benchmarks with this context and these rows.
std::string report_of(const bench::run_context& context, const std::string& rows) {
    std::string text = "{\"context\": {";
    for (const auto& [key, value] : context) {
        text += (text.back() == '{' ? "\"" : ", \"") + key + "\": \"" + value + "\"";
    }
    return text + "}, \"benchmarks\": [" + rows + "]}";
}

/// The text with `part` replaced.
std::string with(std::string text, const std::string& part, const std::string& other) {
    const std::size_t at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), other);
}

}  // namespace

TEST_CASE("a stored run holds the library's medians, by name", "[bench]") {
    const temporary_folder folder;
    write_text(folder / "run.json", report_of(zen, row_a + "," + others + "," + row_b));
    const bench::stored_run run = bench::read_run(folder / "run.json");
    CHECK(run.path == folder / "run.json");
    CHECK(run.context == zen);
    REQUIRE(run.rows.size() == 2);
    CHECK(run.rows.at("area/a/8").seconds == 2.5);
    CHECK(run.rows.at("area/a/8").of_limit == 0.5);
    CHECK(run.rows.at("area/a/8").call == bench::work_per_call{.items = 8, .bytes = 64, .flops = 16});
    CHECK(run.rows.at("area/b/8").seconds == 1);
    CHECK(run.rows.at("area/b/8").of_limit == 0);
    CHECK(run.rows.at("area/b/8").call == bench::work_per_call{.items = 5});
}

TEST_CASE("a file that is no report of benchmarks is refused", "[bench]") {
    const temporary_folder folder;
    const std::string good = report_of(zen, row_a), path = folder / "run.json";
    for (const char* const key :
         {"context", "cpu", "simd_target", "threads", "compiler", "day", "benchmarks", "run_name", "run_type",
          "aggregate_name", "real_time", "time_unit", "items_per_call", "bytes_per_call", "flops_per_call"}) {
        INFO(key);
        const std::string quoted = "\"" + std::string(key) + "\"";
        write_text(path, with(good, quoted, "\"other\""));
        CHECK_THROWS_AS(bench::read_run(path), io_error);
    }
    write_text(path, with(good, "2.5e+06", "\"2.5e+06\""));
    CHECK_THROWS_AS(bench::read_run(path), io_error);
    write_text(path, with(good, "\"us\"", "\"ns\""));
    CHECK_THROWS_WITH(bench::read_run(path), path + ": has times in another unit; expected us, got ns");
    write_text(path, good.substr(0, good.size() / 2));
    CHECK_THROWS_AS(bench::read_run(path), io_error);
    CHECK_THROWS_AS(bench::read_run(folder / "absent.json"), io_error);
}

TEST_CASE("a baseline's file is named for processor, instruction set and threads", "[bench]") {
    CHECK(bench::baseline_path("folder", zen) == "folder/amd_epyc_cpu_family_25_model_1_avx2_1_threads.json");
    CHECK(bench::baseline_path("f", {{"cpu", "(R) X--9"}, {"simd_target", "avx512"}, {"threads", "12"}}) ==
          "f/r_x_9_avx512_12_threads.json");
}

TEST_CASE("a baseline is read from a file or from a folder, of the same processor alone", "[bench]") {
    const temporary_folder folder;
    const std::string path = bench::baseline_path(folder / "", zen);
    write_text(path, report_of(zen, row_a));
    CHECK(bench::read_baseline(path, zen).rows.size() == 1);
    CHECK(bench::read_baseline(folder / "", zen).rows.size() == 1);
    bench::run_context later = zen;
    later["day"] = "2027-01-01";
    later["compiler"] = "clang 14";
    CHECK_NOTHROW(bench::read_baseline(path, later));
    for (const auto& [key, meaning] : {std::pair{"cpu", "processor"}, std::pair{"simd_target", "instruction set"},
                                       std::pair{"threads", "number of threads"}}) {
        bench::run_context other = zen;
        other[key] = "2";
        CHECK_THROWS_AS(bench::read_baseline(path, other), value_error);
        CHECK_THROWS_WITH(bench::read_baseline(path, other),
                          path + ": is of another " + meaning + "; expected 2, got " + zen.at(key));
        CHECK_THROWS_AS(bench::read_baseline(folder / "", other), value_error);
    }
    CHECK_THROWS_AS(bench::read_baseline(folder / "absent.json", zen), value_error);
    write_text(path, "{}");
    CHECK_THROWS_AS(bench::read_baseline(path, zen), io_error);
}

TEST_CASE("a row is compared by its share of the limit, or by its time without one", "[bench]") {
    const bench::comparison::row by_share{"a", {.seconds = 1, .of_limit = 0.9}, {.seconds = 5, .of_limit = 0.6}};
    CHECK(by_share.by_share());
    CHECK(by_share.slowdown() == 0.9 / 0.6);
    for (const auto& [stored, now] : {std::pair{0.0, 0.5}, std::pair{0.5, 0.0}, std::pair{0.0, 0.0}}) {
        const bench::comparison::row by_time{"a", {.seconds = 2, .of_limit = stored}, {.seconds = 5, .of_limit = now}};
        CHECK_FALSE(by_time.by_share());
        CHECK(by_time.slowdown() == 2.5);
    }
}

TEST_CASE("runs are compared in the rows that they share and whose call does the same", "[bench]") {
    const bench::work_per_call one_step{.items = 16, .flops = 100}, four_steps{.items = 64, .flops = 400};
    const bench::stored_run stored{.path = "stored",
                                   .context = zen,
                                   .rows = {{"same", {.seconds = 1, .of_limit = 0.5, .call = one_step}},
                                            {"train", {.seconds = 1, .call = one_step}},
                                            {"gone", {.seconds = 1}}}};
    const bench::stored_run now{.path = "now",
                                .context = zen,
                                .rows = {{"same", {.seconds = 2, .of_limit = 0.25, .call = one_step}},
                                         {"train", {.seconds = 4, .call = four_steps}},
                                         {"new", {.seconds = 1}}}};
    const bench::comparison both = bench::compare(stored, now);
    REQUIRE(both.rows.size() == 1);
    CHECK(both.rows[0].name == "same");
    CHECK(both.rows[0].slowdown() == 2);
    REQUIRE(both.other_work.size() == 1);
    CHECK(bench::text_of_other_work(both.other_work[0]) ==
          "train: one call does 64 items, 0 bytes and 400 flops; stored: 16 items, 0 bytes and 100 flops");
    CHECK(both.missing == std::vector<std::string>{"gone"});
    CHECK(both.added == std::vector<std::string>{"new"});
    CHECK(bench::table_of(both) ==
          std::vector<std::vector<std::string>>{{"benchmark", "stored", "now", "times as slow", "by"},
                                                {"same", "1.00 s, 50 %", "2.00 s, 25 %", "2.00 x", "share"}});
}

}  // namespace ddpm::test
