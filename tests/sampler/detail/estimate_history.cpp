// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/estimate_history.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("a history keeps one estimate for each finite lambda", "[sampler]") {
    constexpr noise_level<double> noisy{0.3, 0.9}, cleaner{0.8, 0.5}, data{1, 0}, noise{0, 1};
    detail::estimate_history history;
    const auto evaluations = [&](isize count) {
        std::vector<isize> numbers;
        for (const auto& e : history.newest(count)) {
            numbers.push_back(e.evaluation);
        }
        return numbers;
    };
    history.add(0, noise);
    CHECK(evaluations(3) == std::vector<isize>{0});
    history.add(1, noisy);
    CHECK(evaluations(3) == std::vector<isize>{1});
    history.add(2, noisy);
    CHECK(evaluations(3) == std::vector<isize>{2});
    history.add(3, cleaner);
    CHECK(evaluations(3) == std::vector<isize>{3, 2});
    CHECK(evaluations(1) == std::vector<isize>{3});
    history.add(4, data);
    CHECK(evaluations(3) == std::vector<isize>{4});
}

}  // namespace ddpm::test
