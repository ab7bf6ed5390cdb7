// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/learned_null.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <vector>

namespace ddpm::test {
namespace {

constexpr auto null_map = static_cast<condition_forms>(condition_form::map);
constexpr auto null_vector = static_cast<condition_forms>(condition_form::vector);

nn::learned_null<double> null_of_two() {
    nn::learned_null<double> null(2);
    null.value[0] = 5;
    null.value[1] = -7;
    return null;
}

}  // namespace

TEST_CASE("a learned null stands where a form is absent, channel by channel", "[nn]") {
    const nn::learned_null<double> null = null_of_two();
    const batch<double> given = random_batch(6, 4, 1);
    const std::vector<condition_forms> absent{0, null_map, null_vector, null_map | null_vector};
    nn::arena<double> memory;
    const auto shown = null.forward(given, absent, condition_form::map, 6, 4, memory);
    REQUIRE(shown.rows() == 6);
    REQUIRE(shown.columns() == 4);
    for (isize i = 0; i < 6; ++i) {
        const double learned = i % 2 == 0 ? 5 : -7;
        CHECK(shown(i, 0) == given(i, 0));
        CHECK(shown(i, 1) == learned);
        CHECK(shown(i, 2) == given(i, 2));  // what is absent there is another form
        CHECK(shown(i, 3) == learned);
    }

    // Its gradient is that of the places where it stood.
    const batch<double> dshown = random_batch(6, 4, 2);
    nn::learned_null<double> d = nn::zeros_like(null);
    d.value[0] = 100;
    null.backward(given, absent, condition_form::map, dshown, d);
    const auto sum = [&](isize channel) {
        double total = 0;
        for (const isize n : {1, 3}) {
            total += dshown(channel, n) + dshown(channel + 2, n) + dshown(channel + 4, n);
        }
        return total;
    };
    CHECK(std::abs(d.value[0] - 100 - sum(0)) < 1e-12);
    CHECK(std::abs(d.value[1] - sum(1)) < 1e-12);
}

TEST_CASE("a learned null stands for all samples where nothing is told, and for none where all is", "[nn]") {
    const nn::learned_null<double> null = null_of_two();
    const batch<double> given = random_batch(2, 3, 1), dshown = random_batch(2, 3, 2);
    nn::arena<double> memory;
    const auto nothing = null.forward({}, {}, condition_form::vector, 2, 3, memory);
    REQUIRE(nothing.columns() == 3);
    CHECK((nothing.array().row(0) == 5).all());
    CHECK((nothing.array().row(1) == -7).all());
    nn::learned_null<double> d = nn::zeros_like(null);
    null.backward({}, {}, condition_form::vector, dshown, d);
    CHECK(std::abs(d.value[1] - dshown.row(1).sum()) < 1e-12);

    const auto all = null.forward(given, {}, condition_form::vector, 2, 3, memory);
    CHECK(all.data() == given.data());  // not copied
    d = nn::zeros_like(null);
    null.backward(given, {}, condition_form::vector, dshown, d);
    CHECK(d.value[0] == 0);
}

TEST_CASE("a learned null refuses a gradient of another size", "[nn]") {
    const nn::learned_null<double> null = null_of_two();
    const batch<double> dshown = random_batch(2, 3, 1);
    nn::learned_null<double> empty, one(1), d(2);
    CHECK_THROWS_AS(null.backward({}, {}, condition_form::vector, dshown, empty), shape_error);
    CHECK_THROWS_AS(null.backward({}, {}, condition_form::vector, dshown, one), shape_error);
    CHECK_NOTHROW(null.backward({}, {}, condition_form::vector, dshown, d));
}

TEST_CASE("a learned null refuses forms that do not fit", "[nn]") {
    const nn::learned_null<double> null = null_of_two();
    const batch<double> given = random_batch(4, 3, 1), low = random_batch(2, 3, 1), narrow = random_batch(4, 2, 1),
                        odd = random_batch(5, 3, 1);
    const std::vector<condition_forms> three(3, null_vector), two(2, null_vector);
    const auto forward = [&](const batch<double>& told, const std::vector<condition_forms>& absent, isize rows) {
        nn::arena<double> memory;
        static_cast<void>(null.forward(told, absent, condition_form::vector, rows, 3, memory));
    };
    const auto backward = [&](const batch<double>& told, const std::vector<condition_forms>& absent,
                              const batch<double>& dshown) {
        nn::learned_null<double> d(2);
        null.backward(told, absent, condition_form::vector, dshown, d);
    };
    CHECK_NOTHROW(forward(given, three, 4));
    CHECK_THROWS_AS(forward(low, three, 4), shape_error);
    CHECK_THROWS_AS(forward(narrow, three, 4), shape_error);
    CHECK_THROWS_AS(forward(given, two, 4), shape_error);
    CHECK_THROWS_AS(forward(odd, three, 5), shape_error);  // no multiple of the size
    CHECK_THROWS_AS(forward({}, {}, 5), shape_error);
    CHECK_NOTHROW(backward(given, three, given));
    CHECK_THROWS_AS(backward(low, three, given), shape_error);
    CHECK_THROWS_AS(backward(narrow, three, given), shape_error);
    CHECK_THROWS_AS(backward(given, two, given), shape_error);
    CHECK_THROWS_AS(backward(odd, three, odd), shape_error);
    CHECK_THROWS_AS(backward({}, {}, odd), shape_error);
    // One that learns nothing hands on what is given, if it has the form's shape.
    nn::arena<double> memory;
    CHECK_THROWS_AS(nn::learned_null<double>().forward(low, {}, condition_form::vector, 4, 3, memory), shape_error);
}

TEST_CASE("without a size there is nothing to learn, and it starts at zero", "[nn]") {
    const nn::learned_null<float> none, two(2);
    CHECK_FALSE(none.learns());
    CHECK(two.learns());
    CHECK(nn::parameter_count(none) == 0);
    REQUIRE(nn::parameters(two).size() == 1);
    CHECK(nn::parameters(two)[0].name == "value");
    CHECK(two.value[0] == 0);
    CHECK(two.value[1] == 0);
    nn::arena<float> memory;
    const batch<float> given = random_batch<float>(2, 3, 1);
    CHECK(none.forward(given, {}, condition_form::map, 2, 3, memory).data() == given.data());

    using nn::detail::learned_forms;
    static_assert(learned_forms(true, 0, 0) == 0 && learned_forms(false, 3, 1) == 0);
    static_assert(learned_forms(true, 3, 0) == null_vector);
    static_assert(learned_forms(true, 0, 1) == null_map);
    static_assert(learned_forms(true, 3, 1) == (null_vector | null_map));
}

}  // namespace ddpm::test
