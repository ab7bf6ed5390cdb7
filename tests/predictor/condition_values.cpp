// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/condition_values.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

constexpr condition_forms values_absent_map = static_cast<condition_forms>(condition_form::map);

/// Three samples of every form.
struct three_told {
    std::vector<isize> labels{4, 0, 2}, lengths{3, 0, 1};
    batch<float> vectors = pattern<float>(3, 3, 1), maps = pattern<float>(8, 3, 2), sequences = pattern<float>(6, 3, 3);
    std::vector<condition_forms> absent{0, values_absent_map, 0};

    [[nodiscard]] condition<float> all() const { return {labels, vectors, maps, sequences, lengths, absent}; }
};

void check_same(const condition<float>& a, const condition<float>& b) {
    CHECK(std::vector(a.labels.begin(), a.labels.end()) == std::vector(b.labels.begin(), b.labels.end()));
    CHECK(std::vector(a.lengths.begin(), a.lengths.end()) == std::vector(b.lengths.begin(), b.lengths.end()));
    CHECK(std::vector(a.absent.begin(), a.absent.end()) == std::vector(b.absent.begin(), b.absent.end()));
    for (batch_view<const float> condition<float>::*form :
         {&condition<float>::vectors, &condition<float>::maps, &condition<float>::sequences}) {
        REQUIRE((a.*form).rows() == (b.*form).rows());
        REQUIRE((a.*form).columns() == (b.*form).columns());
        CHECK(((a.*form).array() == (b.*form).array()).all());
    }
}

}  // namespace

TEST_CASE("the values of a condition are copies, and those of the run's samples", "[predictor]") {
    three_told told;
    const three_told kept = told;
    condition_values<float> values(told.all());
    told = {};
    told.labels = {9, 9, 9};
    told.vectors.setZero();
    CHECK(values.samples() == 3);
    check_same(values.of(0, 3), kept.all());
    check_same(values.of(1, 2), kept.all().middle(1, 2));
    check_same(values.of(2, 1), kept.all().middle(2, 1));
    check_same(values.of(3, 0), kept.all().middle(3, 0));
    condition_values<float> copy = values;
    const condition_values<float> moved = std::move(values);
    check_same(copy.of(0, 3), kept.all());
    CHECK(moved.samples() == 3);
}

TEST_CASE("nothing told is nothing for any samples", "[predictor]") {
    condition_values<float> nothing, empty{condition<float>{}};
    CHECK(nothing.samples() == 0);
    CHECK(empty.samples() == 0);
    CHECK(nothing.of(7, 100).empty());
    CHECK(empty.of(0, 1).empty());
    CHECK_NOTHROW(nothing.reserve(10));
}

TEST_CASE("one condition is that of all samples, and reserved for many it allocates nothing", "[predictor]") {
    const three_told told;
    const condition<float> one = told.all().middle(1, 1);
    condition_values<float> values(one);
    CHECK(values.samples() == 1);
    values.reserve(5);
    CHECK(values.samples() == 1);
    const std::size_t before = allocations;
    const condition<float> all = values.of(40, 5), some = values.of(2, 3);
    CHECK(allocations == before);
    REQUIRE(all.labels.size() == 5);
    REQUIRE(some.labels.size() == 3);
    for (isize n = 0; n < 5; ++n) {
        check_same(all.middle(n, 1), one);
    }
    const condition<float> more = values.of(0, 9);  // more than reserved
    REQUIRE(more.labels.size() == 9);
    check_same(more.middle(8, 1), one);
    CHECK_NOTHROW(values.require(
        "here", {.classes = 5, .vector = 3, .map_channels = 2, .sequence = 2, .learned = values_absent_map},
        sample_shape(2, 2, 1)));
}

TEST_CASE("values refuse forms of different samples, runs of more, and what a network does not take", "[predictor]") {
    three_told told;
    const auto misfits = [](auto change) {
        three_told wrong;
        change(wrong);
        CHECK_THROWS_AS(condition_values<float>(wrong.all()), shape_error);
    };
    misfits([](three_told& t) { t.labels = {1}; });
    misfits([](three_told& t) { t.labels = {1, 2, 3, 4}; });
    misfits([](three_told& t) { t.lengths = {1, 2}; });
    misfits([](three_told& t) { t.absent = {0}; });
    misfits([](three_told& t) { t.vectors = pattern<float>(3, 2, 1); });
    misfits([](three_told& t) { t.maps = pattern<float>(8, 1, 1); });
    misfits([](three_told& t) { t.sequences = pattern<float>(6, 4, 1); });

    condition_values<float> values(told.all());
    CHECK_THROWS_AS(values.of(0, 4), shape_error);
    CHECK_THROWS_AS(values.of(3, 1), shape_error);
    CHECK_THROWS_AS(values.require("here", {}, sample_shape(2, 2, 1)), shape_error);
    CHECK_THROWS_AS(
        values.require("here",
                       {.classes = 3, .vector = 3, .map_channels = 2, .sequence = 2, .learned = values_absent_map},
                       sample_shape(2, 2, 1)),
        value_error);
}

}  // namespace ddpm::test
