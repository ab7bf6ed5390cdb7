// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/condition.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/schedules.hpp"

#include <type_traits>
#include <vector>

namespace ddpm::test {
namespace {

constexpr sample_shape four_pixels{2, 2, 3};
constexpr condition_shape takes_all{.classes = 5, .vector = 3, .map_channels = 2, .sequence = 2};

constexpr condition_forms bits(condition_form form) { return static_cast<condition_forms>(form); }

/// Two samples of every form.
struct two_told {
    std::vector<isize> labels{4, 0}, lengths{3, 0};
    batch<double> vectors = pattern<double>(3, 2, 1), maps = pattern<double>(8, 2, 2),
                  sequences = pattern<double>(6, 2, 3);
    std::vector<condition_forms> absent{};

    [[nodiscard]] condition<double> all() const { return {labels, vectors, maps, sequences, lengths, absent}; }
    void require(const condition_shape& takes) const {
        detail::require_condition("here", takes, all(), four_pixels, 2);
    }
};

}  // namespace

TEST_CASE("the forms of a condition are bits", "[core]") {
    constexpr condition_forms both = bits(condition_form::label) | bits(condition_form::sequence);
    static_assert(has_form(both, condition_form::label) && has_form(both, condition_form::sequence));
    static_assert(!has_form(both, condition_form::vector) && !has_form(both, condition_form::map));
    static_assert(!has_form(0, condition_form::label));
    static_assert(std::is_aggregate_v<condition_shape> && condition_shape{} == condition_shape{});
    static_assert(condition_shape{.classes = 1} != condition_shape{});
}

TEST_CASE("a condition is empty until it tells something", "[core]") {
    const std::vector<isize> labels{1};
    const std::vector<condition_forms> absent{0};
    const batch<float> values = batch<float>::Ones(2, 1);
    CHECK(condition<float>{}.empty());
    CHECK_FALSE(condition<float>{.labels = labels}.empty());
    CHECK_FALSE(condition<float>{.vectors = values}.empty());
    CHECK_FALSE(condition<float>{.maps = values}.empty());
    CHECK_FALSE(condition<float>{.sequences = values}.empty());
    CHECK_FALSE(condition<float>{.absent = absent}.empty());
}

TEST_CASE("the middle of a condition is that of all its forms, and of those that it has not nothing", "[core]") {
    const std::vector<isize> labels{1, 2, 3, 4}, lengths{0, 1, 2, 1};
    const std::vector<condition_forms> absent{0, 2, 4, 6};
    const batch<double> vectors = pattern<double>(3, 4, 1), maps = pattern<double>(8, 4, 2),
                        sequences = pattern<double>(6, 4, 3);
    const condition<double> part = condition<double>{labels, vectors, maps, sequences, lengths, absent}.middle(1, 2);
    CHECK(std::vector(part.labels.begin(), part.labels.end()) == std::vector<isize>{2, 3});
    CHECK(std::vector(part.lengths.begin(), part.lengths.end()) == std::vector<isize>{1, 2});
    CHECK(std::vector(part.absent.begin(), part.absent.end()) == std::vector<condition_forms>{2, 4});
    CHECK(part.vectors.data() == vectors.col(1).data());
    CHECK((part.vectors.array() == vectors.middleCols(1, 2)).all());
    CHECK((part.maps.array() == maps.middleCols(1, 2)).all());
    CHECK((part.sequences.array() == sequences.middleCols(1, 2)).all());
    CHECK(condition<double>{}.middle(1, 2).empty());
    CHECK(condition<double>{.vectors = vectors}.middle(3, 1).labels.empty());
}

TEST_CASE("a condition fits what a network takes, form by form", "[core]") {
    CHECK_NOTHROW(two_told{}.require(takes_all));
    CHECK_NOTHROW(detail::require_condition<double>("here", {}, {}, four_pixels, 2));
    CHECK_NOTHROW(detail::require_condition<double>("here", takes_all, {}, four_pixels, 0));

    const auto misfits = [](auto change) {
        two_told told;
        change(told);
        CHECK_THROWS_AS(told.require(takes_all), shape_error);
    };
    misfits([](two_told& t) { t.labels = {}; });
    misfits([](two_told& t) { t.labels = {1}; });
    misfits([](two_told& t) { t.labels = {1, 2, 3}; });
    misfits([](two_told& t) { t.vectors.resize(0, 0); });
    misfits([](two_told& t) { t.vectors = pattern<double>(4, 2, 1); });
    misfits([](two_told& t) { t.vectors = pattern<double>(3, 1, 1); });
    misfits([](two_told& t) { t.maps.resize(0, 0); });
    misfits([](two_told& t) { t.maps = pattern<double>(12, 2, 1); });  // of three channels
    misfits([](two_told& t) { t.maps = pattern<double>(8, 3, 1); });
    misfits([](two_told& t) { t.sequences = pattern<double>(5, 2, 1); });  // no whole items
    misfits([](two_told& t) { t.sequences = pattern<double>(6, 3, 1); });
    misfits([](two_told& t) { t.lengths = {1}; });
    misfits([](two_told& t) { t.absent = {0}; });

    const auto is_no_value = [](auto change) {
        two_told told;
        change(told);
        CHECK_THROWS_AS(told.require(takes_all), value_error);
    };
    is_no_value([](two_told& t) { t.labels = {0, 5}; });
    is_no_value([](two_told& t) { t.labels = {-1, 0}; });
    is_no_value([](two_told& t) { t.lengths = {4, 0}; });
    is_no_value([](two_told& t) { t.lengths = {0, -1}; });
    is_no_value([](two_told& t) { t.absent = {0, bits(condition_form::vector)}; });  // for which nothing was learned
}

TEST_CASE("a network is not told what it does not take", "[core]") {
    const two_told told;
    const auto refused = [&](condition_shape takes) { CHECK_THROWS_AS(told.require(takes), shape_error); };
    for (isize condition_shape::*size : {&condition_shape::classes, &condition_shape::vector,
                                         &condition_shape::map_channels, &condition_shape::sequence}) {
        condition_shape takes = takes_all;
        takes.*size = 0;
        refused(takes);
    }
    const std::vector<isize> lengths{0, 0};
    CHECK_THROWS_AS(detail::require_condition<double>("here", {}, {.lengths = lengths}, four_pixels, 2), shape_error);
    try {
        detail::require_condition<double>("some network", {}, {.labels = told.labels}, four_pixels, 2);
        FAIL("not refused");
    } catch (const shape_error& error) {
        CHECK(contains(error.what(), "some network"));
        CHECK(contains(error.what(), "labels, of which the network takes none"));
    }
}

TEST_CASE("a form for which the network has learned something may be absent, of all samples or of some", "[core]") {
    condition_shape takes = takes_all;
    takes.learned = bits(condition_form::label) | bits(condition_form::vector) | bits(condition_form::map) |
                    bits(condition_form::sequence);
    CHECK_NOTHROW(detail::require_condition<double>("here", takes, {}, four_pixels, 2));
    two_told told;
    told.absent = {takes.learned, 0};
    CHECK_NOTHROW(told.require(takes));
    told.labels = {};
    CHECK_NOTHROW(told.require(takes));
    told.maps.resize(0, 0);
    CHECK_NOTHROW(told.require(takes));

    // What is told nevertheless must fit.
    told.labels = {1};
    CHECK_THROWS_AS(told.require(takes), shape_error);
    told.labels = {1, 5};
    CHECK_THROWS_AS(told.require(takes), value_error);
    told.labels = {1, 2};
    told.maps = pattern<double>(4, 2, 1);
    CHECK_THROWS_AS(told.require(takes), shape_error);
    told.maps.resize(0, 0);
    told.absent = {16, 0};  // no form
    CHECK_THROWS_AS(told.require(takes), value_error);
}

}  // namespace ddpm::test
