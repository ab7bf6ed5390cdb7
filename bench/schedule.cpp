// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <string>

namespace {

template <class Beta>
void add_construction(const std::string& operation, ddpm::isize steps) {
    ddpm::bench::add("schedule", operation, std::to_string(steps), {.items = static_cast<double>(steps)}, [steps] {
        return [steps] { benchmark::DoNotOptimize(ddpm::noise_schedule{Beta{}, steps}.entries().data()); };
    });
}

const ddpm::bench::group schedule_benchmarks{[] {
    for (const ddpm::isize steps : {100, 1000}) {
        add_construction<ddpm::linear_beta>("linear", steps);
        add_construction<ddpm::cosine_beta>("cosine", steps);
    }
}};

}  // namespace
