// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/timesteps.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {

using list = std::vector<isize>;

TEST_CASE("trailing spacing rounds halves as numpy.arange does", "[grid]") {
    const std::vector<isize> timesteps = make_timesteps(1000, 48);
    CHECK(timesteps[3] == 936);  // 937.5 less one unit in the last place
    CHECK(timesteps.back() == 20);
}

TEST_CASE("spacings have the published timesteps", "[grid]") {
    using enum timestep_spacing;
    CHECK(make_timesteps(1000, 10, leading) == list{900, 800, 700, 600, 500, 400, 300, 200, 100, 0});
    CHECK(make_timesteps(1000, 10, trailing) == list{999, 899, 799, 699, 599, 499, 399, 299, 199, 99});
    CHECK(make_timesteps(1000, 10, linspace) == list{999, 888, 777, 666, 555, 444, 333, 222, 111, 0});
    CHECK(make_timesteps(1000, 3, leading) == list{666, 333, 0});
    CHECK(make_timesteps(1000, 3, trailing) == list{999, 666, 332});
    CHECK(make_timesteps(1000, 1, trailing) == list{999});
    CHECK(make_timesteps(1000, 1, leading) == list{0});
    CHECK(make_timesteps(1000, 1, linspace) == list{0});
}

TEST_CASE("every spacing gives valid timesteps for every count", "[grid]") {
    for (const isize steps : {1, 2, 7, 50}) {
        for (isize count = 1; count <= steps; ++count) {
            for (const auto spacing :
                 {timestep_spacing::linspace, timestep_spacing::leading, timestep_spacing::trailing}) {
                const list timesteps = make_timesteps(steps, count, spacing);
                INFO(steps << " steps, " << count << " of them");
                CHECK(static_cast<isize>(timesteps.size()) == count);
                CHECK_NOTHROW(require_timesteps("test", timesteps, steps));
            }
        }
    }
    CHECK(all_timesteps(4) == list{3, 2, 1, 0});
}

TEST_CASE("an offset moves leading timesteps", "[grid]") {
    using enum timestep_spacing;
    CHECK(make_timesteps(1000, 5, leading, 1) == list{801, 601, 401, 201, 1});
    CHECK(make_timesteps(1000, 1, leading, 999) == list{999});
    CHECK_THROWS_AS(make_timesteps(1000, 1000, leading, 1), value_error);  // would read t = 1000
    CHECK_THROWS_AS(make_timesteps(1000, 1, leading, 1000), value_error);
    CHECK_THROWS_AS(make_timesteps(1000, 5, leading, -1), value_error);
    CHECK_THROWS_AS(make_timesteps(1000, 5, trailing, 1), value_error);
    CHECK_THROWS_AS(make_timesteps(1000, 5, linspace, 1), value_error);
}

TEST_CASE("solver timesteps leave out the end", "[grid]") {
    using enum timestep_spacing;
    // DPM-Solver of diffusers.
    CHECK(solver_timesteps(1000, 6, linspace) == list{999, 832, 666, 500, 333, 166});
    CHECK(solver_timesteps(1000, 6, leading, 1) == list{853, 711, 569, 427, 285, 143});
    CHECK(solver_timesteps(1000, 10, trailing) == make_timesteps(1000, 10, trailing));
    CHECK(solver_timesteps(1000, 1, linspace) == list{999});
    CHECK(solver_timesteps(1000, 1, leading) == list{500});
    CHECK_THROWS_AS(solver_timesteps(10, 0, trailing), value_error);
    CHECK_THROWS_AS(solver_timesteps(10, 10, linspace), value_error);
    CHECK_THROWS_AS(solver_timesteps(10, 5, trailing, 1), value_error);
}

TEST_CASE("counts and lists outside the schedule are errors", "[grid]") {
    CHECK_THROWS_AS(make_timesteps(10, 0), value_error);
    CHECK_THROWS_AS(make_timesteps(10, 11), value_error);
    CHECK_THROWS_AS(require_timesteps("test", list{}, 10), value_error);
    CHECK_THROWS_AS(require_timesteps("test", list{10}, 10), value_error);
    CHECK_THROWS_AS(require_timesteps("test", list{5, -1}, 10), value_error);
    CHECK_THROWS_AS(require_timesteps("test", list{5, 5}, 10), value_error);
    CHECK_THROWS_AS(require_timesteps("test", list{0, 1, 50, 87, 100}, 1000), value_error);
    CHECK_NOTHROW(require_timesteps("test", list{100, 87, 50, 1, 0}, 1000));
}

}  // namespace ddpm::test
