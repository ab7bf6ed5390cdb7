// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/peer_program.hpp>
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"

#include <cerrno>
#include <cmath>
#include <string>

#include <sys/wait.h>

namespace ddpm::test {
namespace {

/// The command of a program that says these lines, and then answers the first question it is asked by `answer`.
std::string program_that_says(const std::string& start, const std::string& answer = "") {
    return "sh -c 'printf \"" + start + "\"; read question; printf -- \"" + answer + "\"'";
}

const bench::peer_program::timed_case square{"area/square/4", "torch"};

}  // namespace

TEST_CASE("a peer program tells its versions and its cases", "[bench]") {
    const bench::peer_program program(program_that_says(
        "about torch 2.1, numpy 1\\ncase area/square/4 torch\\ncase area/cube/4 numpy out\\nready\\n"));
    CHECK(program.about() == "torch 2.1, numpy 1");
    REQUIRE(program.cases().size() == 2);
    CHECK(program.cases()[0].name == "area/square/4");
    CHECK(program.cases()[0].peer == "torch");
    CHECK(program.cases()[1].name == "area/cube/4");
    CHECK(program.cases()[1].peer == "numpy out");
}

TEST_CASE("a peer program answers each question by seconds, a note, or why it cannot", "[bench]") {
    bench::peer_program program(
        "sh -c 'echo ready; read name peer n; echo 0.5; read name peer n; echo \"0.25 $name, $peer, $n\"; read n; "
        "echo \"error no memory\"; read n; echo 0'");
    CHECK(program.about().empty());
    CHECK(program.cases().empty());
    const auto plain = program.time(square, 3);
    CHECK(plain.seconds == 0.5);
    CHECK(plain.note.empty());
    const auto noted = program.time(square, 7);
    CHECK(noted.seconds == 0.25);
    CHECK(noted.note == "area/square/4, torch, 7");
    const auto none = program.time(square, 1);
    CHECK(std::isnan(none.seconds));
    CHECK(none.note == "no memory");
    CHECK(program.time(square, 1).seconds == 0);
}

TEST_CASE("a peer program that starts with something else is refused", "[bench]") {
    for (const char* const start : {"hello\\n", "case area/square/4\\nready\\n", "about\\nready\\n", "\\nready\\n"}) {
        INFO(start);
        CHECK_THROWS_AS(bench::peer_program(program_that_says(start)), io_error);
    }
    CHECK_THROWS_WITH(bench::peer_program("echo hello"),
                      "echo hello: start of a peer program; expected about ..., case NAME PEER or ready, got hello");
}

TEST_CASE("a peer program that is refused has ended", "[bench]") {
    CHECK_THROWS_AS(bench::peer_program(program_that_says("hello\\n")), io_error);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // the test has no child
    CHECK(errno == ECHILD);
}

TEST_CASE("a peer program that does not start, or ends before it is ready, is refused", "[bench]") {
    CHECK_THROWS_AS(bench::peer_program("/nonexistent/program 2>/dev/null"), io_error);
    CHECK_THROWS_WITH(bench::peer_program("printf 'about x\\nrea'"),
                      "printf 'about x\\nrea': the peer program ended; expected a line, got rea");
}

TEST_CASE("a peer program that answers by something else than seconds, or not at all, is refused", "[bench]") {
    for (const char* const answer : {"soon\\n", "\\n", "-1\\n", "nan\\n", "0.5s\\n", "errors\\n", "", "0.5"}) {
        INFO(answer);
        bench::peer_program program(program_that_says("ready\\n", answer));
        CHECK_THROWS_AS(program.time(square, 1), io_error);
    }
    bench::peer_program program(program_that_says("ready\\n", "soon\\n"));
    CHECK_THROWS_WITH(program.time(square, 1),
                      Catch::Matchers::EndsWith("area/square/4 torch; expected seconds, got soon"));
}

}  // namespace ddpm::test
