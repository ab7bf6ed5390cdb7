// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/sampler/run.hpp>
#include <ddpm/train/progress_bar.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <sstream>
#include <string>

namespace ddpm::test {

TEST_CASE("the progress line has step, loss, speed and the time left", "[train]") {
    CHECK(detail::progress_text({2000, 4000, 0.09123, 1, 1, 12345.4, 21.4}) ==
          "2000/4000 [============            ] loss 0.0912  12345 samples/s  0:21 left");
    CHECK(detail::progress_text({7, 4000, 1.5, 1, 1, 100, 3725}) ==
          "   7/4000 [                        ] loss 1.5000  100 samples/s  1:02:05 left");
    CHECK(detail::clock_text(59.6) == "1:00");
    CHECK(detail::clock_text(std::numeric_limits<double>::infinity()) == "-:--");
    CHECK(detail::clock_text(std::numeric_limits<double>::quiet_NaN()) == "-:--");
}

TEST_CASE("the bar draws one line, not at every step, and ends it", "[train]") {
    std::ostringstream out;
    const training_callback callback = progress_bar(out, true);
    for (ddpm::isize step = 1; step <= 1000; ++step) {
        REQUIRE(callback({step, 1000, 0.5, 1, 1, 100, 1}));
    }
    const std::string text = out.str();
    const auto draws = std::count(text.begin(), text.end(), '\r');
    CHECK(draws >= 2);   // the first and the last
    CHECK(draws <= 50);  // steps took far less than five seconds
    CHECK(text.find("1000/1000") != text.npos);
    CHECK(text.back() == '\n');
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("a bar that is abandoned leaves the cursor on a new line", "[train]") {
    std::ostringstream out;
    {
        progress_bar bar(out, true);
        const training_callback copy = bar;
        copy({1, 10, 0.5, 1, 1, 100, 1});
    }
    CHECK(out.str().back() == '\n');
}

TEST_CASE("a log gets whole lines, one at the end at least", "[train]") {
    std::ostringstream out;
    const progress_bar lines(out, std::chrono::hours(1));
    for (ddpm::isize step = 1; step <= 1000; ++step) {
        REQUIRE(lines({step, 1000, 0.5, 1, 1, 100, 0}));
    }
    CHECK(out.str() == "step 1000/1000  loss 0.5000  100 samples/s  0:00 left\n");
}

TEST_CASE("a log gets lines on the way where time passes between them", "[train]") {
    std::ostringstream out;
    const progress_bar lines(out, std::chrono::milliseconds(0));
    for (ddpm::isize step = 1; step <= 3; ++step) {
        REQUIRE(lines({step, 5, 0.5, 1, 1, 100, 2}));
        CHECK(std::ranges::count(out.str(), '\n') == step);
        CHECK(out.str().find('\r') == std::string::npos);
    }
}

TEST_CASE("a bar shows the steps of a sampler", "[train]") {
    std::ostringstream bar_out, lines_out;
    const progress_bar bar(bar_out, true), lines(lines_out, std::chrono::milliseconds(0));
    const step_callback<float> callback = [&](const sample_step<float>& now) { return bar(now) && lines(now); };
    for (ddpm::isize step = 0; step < 4; ++step) {
        REQUIRE(callback({step, 4, 0, {}, {}}));
    }
    CHECK(bar_out.str().starts_with("\r1/4 [======                  ] -:-- left"));
    CHECK(bar_out.str().ends_with("\r4/4 [========================] 0:00 left\n"));
    CHECK(lines_out.str() == "step 1/4  -:-- left\nstep 2/4  0:00 left\nstep 3/4  0:00 left\nstep 4/4  0:00 left\n");
}

TEST_CASE("the bar is silent where nobody looks", "[train]") {
    std::ostringstream out;
    {
        const progress_bar bar(out, false);
        CHECK(bar({1, 10, 0.5, 1, 1, 100, 1}));
        CHECK(bar({10, 10, 0.5, 1, 1, 100, 0}));
    }
    CHECK(out.str().empty());
}

TEST_CASE("a measurement draws its part and its time", "[train]") {
    CHECK(detail::progress_text(measurement_progress{0.5, 10, 10}) == "[============            ] 50 %  0:10 left");
    CHECK(detail::progress_text(measurement_progress{std::nan(""), 75, std::nan("")}) == "1:15");
    std::ostringstream out;
    {
        const measurement_callback bar = progress_bar(out, true);
        CHECK(bar({0.25, 1, 3}));
        CHECK(bar({1, 4, 0}));
    }
    CHECK(out.str().starts_with("\r[======                  ] 25 %  0:03 left"));
    CHECK(out.str().ends_with("100 %  0:00 left\n"));
}

}  // namespace ddpm::test
