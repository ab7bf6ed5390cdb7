// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/error.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <vector>

namespace ddpm::test {
namespace {

/// A batch of 7s whose columns have gaps of three 9s between them.
template <Scalar S>
struct spaced_batch {
    static constexpr isize gap = 3;
    isize rows, columns;
    std::vector<S> memory;

    spaced_batch(isize d, isize n) : rows(d), columns(n), memory(static_cast<std::size_t>((d + gap) * n), S{9}) {
        view().array() = S{7};
    }

    batch_view<S> view() { return {memory.data(), rows, columns, rows + gap}; }

    bool gaps_are_untouched() const {
        for (isize k = 0; k < static_cast<isize>(memory.size()); ++k) {
            if (k % (rows + gap) >= rows && memory[static_cast<std::size_t>(k)] != S{9}) {
                return false;
            }
        }
        return true;
    }
};

}  // namespace

TEMPLATE_TEST_CASE("batches of layers are copied, added and multiplied, between gaps too", "[nn]", float, double) {
    using S = TestType;
    for (const isize rows : {1, 5, 700}) {
        const batch<S> from = random_batch<S>(rows, 3, 1);
        spaced_batch<S> copied(rows, 3), repeated(rows, 3), added(rows, 3), multiplied(rows, 3);
        nn::detail::copy_columns<S>(from, copied.view());
        CHECK((copied.view().array() == from).all());
        nn::detail::copy_columns<S>(from.leftCols(1).eval(), repeated.view());
        for (isize n = 0; n < 3; ++n) {
            CHECK((repeated.view().array().col(n) == from.col(0)).all());
        }
        nn::detail::add<S>(from, added.view());
        CHECK((added.view().array() == from + S{7}).all());
        nn::detail::multiply<S>(from, S(-0.5), multiplied.view());
        CHECK((multiplied.view().array() == from * S(-0.5)).all());
        nn::detail::multiply<S>(multiplied.view(), S{4});
        CHECK((multiplied.view().array() == from * S{-2}).all());
        // The sources may have gaps as well.
        batch<S> plain(rows, 3);
        nn::detail::copy_columns<S>(copied.view(), plain);
        CHECK((plain == from).all());
        nn::detail::add<S>(copied.view(), plain);
        CHECK((plain == from + from).all());
        nn::detail::multiply<S>(copied.view(), S{2}, plain);
        CHECK((plain == from * S{2}).all());
        for (const auto* to : {&copied, &repeated, &added, &multiplied}) {
            CHECK(to->gaps_are_untouched());
        }
        nn::detail::copy_columns<S>(plain, plain);  // of itself
        CHECK((plain == from * S{2}).all());
    }
}

TEST_CASE("batches of layers that do not fit are neither copied, added nor multiplied", "[nn]") {
    const batch<float> from = random_batch<float>(4, 3, 1);
    const auto refuse = [&](isize rows, isize columns) {
        CAPTURE(rows, columns);
        batch<float> to = batch<float>::Constant(rows, columns, 7.0F);
        CHECK_THROWS_AS(nn::detail::copy_columns<float>(from, to), shape_error);
        CHECK_THROWS_AS(nn::detail::add<float>(from, to), shape_error);
        CHECK_THROWS_AS(nn::detail::multiply<float>(from, 2.0F, to), shape_error);
        CHECK((to == 7.0F).all());
    };
    refuse(4, 2);
    refuse(4, 4);
    refuse(4, 1);
    refuse(3, 3);
    refuse(5, 3);
    refuse(6, 2);  // as many numbers
    // One column is copied to all, and only copied.
    const batch<float> one = random_batch<float>(4, 1, 2);
    batch<float> all(4, 3), high(5, 3);
    CHECK_NOTHROW(nn::detail::copy_columns<float>(one, all));
    CHECK_THROWS_AS(nn::detail::copy_columns<float>(one, high), shape_error);
    CHECK_THROWS_AS(nn::detail::add<float>(one, all), shape_error);
    CHECK_THROWS_AS(nn::detail::multiply<float>(one, 2.0F, all), shape_error);
}

}  // namespace ddpm::test
