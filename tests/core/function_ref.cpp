// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace ddpm::test {
namespace {

int twice(int x) { return 2 * x; }

}  // namespace

TEST_CASE("a function_ref calls what it refers to", "[core]") {
    int calls = 0;
    const auto count = [&calls](int by) { return calls += by; };
    const function_ref<int(int)> counting = count;
    CHECK(counting(3) == 3);
    const function_ref<int(int)> copy = counting;
    CHECK(copy(4) == 7);
    CHECK(calls == 7);
    int (*const pointer)(int) = twice;
    CHECK(function_ref<int(int)>(pointer)(21) == 42);

    // A callable may change itself, also by a reference that is const.
    auto next = [at = 0]() mutable { return ++at; };
    const function_ref<int()> numbers = next;
    CHECK(numbers() == 1);
    CHECK(numbers() == 2);
    CHECK(next() == 3);
}

TEST_CASE("a function_ref drops what a callable returns where nothing is wanted, and calls pointers to members",
          "[core]") {
    int calls = 0;
    const auto count = [&calls](int by) { return calls += by; };
    const function_ref<void(int)> counting = count;
    counting(3);
    CHECK(calls == 3);
    parallel_for(2, 1, [](isize begin, isize end) { return end - begin; });

    struct box {
        int value;
        [[nodiscard]] int plus(int x) const { return value + x; }
    };
    const auto plus = &box::plus;
    CHECK(function_ref<int(const box&, int)>(plus)(box{3}, 4) == 7);
    const auto value = &box::value;
    CHECK(function_ref<int(const box&)>(value)(box{3}) == 3);
}

TEST_CASE("a function_ref passes arguments on as they are", "[core]") {
    const auto take = [](std::unique_ptr<int> owned, int& changed) { changed = *owned; };
    const function_ref<void(std::unique_ptr<int>, int&)> taking = take;
    int changed = 0;
    taking(std::make_unique<int>(5), changed);
    CHECK(changed == 5);
}

TEST_CASE("a function_ref takes only what can be called so", "[core]") {
    const auto number = [](int) { return 1; };
    static_assert(std::is_convertible_v<decltype(number), function_ref<double(short)>>);
    static_assert(!std::is_convertible_v<decltype(number), function_ref<int(int*)>>);
    static_assert(!std::is_convertible_v<decltype(number), function_ref<int*(int)>>);
    static_assert(!std::is_convertible_v<int, function_ref<void()>>);
    static_assert(!std::is_convertible_v<decltype((twice)), function_ref<int(int)>>);  // a function is no object
    CHECK(function_ref<double(short)>(number)(7) == 1);
}

}  // namespace ddpm::test
