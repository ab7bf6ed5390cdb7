// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/per_sample.hpp>

#include "support/catch.hpp"

#include <array>
#include <concepts>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {

TEST_CASE("one value is shared by all samples", "[core]") {
    const per_sample<isize> t = 7;
    CHECK(t.is_shared());
    CHECK(t[0] == 7);
    CHECK(t[1000000] == 7);
    CHECK_NOTHROW(t.require_columns("here", 0));
    CHECK_NOTHROW(t.require_columns("here", 12));
}

TEST_CASE("contiguous values are one per sample", "[core]") {
    const std::vector<isize> values{3, 1, 4};
    const auto check = [](const per_sample<isize>& t) {
        CHECK_FALSE(t.is_shared());
        CHECK(t[0] == 3);
        CHECK(t[1] == 1);
        CHECK(t[2] == 4);
        CHECK_NOTHROW(t.require_columns("here", 3));
    };
    check(values);
    check(std::span<const isize>(values));
    check(std::array<isize, 3>{3, 1, 4});
    Eigen::Array<isize, 1, 3> row;
    row << 3, 1, 4;
    check(row);
    Eigen::Array<isize, Eigen::Dynamic, 1> column(3);
    column << 3, 1, 4;
    check(column);
    check(column.head(3));
}

TEST_CASE("per_sample refers to the values and does not copy them", "[core]") {
    std::vector<double> values{1, 2};
    const per_sample<double> x = values;
    values[1] = 5;
    CHECK(x[1] == 5);
}

TEST_CASE("values of another type, or with gaps between them, do not convert", "[core]") {
    STATIC_REQUIRE(!std::convertible_to<std::vector<int>, per_sample<isize>>);
    STATIC_REQUIRE(!std::convertible_to<std::vector<float>, per_sample<double>>);
    using row_of_columns = decltype(std::declval<Eigen::ArrayXXd&>().row(0));
    STATIC_REQUIRE(!std::convertible_to<row_of_columns, per_sample<double>>);
}

TEST_CASE("a wrong number of values is a shape_error that names both", "[core]") {
    const std::vector<isize> values{3, 1, 4};
    const per_sample<isize> t = values;
    CHECK_THROWS_AS(t.require_columns("here", 2), shape_error);
    CHECK_THROWS_AS(t.require_columns("here", 0), shape_error);
    try {
        t.require_columns("q_sample", 4);
        FAIL("no error");
    } catch (const shape_error& e) {
        CHECK(std::string(e.what()) == "q_sample: one value per sample; expected 4, got 3");
    }
}

}  // namespace ddpm::test
