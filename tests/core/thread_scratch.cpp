// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/thread_scratch.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <thread>

namespace ddpm::test {
namespace {

struct one_tag {};
struct other_tag {};

}  // namespace

TEST_CASE("scratch is the thread's, the tag's and the scalar's, at a cache line, and kept", "[core]") {
    float* const mine = thread_scratch<one_tag, float>(100);
    CHECK(reinterpret_cast<std::uintptr_t>(mine) % 64 == 0);
    mine[99] = 7;
    CHECK(thread_scratch<one_tag, float>(50) == mine);
    CHECK(thread_scratch<one_tag, float>(100)[99] == 7);
    CHECK(thread_scratch<other_tag, float>(100) != mine);
    CHECK(static_cast<void*>(thread_scratch<one_tag, double>(100)) != mine);
    std::thread([&] { CHECK(thread_scratch<one_tag, float>(100) != mine); }).join();
    float* const larger = thread_scratch<one_tag, float>(1000);
    larger[999] = 8;
    CHECK(thread_scratch<one_tag, float>(1000)[999] == 8);
}

}  // namespace ddpm::test
