// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/bench/baseline.hpp>
#include <ddpm/bench/run.hpp>
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <regex>
#include <string>
#include <thread>
#include <vector>

namespace ddpm::test {
namespace {

/// Two cases of nearly no work, registered anew, and Google Benchmark told to time everything shortly. `run` is that of
/// options and not of arguments, since Google Benchmark cannot be used any more after the latter.
struct two_short_cases {
    two_short_cases() {
        static std::string program = "test", shortly = "--benchmark_min_time=0.001";  // it keeps the addresses
        char* arguments[] = {program.data(), shortly.data(), nullptr};
        int count = 2;
        benchmark::Initialize(&count, arguments);
        benchmark::ClearRegisteredBenchmarks();
        bench::cases().clear();
        const auto make = [] { return [x = 0.0]() mutable { benchmark::DoNotOptimize(x += 1); }; };
        bench::add("area", "counts", "1", {.items = 1}, make).peer("other", make);
        bench::add("area", "moves", "64", {.items = 64, .passes = {{.floats = 64, .read = 1}}}, make);
    }
    two_short_cases(const two_short_cases&) = delete;
    two_short_cases& operator=(const two_short_cases&) = delete;
    ~two_short_cases() {
        benchmark::ClearRegisteredBenchmarks();
        bench::cases().clear();
    }
};

/// The exit code of a program that is run with these arguments.
int exit_code(std::vector<std::string> texts) {
    texts.insert(texts.begin(), "test");
    std::vector<char*> arguments;
    for (std::string& text : texts) {
        arguments.push_back(text.data());
    }
    return bench::run(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("what a run writes is read back, and compares with itself", "[bench]") {
    const two_short_cases cases;
    const temporary_folder folder;
    const std::string json = folder / "out.json", baselines = folder / "baselines";
    CHECK(bench::run({.rounds = 2,
                      .only_ours = true,
                      .json = json,
                      .markdown = folder / "out.md",
                      .baseline = baselines,
                      .context = {{"commit", "abc"}}}) == 0);
    const bench::stored_run all = bench::read_run(json);
    const bench::stored_run medians = bench::read_baseline(baselines, all.context);
    REQUIRE(all.rows.size() == 2);
    REQUIRE(medians.rows.size() == 2);
    for (const auto& [name, row] : all.rows) {
        CHECK(row.seconds > 0);
        CHECK(row.seconds == medians.rows.at(name).seconds);
        CHECK(row.call == medians.rows.at(name).call);
    }
    CHECK(all.rows.at("area/moves/64").call == bench::work_per_call{.items = 64, .bytes = 256});
    CHECK(read_text(folder / "out.md").find("- commit: abc\n") != std::string::npos);
    CHECK(read_text(folder / "out.md").find("\n| area/counts/1 | ") != std::string::npos);
    CHECK(bench::run({.compare = baselines, .measured = json}) == 0);
}

TEST_CASE("a run is compared with a stored one, and fails where it is slower, incomplete or of other work", "[bench]") {
    const two_short_cases cases;
    const temporary_folder folder;
    const std::string json = folder / "out.json";
    REQUIRE(bench::run({.only_ours = true, .json = json}) == 0);
    const bench::stored_run stored = bench::read_run(json);
    const auto code_of = [&](const bench::stored_run& now, const std::vector<std::regex>& filters = {}) {
        return bench::detail::publish_comparison(stored, now, filters, 1.5);
    };
    bench::stored_run now = stored;
    CHECK(code_of(now) == 0);
    now.rows["area/new/1"] = {.seconds = 1};
    CHECK(code_of(now) == 1);
    now = stored;
    now.rows["area/counts/1"].seconds *= 1.4;
    CHECK(code_of(now) == 0);
    now.rows["area/counts/1"].seconds *= 1.4;
    CHECK(code_of(now) == 1);
    CHECK(code_of(now, {std::regex("moves")}) == 0);
    now = stored;
    now.rows["area/counts/1"].call.items = 4;
    CHECK(code_of(now) == 1);
    CHECK(code_of(now, {std::regex("counts")}) == 1);
    now = stored;
    now.rows.erase("area/counts/1");
    CHECK(code_of(now) == 1);
    CHECK_THROWS_AS(code_of(now, {std::regex("nothing")}), value_error);

    // A run just made, and one that is much slower than what is stored.
    benchmark::ClearRegisteredBenchmarks();
    CHECK(bench::run({.only_ours = true, .compare = json, .threshold = 1e6}) == 0);
    bench::cases().clear();
    benchmark::ClearRegisteredBenchmarks();
    bench::add("area", "counts", "1", {.items = 1},
               [] { return [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }; });
    CHECK(bench::run({.filters = {"counts"}, .only_ours = true, .compare = json, .threshold = 2}) == 1);
}

TEST_CASE("a run measures probes and the peers of another program beside the library", "[bench]") {
    const two_short_cases cases;
    const temporary_folder folder;
    const std::string program =
        "sh -c 'printf \"about version 3\\ncase area/counts/1 shell\\ncase area/counts/1 unable\\nready\\n\"; "
        "while read name peer n; do if [ $peer = shell ]; then echo \"0.5 f32\"; else echo error cannot; fi; done'";
    CHECK(bench::run({.filters = {"counts"}, .peer_program = program, .markdown = folder / "out.md"}) == 0);
    const std::string table = read_text(folder / "out.md");
    CHECK(table.find("| fastest | other | shell |\n") != std::string::npos);
    CHECK(table.find(", f32 |\n") != std::string::npos);
    CHECK(table.find("- peers: version 3\n") != std::string::npos);
    const auto& contenders = bench::cases().back().contenders();
    CHECK(contenders.size() == 1);
    CHECK(bench::run({.filters = {"moves"}, .list = true}) == 0);
    REQUIRE(contenders.size() == 2);
    CHECK(contenders[1].peer == "memory");
}

TEST_CASE("options of a run that cannot be followed are refused", "[bench]") {
    const two_short_cases cases;
    const temporary_folder folder;
    CHECK_THROWS_AS(bench::run({.filters = {"nothing"}}), value_error);
    CHECK_THROWS_AS(bench::run({.filters = {"("}}), std::regex_error);
    CHECK_THROWS_AS(bench::run({.filters = {"counts"}, .only_ours = true, .json = folder / "no/folder.json"}),
                    io_error);
    benchmark::ClearRegisteredBenchmarks();
    CHECK_THROWS_AS(bench::run({.filters = {"counts"}, .only_ours = true, .compare = folder / "absent"}), value_error);
    CHECK_THROWS_AS(bench::run({.compare = folder / "a.json", .measured = folder / "absent.json"}), io_error);
    CHECK_THROWS_AS(bench::run({.peer_program = "echo hello"}), io_error);
    CHECK_THROWS_WITH(
        bench::run({.peer_program = "sh -c 'printf \"case area/none/1 shell\\nready\\n\"; read question'"}),
        "peer program: case; expected a benchmark of this program, got area/none/1");
}

TEST_CASE("a benchmark program ends with 2 for arguments that it cannot use", "[bench]") {
    const two_short_cases cases;
    CHECK(exit_code({"--help"}) == 0);
    CHECK(exit_code({"--unknown"}) == 2);
    CHECK(exit_code({"--rounds=0"}) == 2);
    CHECK(exit_code({"--filter=nothing"}) == 2);
    CHECK(exit_code({"--measured=a.json"}) == 2);
}

}  // namespace ddpm::test
