// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/failing_allocations.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/inpaint.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>

namespace ddpm::test {
namespace {

const auto nothing = [] { return std::make_unique<contents>(1); };
const auto itself = [](const contents& c) { return c; };

/// Pulls the sample towards 0.
struct half_of_x {
    template <Scalar S>
    void operator()(batch_view<const S> x, std::span<const double>, model_output<S> out) const {
        out.prediction.array() = x.array() / 2;
    }
};

TEST_CASE("a schedule is made or not, whatever allocation fails", "[sampler][slow]") {
    CHECK(fail_every_allocation(
              "noise_schedule", nothing,
              [](contents& c) {
                  const noise_schedule schedule{cosine_beta{}, 50};
                  c[0] = bytes_of_numbers(schedule.entries());
              },
              itself) > 1);
}

TEST_CASE("samples are drawn with every sampler or not, whatever allocation fails", "[sampler][slow]") {
    const noise_schedule schedule{linear_beta{}, 100};
    std::size_t points = 0;
    for (const ddpm::isize threads : {1, 3}) {
        set_thread_count(threads);
        for (const named_sampler& one : named_samplers()) {
            points += fail_every_allocation(
                one.name, nothing,
                [&](contents& c) {
                    c[0] = bytes_of_numbers(sample<float>(sampler_by_name(one.name), schedule, half_of_x{},
                                                          {.steps = 5, .count = 3, .shape = 4, .clip_x0 = 1.0}));
                },
                itself);
        }
    }
    set_thread_count(0);
    CHECK(points > 1000);
}

}  // namespace
}  // namespace ddpm::test
