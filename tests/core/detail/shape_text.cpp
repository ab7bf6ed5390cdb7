// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/shape_text.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("the text of a shape is its sizes in brackets", "[core]") {
    CHECK(detail::shape_text({}) == "[]");
    CHECK(detail::shape_text(std::vector<isize>{7}) == "[7]");
    CHECK(detail::shape_text(std::vector<isize>{3, 4, 0}) == "[3, 4, 0]");
}

}  // namespace ddpm::test
