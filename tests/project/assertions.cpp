// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// A program of its own, in which the library's assertions are the user's own: it ends with an error unless each wrong call
// is seen by one, and no right call is.
#include <cstdio>
#include <cstdlib>

namespace {

int failed_assertions = 0;

}  // namespace

#define DDPM_ASSERT(condition) ((condition) ? void() : void(++failed_assertions))
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>

#include <array>

int main() {
    std::array<float, 64> values{};
    // Also the addresses of wrong accesses lie in this array.
    const ddpm::batch_view<float> view(values.data() + 16, 4, 3);
    int wrong = 0;
    const auto check = [&](const char* call, int expected, int& seen) {
        if (seen != expected) {
            std::printf("%s: %d assertions failed, %d expected\n", call, seen, expected);
            ++wrong;
        }
        seen = 0;
    };
#define CHECK_CALL(expected, call) (static_cast<void>(call), check(#call, expected, failed_assertions))
    CHECK_CALL(0, view.column(0));
    CHECK_CALL(0, view.column(2));
    CHECK_CALL(1, view.column(-1));
    CHECK_CALL(1, view.column(3));
    CHECK_CALL(0, view.middle(0, 3));
    CHECK_CALL(0, view.middle(3, 0));
    CHECK_CALL(1, view.middle(-1, 1));
    CHECK_CALL(1, view.middle(2, 2));
    CHECK_CALL(0, view.middle_rows(1, 3));
    CHECK_CALL(1, view.middle_rows(-1, 2));
    CHECK_CALL(1, view.middle_rows(1, 4));
    CHECK_CALL(0, view(3, 2));
    CHECK_CALL(1, view(4, 0));
    CHECK_CALL(1, view(-1, 0));
    CHECK_CALL(1, view(0, 3));
    CHECK_CALL(2, view(4, -1));
    const auto nothing = [](ddpm::isize, ddpm::isize) {};
    CHECK_CALL(0, ddpm::parallel_for(3, 1, nothing));
    CHECK_CALL(1, ddpm::parallel_for(0, 0, nothing));
    CHECK_CALL(1, ddpm::parallel_for(0, -1, nothing));
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
