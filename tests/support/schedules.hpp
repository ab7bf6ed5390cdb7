// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {

struct named_schedule {
    std::string name;
    noise_schedule<> schedule;
};

/// Every kind of schedule that the library makes, for tests of identities.
inline std::vector<named_schedule> all_schedules() {
    return {
        {"linear 1000", {linear_beta{}, 1000}},
        {"linear 20, strong", {linear_beta{.start = 1e-3, .end = 0.5}, 20}},
        {"cosine 1000", {cosine_beta{}, 1000}},
        {"cosine 4000", {cosine_beta{}, 4000}},
        {"table", noise_schedule<>{std::vector<double>{0.01, 0.3, 0.2, 0.5, 0.9}}},
        {"two steps", noise_schedule<>{std::vector<double>{0.2, 0.4}}},
        {"callable", {[](isize t, isize steps) { return 1.0 / static_cast<double>(steps - t + 1); }, 50}},
    };
}

/// A few timesteps of a schedule, both ends and the middle among them.
inline std::vector<isize> some_timesteps(isize steps) {
    std::vector<isize> timesteps;
    for (const isize t : {isize{0}, isize{1}, steps / 3, steps / 2, steps - 2, steps - 1}) {
        if (timesteps.empty() || t > timesteps.back()) {
            timesteps.push_back(t);
        }
    }
    return timesteps;
}

/// The smallest models of the library's concepts: nothing but what the concept asks for.
struct schedule_archetype {
    [[nodiscard]] isize steps() const { return 10; }
    [[nodiscard]] double alpha_bar(isize t) const { return 1 - static_cast<double>(t + 1) / 11; }
};
static_assert(NoiseSchedule<schedule_archetype>);
static_assert(NoiseSchedule<noise_schedule<>>);
static_assert(NoiseSchedule<noise_schedule<float32_tables>>);

/// A continuous schedule that has the levels of a discrete one at whole times, and x_0 at −1.
struct sampled_levels {
    const noise_schedule<>* schedule;
    [[nodiscard]] noise_level<double> level(double u) const {
        const isize t = static_cast<isize>(u);
        return t == clean ? noise_level<double>{1, 0} : noise_level_at(*schedule, t);
    }
};

/// A batch with entries of both signs and different sizes, the same in float and double.
template <Scalar S>
[[nodiscard]] batch<S> pattern(isize rows, isize columns, int which) {
    batch<S> x(rows, columns);
    for (isize n = 0; n < columns; ++n) {
        for (isize i = 0; i < rows; ++i) {
            x(i, n) = static_cast<S>(static_cast<float>((i * 37 + n * 101 + which * 53) % 41) / 16.0F - 1.25F);
        }
    }
    return x;
}

/// `steps` units in the last place of 1, in the type S.
template <Scalar S>
[[nodiscard]] constexpr double ulps(double steps) {
    return steps * static_cast<double>(std::numeric_limits<S>::epsilon());
}

}  // namespace ddpm::test
