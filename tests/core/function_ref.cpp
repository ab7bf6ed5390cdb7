// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/core/function_ref.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace ddpm::test {
namespace {

int twice_of(int x) { return 2 * x; }

int twice(function_ref<int(int)> f, int x) { return f(f(x)); }

/// Counts its calls; a const one counts tens.
struct call_counter {
    int* calls;
    void operator()() { *calls += 1; }
    void operator()() const { *calls += 10; }
};

}  // namespace

TEST_CASE("a function_ref calls the object it refers to, not a copy", "[core]") {
    int calls = 0;
    auto add = [&calls, own = 0](int x) mutable {
        calls = ++own;
        return x + 3;
    };
    const function_ref<int(int)> f = add;
    const function_ref<int(int)> same = f;
    CHECK(f(1) == 4);
    CHECK(same(2) == 5);
    CHECK(add(0) == 3);
    CHECK(calls == 3);
    CHECK(twice([](int x) { return 10 * x; }, 7) == 700);
    static_assert(sizeof(f) == 2 * sizeof(void*) && std::is_trivially_copyable_v<function_ref<int(int)>>);
}

TEST_CASE("a function_ref of a const object calls it as const", "[core]") {
    int calls = 0;
    call_counter counter{&calls};
    function_ref<void()>{counter}();
    CHECK(calls == 1);
    function_ref<void()>{std::as_const(counter)}();
    CHECK(calls == 11);
}

TEST_CASE("a function_ref forwards arguments, results and exceptions", "[core]") {
    const auto length = [](std::unique_ptr<std::string> text) { return text->size(); };
    const function_ref<std::size_t(std::unique_ptr<std::string>)> measure = length;
    CHECK(measure(std::make_unique<std::string>("four")) == 4);
    int value = 1;
    const auto itself = [](int& x) -> int& { return x; };
    const function_ref<int&(int&)> same = itself;
    same(value) = 5;
    CHECK(value == 5);
    const auto fails = [](int) -> int { throw std::runtime_error("no"); };
    CHECK_THROWS_AS(twice(fails, 1), std::runtime_error);
}

TEST_CASE("a function_ref is made of what can be called with its signature only", "[core]") {
    static_assert(!std::is_constructible_v<function_ref<int(int)>, int>);
    static_assert(!std::is_constructible_v<function_ref<int(int)>, int (&)(std::string)>);
    static_assert(!std::is_constructible_v<function_ref<int(int)>, void (&)(int)>);
    static_assert(!std::is_constructible_v<function_ref<int(int)>, int (&)(int)>);
    static_assert(std::is_constructible_v<function_ref<int(int)>, int (*)(int)>);
    CHECK(twice(&twice_of, 4) == 16);
    int sum = 0;
    const auto add = [&](int x) { return sum += x; };
    const function_ref<void(int)> drops = add;
    drops(3);
    CHECK(sum == 3);
}

}  // namespace ddpm::test
