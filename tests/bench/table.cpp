// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/table.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace ddpm::test {

using rows_of_text = std::vector<std::vector<std::string>>;

TEST_CASE("durations, rates and ratios have about three digits and a fitting unit", "[bench]") {
    using namespace bench::detail;
    CHECK(duration(1.234e-8) == "12.3 ns");
    CHECK(duration(1.234e-6) == "1.23 us");
    CHECK(duration(0.1234) == "123 ms");
    CHECK(duration(12.34) == "12.3 s");
    CHECK(rate(1.5e3, "/s") == "1.50 k/s");
    CHECK(rate(2.5e6, "/s") == "2.50 M/s");
    CHECK(rate(1.5e8, "FLOP/s") == "0.15 GFLOP/s");
    CHECK(rate(1.3e11, "FLOP/s") == "130 GFLOP/s");
    CHECK(ratio(1.456) == "1.46 x");
}

TEST_CASE("the table has a row for each case that the library ran", "[bench]") {
    const auto make = [] { return [] {}; };
    bench::bench_case fast("area/fast/8", {.items = 8e6, .flops = 4e9}, {});
    fast.peer("", make).peer("fma", make).peer("torch", make).peer("eigen", make).peer("absent", make);
    bench::bench_case moves("area/moves/8", {.bytes = 3e9}, {});
    moves.peer("", make).peer("torch", make);
    bench::bench_case alone("area/alone/8", {}, {});
    alone.peer("", make);
    bench::bench_case unmeasured("area/unmeasured/8", {}, {});
    unmeasured.peer("", make).peer("torch", make);
    const std::vector<bench::case_result> results{
        // The ratio is the median of those of the rounds, 2 and 4, and not the one of the medians.
        {.of = &fast,
         .seconds = {{"", {1, 3}}, {"fma", {0.5, 1.5}}, {"torch", {2, 12}}, {"eigen", {0.5, 1.5}}},
         .notes = {{"", ""}, {"fma", ""}, {"torch", "bf16"}, {"eigen", ""}}},
        {.of = &moves, .seconds = {{"", {1}}, {"torch", {2}}}, .notes = {{"", ""}, {"torch", ""}}},
        {.of = &alone, .seconds = {{"", {1}}}, .notes = {{"", ""}}},
        {.of = &unmeasured, .seconds = {{"torch", {2}}}, .notes = {{"torch", ""}}}};
    const rows_of_text rows = bench::table_of(results);
    REQUIRE(rows.size() == 4);
    CHECK(rows[0] == std::vector<std::string>{"benchmark", "time", "items/s", "work/s", "of the limit", "fastest",
                                              "torch", "eigen"});
    CHECK(rows[1] == std::vector<std::string>{"area/fast/8", "2.00 s", "4.00 M/s", "2.00 GFLOP/s", "50 % fma", "eigen",
                                              "7.00 s, 3.00 x, bf16", "1.00 s, 0.50 x"});
    CHECK(rows[2] ==
          std::vector<std::string>{"area/moves/8", "1.00 s", "", "3.00 GB/s", "", "ours", "2.00 s, 2.00 x", ""});
    CHECK(rows[3] == std::vector<std::string>{"area/alone/8", "1.00 s", "", "", "", "", "", ""});
}

TEST_CASE("a table as text has its columns aligned", "[bench]") {
    CHECK(bench::as_text({{"name", "time"}, {"a", "1.00 s"}, {"longer", ""}}) ==
          "name      time\n"
          "a       1.00 s\n"
          "longer        \n");
}

TEST_CASE("a table in Markdown has its heading ruled off and figures to the right", "[bench]") {
    CHECK(bench::as_markdown({{"name", "time", "eigen"}, {"a", "1.00 s", ""}}) ==
          "| name | time | eigen |\n"
          "|---|---:|---:|\n"
          "| a | 1.00 s | |\n");
}

}  // namespace ddpm::test
