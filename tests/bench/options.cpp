// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/options.hpp>
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// The options that flags give, and what is left of the arguments.
struct taken {
    explicit taken(std::vector<std::string> flags) : texts(std::move(flags)) {
        texts.insert(texts.begin(), "program");
        std::vector<char*> arguments;
        for (std::string& text : texts) {
            arguments.push_back(text.data());
        }
        options = bench::take_options(arguments);
        left.assign(arguments.begin(), arguments.end());
    }

    std::vector<std::string> texts;
    bench::run_options options{};
    std::vector<std::string> left{};
};

}  // namespace

TEST_CASE("without flags everything is measured once, on one thread, and nothing is written", "[bench]") {
    const bench::run_options options = taken({}).options;
    CHECK(options.filters.empty());
    CHECK(options.rounds == 1);
    CHECK(options.threads == 1);
    CHECK_FALSE(options.only_ours);
    CHECK_FALSE(options.list);
    CHECK(options.peer_program.empty());
    CHECK((options.json + options.markdown + options.baseline + options.compare + options.measured).empty());
    CHECK(options.threshold == 1.1);
    CHECK(options.context.empty());
}

TEST_CASE("each flag of a benchmark program sets its option", "[bench]") {
    const taken all({"--filter=^unet/", "--benchmark_filter=train", "--rounds=5", "--threads=0", "--only-ours",
                     "--peer-program=python3 peers.py --x=1", "--out=a.json", "--markdown=a.md", "--baseline=folder",
                     "--compare=b.json", "--measured=c.json", "--threshold=1.25", "--context=commit=a=b",
                     "--context=place=here", "--list"});
    CHECK(all.options.filters == std::vector<std::string>{"^unet/", "train"});
    CHECK(all.options.rounds == 5);
    CHECK(all.options.threads == 0);
    CHECK(all.options.only_ours);
    CHECK(all.options.peer_program == "python3 peers.py --x=1");
    CHECK(all.options.json == "a.json");
    CHECK(all.options.markdown == "a.md");
    CHECK(all.options.baseline == "folder");
    CHECK(all.options.compare == "b.json");
    CHECK(all.options.measured == "c.json");
    CHECK(all.options.threshold == 1.25);
    CHECK(all.options.context == std::map<std::string, std::string>{{"commit", "a=b"}, {"place", "here"}});
    CHECK(all.options.list);
    CHECK(all.left == std::vector<std::string>{"program"});
    CHECK(taken({"--benchmark_out=d.json"}).options.json == "d.json");
}

TEST_CASE("of most flags the last counts, and other arguments are left in their order", "[bench]") {
    const taken some({"--benchmark_min_time=0.1", "--rounds=2", "first", "--rounds=3", "--lists"});
    CHECK(some.options.rounds == 3);
    CHECK(some.left == std::vector<std::string>{"program", "--benchmark_min_time=0.1", "first", "--lists"});
}

TEST_CASE("flags of a benchmark program that are no numbers in their range are refused", "[bench]") {
    for (const char* const flag :
         {"--rounds=0", "--rounds=-1", "--rounds=", "--rounds", "--rounds=two", "--rounds=1.5", "--rounds=1 ",
          "--threads=-1", "--threads=all", "--threshold=0.9", "--threshold=nan", "--threshold=x", "--threshold="}) {
        INFO(flag);
        CHECK_THROWS_AS(taken({flag}), value_error);
    }
    CHECK_THROWS_WITH(taken({"--rounds=0"}), "--rounds: a number; expected >= 1, got 0");
}

TEST_CASE("a measured run needs one to compare with", "[bench]") {
    CHECK_THROWS_AS(taken({"--measured=a.json"}), value_error);
    CHECK_NOTHROW(taken({"--measured=a.json", "--compare=b.json"}));
}

TEST_CASE("the help of a benchmark program names every flag", "[bench]") {
    for (const char* const flag :
         {"--filter=", "--rounds=", "--threads=", "--only-ours", "--peer-program=", "--out=", "--markdown=",
          "--baseline=", "--compare=", "--threshold=", "--measured=", "--context=", "--list"}) {
        INFO(flag);
        CHECK(contains(bench::run_options::help, flag));
    }
}

}  // namespace ddpm::test
