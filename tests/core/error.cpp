// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/error.hpp>

#include "support/catch.hpp"

#include <complex>
#include <string>
#include <type_traits>

namespace ddpm::test {

TEST_CASE("an error says where, what, what was expected and what came", "[core]") {
    CHECK(std::string(base_error("here", "negative size").what()) == "here: negative size");
    CHECK(std::string(base_error("here", "size", 3, 4).what()) == "here: size; expected 3, got 4");
    CHECK(std::string(base_error("here", "size", ">= 0", std::string("-1")).what()) ==
          "here: size; expected >= 0, got -1");
}

TEST_CASE("an error shows whatever can be streamed, with every digit", "[core]") {
    CHECK(std::string(base_error("here", "value", std::complex<double>(0.1, 2), "none").what()) ==
          "here: value; expected (0.10000000000000001,2), got none");
}

TEST_CASE("an error keeps every digit of a double", "[core]") {
    CHECK(std::string(base_error("here", "value", 0.1, 1.0 / 3).what()) ==
          "here: value; expected 0.10000000000000001, got 0.33333333333333331");
}

TEST_CASE("errors are caught by their own type, as ddpm::base_error and as std::runtime_error", "[core]") {
    CHECK_THROWS_AS(throw shape_error("f", "x"), shape_error);
    CHECK_THROWS_AS(throw shape_error("f", "x", 1, 2), base_error);
    CHECK_THROWS_AS(throw value_error("f", "x", 1, 2), base_error);
    CHECK_THROWS_AS(throw io_error("f", "x", 1, 2), std::runtime_error);
    STATIC_REQUIRE(!std::is_base_of_v<shape_error, value_error>);
    STATIC_REQUIRE(!std::is_base_of_v<value_error, io_error>);
}

}  // namespace ddpm::test
