// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ddpm::test {
namespace {

struct plain_body {
    void operator()() {}
};
struct body_that_cannot_move {
    body_that_cannot_move() = default;
    body_that_cannot_move(const body_that_cannot_move&) = delete;
    body_that_cannot_move& operator=(const body_that_cannot_move&) = delete;
    void operator()() {}
};
struct body_with_argument {
    void operator()(int) {}
};

template <class Body>
using maker_of = Body (*)();

struct maker_that_changes {
    plain_body operator()() { return {}; }
};

template <class Make>
concept CanBeAdded = requires(bench::bench_case& one, Make make) {
    bench::add("area", "operation", "size", {}, make);
    one.peer("other", make);
};

// A maker returns an object that can be moved and called without arguments.
static_assert(bench::BodyMaker<maker_of<plain_body>>);
static_assert(bench::BodyMaker<std::function<std::function<int()>()>>);
static_assert(CanBeAdded<maker_of<plain_body>>);
static_assert(!bench::BodyMaker<int>);
static_assert(!bench::BodyMaker<plain_body>, "it is a body, not what makes one");
static_assert(!bench::BodyMaker<maker_of<int>>);
static_assert(!bench::BodyMaker<maker_of<plain_body&>>, "the body would not be kept");
static_assert(!bench::BodyMaker<maker_of<body_that_cannot_move>>);
static_assert(!bench::BodyMaker<maker_of<body_with_argument>>);
static_assert(!bench::BodyMaker<plain_body (*)(int)>);
static_assert(!bench::BodyMaker<maker_that_changes>, "it would be called while const");
static_assert(!CanBeAdded<plain_body>);
static_assert(!CanBeAdded<maker_of<body_with_argument>>);

}  // namespace

TEST_CASE("a case is registered by area, operation and size, with what it does and where", "[bench]") {
    bench::cases().clear();
    const auto make = [] { return [] {}; };
    bench::bench_case& one = bench::add("area", "first", "3x4", {.items = 12}, make);
    bench::bench_case& two = bench::add("area", "second", "5", {.flops = 7}, make, {.threads = 2});
    REQUIRE(bench::cases().size() == 2);
    CHECK(&bench::cases().front() == &one);
    CHECK(one.name() == "area/first/3x4");
    CHECK(one.what().items == 12);
    CHECK(one.where().threads == 0);
    CHECK(two.name() == "area/second/5");
    CHECK(two.what().flops == 7);
    CHECK(two.where().threads == 2);

    one.peer("eigen", make).peer_in_its_own_time({.peer = "torch", .measure = {}, .manual_time = true});
    REQUIRE(one.contenders().size() == 3);
    CHECK(one.contenders()[0].peer.empty());
    CHECK(one.contenders()[1].peer == "eigen");
    CHECK_FALSE(one.contenders()[1].manual_time);
    CHECK(one.contenders()[2].peer == "torch");
    CHECK(one.contenders()[2].manual_time);
    CHECK(two.contenders().size() == 1);
    bench::cases().clear();
}

TEST_CASE("a group registers when it is made", "[bench]") {
    bench::cases().clear();
    const bench::group mine{[] { bench::add("area", "of_group", "1", {}, [] { return [] {}; }); }};
    REQUIRE(bench::cases().size() == 1);
    CHECK(bench::cases().front().name() == "area/of_group/1");
    bench::cases().clear();
}

TEST_CASE("a body is made once for all its trials, and called once before they are timed", "[bench]") {
    int made = 0, called = 0;
    const auto make = [&] {
        ++made;
        return [&] { return ++called; };
    };
    auto& body = bench::detail::prepare(make);
    CHECK(made == 1);
    CHECK(called == 1);
    CHECK(&bench::detail::prepare(make) == &body);
    CHECK(made == 1);
    CHECK(called == 1);

    int others = 0;
    const auto other = [&] { return [&] { ++others; }; };
    bench::detail::prepare(other);
    CHECK(others == 1);
    bench::detail::prepare(make);
    CHECK(made == 2);
    bench::detail::last_prepared() = {};
}

TEST_CASE("a setting chooses threads and instruction set in its scope", "[bench]") {
    const isize threads = thread_count();
    const instruction_set active = simd_target();
    {
        const bench::detail::scoped_setting on({.threads = 2, .instructions = instruction_set::baseline});
        CHECK(thread_count() == 2);
        CHECK(simd_target() == instruction_set::baseline);
    }
    CHECK(simd_target() == active);
    {
        const bench::detail::scoped_setting on({});
        CHECK(thread_count() == bench::detail::default_threads());
        CHECK(simd_target() == active);
    }
    set_thread_count(threads);
}

}  // namespace ddpm::test
