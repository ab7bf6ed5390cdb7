// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/space_timesteps.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<isize>;

struct golden_spacing {
    isize steps;
    std::string spacing;
    std::size_t count;
    list first, last;
    isize sum;
};

std::string message_of(isize steps, std::string_view spacing) {
    try {
        (void)space_timesteps(steps, spacing);
    } catch (const value_error& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("spaced timesteps are the published ones", "[grid]") {
    for (const golden_spacing& golden : {
             golden_spacing{1000, "ddim50", 50, {0, 20, 40, 60, 80, 100}, {920, 940, 960, 980}, 24500},
             golden_spacing{1000, "ddim25", 25, {0, 40, 80, 120, 160, 200}, {840, 880, 920, 960}, 12000},
             golden_spacing{1000, "ddim250", 250, {0, 4, 8, 12, 16, 20}, {984, 988, 992, 996}, 124500},
             golden_spacing{1000, "50", 50, {0, 20, 41, 61, 82, 102}, {938, 958, 979, 999}, 24975},
             golden_spacing{1000, "10", 10, {0, 111, 222, 333, 444, 555}, {666, 777, 888, 999}, 4995},
             golden_spacing{1000, "250", 250, {0, 4, 8, 12, 16, 20}, {987, 991, 995, 999}, 124875},
             golden_spacing{1000, "10,10,15,20", 55, {0, 28, 55, 83, 111, 138}, {960, 973, 986, 999}, 31847},
             golden_spacing{300, "10,15,20", 45, {0, 11, 22, 33, 44, 55}, {283, 289, 294, 299}, 7727},
         }) {
        CAPTURE(golden.steps, golden.spacing);
        list timesteps = space_timesteps(golden.steps, golden.spacing);
        CHECK_NOTHROW(require_timesteps("test", timesteps, golden.steps));
        std::reverse(timesteps.begin(), timesteps.end());
        REQUIRE(timesteps.size() == golden.count);
        CHECK(std::equal(golden.first.begin(), golden.first.end(), timesteps.begin()));
        CHECK(std::equal(golden.last.begin(), golden.last.end(), timesteps.end() - 4));
        CHECK(std::accumulate(timesteps.begin(), timesteps.end(), isize{0}) == golden.sum);
    }
}

TEST_CASE("ddimN exists where a whole stride gives N timesteps", "[grid]") {
    const list good{2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,
                    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,  34,  35,  36,  38,  39,  40,  42,  44,  46,  48,
                    50, 53, 56, 59, 63, 67, 72, 77, 84, 91, 100, 112, 125, 143, 167, 200, 250, 334, 500, 1000};
    for (isize n = 0; n <= 1001; ++n) {
        const std::string spacing = "ddim" + std::to_string(n);
        CAPTURE(spacing);
        if (std::find(good.begin(), good.end(), n) == good.end()) {
            CHECK_THROWS_AS(space_timesteps(1000, spacing), value_error);
        } else {
            CHECK(static_cast<isize>(space_timesteps(1000, spacing).size()) == n);
        }
    }
}

TEST_CASE("counts give the same as text, and may be one or none", "[grid]") {
    CHECK(space_timesteps(300, list{10, 15, 20}) == space_timesteps(300, "10,15,20"));
    CHECK(space_timesteps(1000, list{1}) == list{0});
    CHECK(space_timesteps(1000, "1") == list{0});
    CHECK(space_timesteps(1, "1") == list{0});
    CHECK(space_timesteps(10, "0,1,2") == list{9, 7, 4});
    CHECK(space_timesteps(6, "6") == list{5, 4, 3, 2, 1, 0});
}

TEST_CASE("spacings that do not exist are errors that say why", "[grid]") {
    CHECK(message_of(1000, "ddim37") ==
          "space_timesteps: spacing; expected N that a whole stride takes out of 1000 timesteps, got ddim37");
    CHECK(message_of(10, "11") == "space_timesteps: count of section 0; expected 0 <= count <= 10, got 11");
    CHECK(message_of(10, "2,6") == "space_timesteps: count of section 1; expected 0 <= count <= 5, got 6");
    CHECK(message_of(10, "2,-1") == "space_timesteps: count of section 1; expected 0 <= count <= 5, got -1");
    CHECK(message_of(10, "0,0") == "space_timesteps: sum of the counts; expected >= 1, got 0");
    CHECK(message_of(0, "1") == "space_timesteps: number of timesteps; expected >= 1, got 0");
    for (const char* const text :
         {"", "x", "1,", ",1", "1,,2", "1.5", "ddim", "ddimx", "ddim5x", "DDIM5", "1 2", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK(message_of(1000, text).find("commas between") != std::string::npos);
    }
    CHECK_THROWS_AS(space_timesteps(10, list{}), value_error);
    CHECK_THROWS_AS(space_timesteps(2, list{1, 1, 1}), value_error);
}

}  // namespace ddpm::test
