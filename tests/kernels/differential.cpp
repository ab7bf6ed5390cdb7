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

TEST_CASE("every kernel gives what the scalar reference gives, for random shapes and numbers on every target",
          "[kernels]") {
    constexpr int calls = 600;
    for_each_kernel_case([](const kernel_case& one) {
        double largest = 0;
        for (std::uint32_t seed = 0; seed < calls; ++seed) {
            std::mt19937 words(seed);
            number_source from([&words] { return static_cast<std::uint32_t>(words()); });
            comparison result;
            one.run(from, result);
            CAPTURE(one.header, seed);
            REQUIRE(result.failure() == "");
            largest = std::max(largest, result.largest());
        }
        std::cout << one.header << ": " << calls << " calls, " << one.bound;
        if (largest > 0) {
            std::cout << "; the largest error is " << std::setprecision(2) << largest << " of it";
        }
        std::cout << std::endl;
    });
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
