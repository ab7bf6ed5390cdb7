// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// A program of its own, in which the library's assertions are the user's own: it ends with an error unless each wrong call
// is seen by one, and no right call is.
#include <cstdio>
#include <cstdlib>

namespace {

struct failed_assertion {};

int failed_assertions = 0;
bool assertions_throw = false;

void fail_assertion() {
    ++failed_assertions;
    if (assertions_throw) {
        throw failed_assertion{};
    }
}

}  // namespace

#define DDPM_ASSERT(condition) ((condition) ? void() : fail_assertion())
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/sampler/run.hpp>

#include <array>
#include <span>
#include <vector>

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

    Eigen::MatrixXd covariance(2, 2);
    covariance << 2, 1, 1, 2;
    const auto mixture = ddpm::gaussian_mixture::full({1}, ddpm::batch<double>::Zero(2, 1), std::vector{covariance});
    // What these would go on to read lies in no array.
#define CHECK_THROWN(call)              \
    try {                               \
        assertions_throw = true;        \
        static_cast<void>(call);        \
    } catch (const failed_assertion&) { \
    }                                   \
    assertions_throw = false;           \
    check(#call, 1, failed_assertions)
    CHECK_CALL(0, mixture.axes(0));
    CHECK_THROWN(mixture.axes(1));
    CHECK_THROWN(mixture.axes(-1));

    ddpm::sampling_plan plan(ddpm::time_grid({{1, {0.6, 0.8}}, {-1, {1, 0}}}));
    plan.evaluate(0, plan.grid()[0]);
    auto half = [](ddpm::batch_view<const float> xt, std::span<const double>, const ddpm::model_output<float>& out) {
        out.prediction.array() = xt.array() / 2;
    };
    ddpm::philox_noise noise(1, ddpm::noise_stream::sampler);
    ddpm::sampling_run<float, decltype(half), ddpm::philox_noise> run(plan, half, noise,
                                                                      ddpm::batch<float>::Ones(2, 1));
    CHECK_CALL(0, run.next());
    run.step();
    CHECK_THROWN(run.next());
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
