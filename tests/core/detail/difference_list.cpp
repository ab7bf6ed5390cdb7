// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/difference_list.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

TEST_CASE("of many differences the first are named, and how many there are", "[core]") {
    detail::difference_list list;
    CHECK(list.empty());
    for (int i = 1; i <= 8; ++i) {
        list.add(i, " is missing");
    }
    CHECK_FALSE(list.empty());
    CHECK(list.text().ends_with("7 is missing, 8 is missing"));
    for (int i = 9; i <= 1000; ++i) {
        list.add(i, " is missing");
    }
    CHECK(list.text().starts_with("1 is missing, 2 is missing"));
    CHECK(list.text().ends_with("8 is missing, ... (1000 differences in all)"));
}

}  // namespace ddpm::test
