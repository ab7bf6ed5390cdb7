// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Every kernel on random shapes and numbers, by every instruction set that the machine has, beside a scalar reference.
#include "kernels/differential/cases.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <random>
#include <set>
#include <string>

namespace ddpm::test {

namespace {

// Compares `calls` calls of each kernel, with the numbers that the seeds from `first_seed` on give, and prints their largest
// error. Returns how many calls there were of all kernels.
std::uint32_t compare_kernels(std::uint32_t first_seed, std::uint32_t calls) {
    std::uint32_t all_calls = 0;
    for_each_kernel_case([&](const kernel_case& one) {
        double largest = 0;
        for (std::uint32_t seed = first_seed; seed < first_seed + calls; ++seed) {
            std::mt19937 words(seed);
            number_source from([&words] { return static_cast<std::uint32_t>(words()); });
            comparison result;
            one.run(from, result);
            CAPTURE(one.header, seed);
            REQUIRE(result.failure() == "");
            largest = std::max(largest, result.largest());
        }
        all_calls += calls;
        std::cout << one.header << ": " << calls << " calls, " << one.bound;
        if (largest > 0) {
            std::cout << "; the largest error is " << std::setprecision(2) << largest << " of it";
        }
        std::cout << std::endl;
    });
    return all_calls;
}

constexpr std::uint32_t quick_calls = 600;

}  // namespace

TEST_CASE("every kernel gives what the scalar reference gives, for random shapes and numbers on every target",
          "[kernels]") {
    CHECK(compare_kernels(0, quick_calls) > 25 * quick_calls);
}

TEST_CASE("a million random calls of the kernels give what the scalar reference gives, on every target",
          "[kernels][slow]") {
    constexpr std::uint32_t slow_calls = 34'000;
    const std::uint32_t all_calls = compare_kernels(quick_calls, slow_calls);
    std::cout << all_calls << " calls of all kernels" << std::endl;
    CHECK(all_calls >= 1'000'000);
}

TEST_CASE("every header that dispatches a kernel has a random case", "[kernels]") {
    const std::filesystem::path folder = DDPM_SOURCE_FOLDER "/include/ddpm/kernels";
    std::set<std::string> dispatching, cases;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const std::string name = std::filesystem::relative(entry.path(), folder).generic_string();
        if (!entry.is_regular_file()) {
            continue;
        }
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (name != "detail/dispatch.hpp" && name != "detail/foreach_target.hpp" &&
            text.find("DDPM_DISPATCH(") != text.npos) {
            dispatching.insert(name);
        }
    }
    for_each_kernel_case([&](const kernel_case& one) { cases.insert(one.header); });
    CHECK(dispatching.size() > 25);
    CHECK(dispatching == cases);
}

}  // namespace ddpm::test
