// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/batch_view.hpp>

#include "support/catch.hpp"

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::test {

template <class X, class T>
inline constexpr bool views = std::is_constructible_v<batch_view<T>, X>;

template <class S>
batch<S> counting(isize rows, isize columns) {
    batch<S> x(rows, columns);
    for (isize i = 0; i < x.size(); ++i) {
        x.data()[i] = static_cast<S>(i);
    }
    return x;
}

TEMPLATE_TEST_CASE("a view has the memory, size and stride of what it views", "[core]", float, double) {
    using S = TestType;
    batch<S> x = counting<S>(4, 5);

    SECTION("a whole array") {
        const batch_view<S> v = x;
        CHECK(v.data() == x.data());
        CHECK(v.rows() == 4);
        CHECK(v.columns() == 5);
        CHECK(v.stride() == 4);
        CHECK(v.size() == 20);
        CHECK(v.contiguous());
        CHECK(v(3, 2) == x(3, 2));
        CHECK(v.column(2) == &x(0, 2));
    }
    SECTION("a block") {
        const batch_view<S> v = x.block(1, 2, 2, 3);
        CHECK(v.data() == &x(1, 2));
        CHECK(v.rows() == 2);
        CHECK(v.columns() == 3);
        CHECK(v.stride() == 4);
        CHECK_FALSE(v.contiguous());
        CHECK(v(1, 2) == x(2, 4));
    }
    SECTION("one sample of a batch") {
        const batch_view<const S> v = std::as_const(x).col(3);
        CHECK(v.rows() == 4);
        CHECK(v.columns() == 1);
        CHECK(v.contiguous());
        CHECK(v(2, 0) == x(2, 3));
    }
    SECTION("a row: one element per sample, the stride of the batch apart") {
        const batch_view<S> v = x.row(1);
        CHECK(v.rows() == 1);
        CHECK(v.columns() == 5);
        CHECK(v.stride() == 4);
        CHECK(v(0, 4) == x(1, 4));
    }
    SECTION("a vector is one sample, a row vector one element per sample") {
        Eigen::Array<S, Eigen::Dynamic, 1> column(3);
        column << 1, 2, 3;
        const batch_view<S> sample = column;
        CHECK(sample.rows() == 3);
        CHECK(sample.columns() == 1);
        Eigen::Array<S, 1, Eigen::Dynamic> row(3);
        row << 1, 2, 3;
        const batch_view<S> elements = row;
        CHECK(elements.rows() == 1);
        CHECK(elements.columns() == 3);
        CHECK(elements.stride() == 1);
        CHECK(elements(0, 2) == 3);
    }
    SECTION("a matrix, a map and a map with a stride") {
        Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic> m = x.matrix();
        CHECK(batch_view<S>(m)(3, 4) == x(3, 4));
        Eigen::Map<batch<S>> map(x.data(), 10, 2);
        CHECK(batch_view<S>(map)(9, 1) == 19);
        Eigen::Map<batch<S>, 0, Eigen::OuterStride<>> strided(x.data(), 2, 3, Eigen::OuterStride<>(7));
        CHECK(batch_view<S>(strided).stride() == 7);
        CHECK(batch_view<S>(strided)(1, 2) == 15);
    }
    SECTION("plain memory") {
        const batch_view<const S> v(x.data(), 2, 3, 5);
        CHECK(v(1, 2) == 11);
        CHECK(batch_view<S>(x.data(), 5, 4).stride() == 5);
    }
    SECTION("nothing") {
        const batch_view<S> v;
        CHECK(v.size() == 0);
        CHECK(v.contiguous());
        CHECK(batch_view<S>(nullptr, 0, 0).size() == 0);
        batch<S> no_samples(4, 0);
        CHECK(batch_view<S>(no_samples).columns() == 0);
    }
}

TEMPLATE_TEST_CASE("writing through a view writes the memory", "[core]", float, double) {
    using S = TestType;
    batch<S> x = counting<S>(4, 5);
    const batch_view<S> v = x.block(1, 1, 2, 2);
    v(1, 1) = S(-1);
    v.column(0)[0] = S(-2);
    CHECK(x(2, 2) == -1);
    CHECK(x(1, 1) == -2);
    v.array() += S(100);
    CHECK(x(2, 2) == 99);
    CHECK(x(0, 0) == 0);
    CHECK(x(3, 1) == 7);
    const batch_view<const S> reads = v;
    CHECK(reads.data() == v.data());
    CHECK((reads.array() == x.block(1, 1, 2, 2)).all());
}

TEMPLATE_TEST_CASE("parts of a view are views of the same memory", "[core]", float, double) {
    using S = TestType;
    batch<S> x = counting<S>(4, 5);
    const batch_view<S> v = x;
    const batch_view<S> samples = v.middle(1, 3);
    CHECK(samples.columns() == 3);
    CHECK(samples.data() == &x(0, 1));
    CHECK(samples(3, 2) == x(3, 3));
    const batch_view<S> rows = v.middle_rows(1, 2);
    CHECK(rows.rows() == 2);
    CHECK(rows.stride() == 4);
    CHECK(rows(1, 4) == x(2, 4));
    CHECK_FALSE(rows.contiguous());
    CHECK(v.middle(5, 0).columns() == 0);
    CHECK(v.middle_rows(4, 0).rows() == 0);
}

TEMPLATE_TEST_CASE("only memory with contiguous columns and the right constness is viewed", "[core]", float, double) {
    using S = TestType;
    using other = std::conditional_t<std::is_same_v<S, float>, double, float>;
    using row_major = Eigen::Array<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using spaced = Eigen::Map<batch<S>, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
    using expression = decltype(std::declval<batch<S>&>() + std::declval<batch<S>&>());

    STATIC_REQUIRE(views<batch<S>&, S>);
    STATIC_REQUIRE(views<const batch<S>&, const S>);
    STATIC_REQUIRE(views<batch_view<S>, const S>);
    STATIC_REQUIRE(std::convertible_to<batch<S>&, batch_view<S>>);
    STATIC_REQUIRE(std::convertible_to<const batch<S>&, batch_view<const S>>);

    STATIC_REQUIRE(!views<const batch<S>&, S>);
    STATIC_REQUIRE(!views<batch_view<const S>, S>);
    STATIC_REQUIRE(!views<const Eigen::Map<const batch<S>>&, S>);
    STATIC_REQUIRE(!views<batch<other>&, S>);
    STATIC_REQUIRE(!views<const batch<other>&, const S>);
    STATIC_REQUIRE(!views<row_major&, S>);
    STATIC_REQUIRE(!views<const row_major&, const S>);
    STATIC_REQUIRE(!views<spaced&, S>);
    STATIC_REQUIRE(!views<expression, const S>);
    STATIC_REQUIRE(!views<std::vector<S>&, S>);
}

TEMPLATE_TEST_CASE("sizes that cannot be are a shape_error", "[core]", float, double) {
    TestType x[12] = {};
    using view = batch_view<TestType>;
    CHECK_THROWS_AS(view(x, -1, 2), shape_error);
    CHECK_THROWS_AS(view(x, 2, -1), shape_error);
    CHECK_THROWS_AS(view(x, 4, 2, 3), shape_error);
    CHECK_THROWS_AS(view(x, 4, 2, -4), shape_error);
    constexpr isize huge = isize{1} << 62;
    CHECK_THROWS_AS(view(x, huge + 1, 4), shape_error);
    CHECK_THROWS_AS(view(x, 1, 4, huge), shape_error);
    CHECK_NOTHROW(view(x, huge, 1));
    CHECK_NOTHROW(view(x, 4, 1, 0));
    CHECK_NOTHROW(view(x, 4, 3, 4));
}

TEMPLATE_TEST_CASE("readable memory: a view where there is one, else one copy", "[core]", float, double) {
    using S = TestType;
    const batch<S> x = counting<S>(4, 5);

    const detail::readable<batch<S>> of_array(x);
    CHECK(of_array.view().data() == x.data());

    const batch_view<const S> v = x;
    const detail::readable<batch_view<const S>> of_view(v);
    CHECK(of_view.view().data() == x.data());

    const auto sum = x + x;
    const detail::readable<std::remove_const_t<decltype(sum)>> of_expression(sum);
    CHECK(of_expression.view()(3, 4) == 38);

    const Eigen::Array<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = x;
    const detail::readable<std::remove_const_t<decltype(rows)>> of_rows(rows);
    CHECK(of_rows.view().data() != rows.data());
    CHECK((of_rows.view().array() == x).all());

    STATIC_REQUIRE(std::is_same_v<scalar_of<batch<S>>, S>);
    STATIC_REQUIRE(std::is_same_v<scalar_of<batch_view<const S>>, S>);
}

TEST_CASE("a batch is an Eigen expression of float or double, or a view", "[core]") {
    STATIC_REQUIRE(BatchLike<batch<float>>);
    STATIC_REQUIRE(BatchLike<Eigen::MatrixXd&>);
    STATIC_REQUIRE(BatchLike<batch_view<const double>>);
    STATIC_REQUIRE(!BatchLike<Eigen::ArrayXXi>);
    STATIC_REQUIRE(!BatchLike<Eigen::ArrayXXcd>);
    STATIC_REQUIRE(!BatchLike<std::vector<float>>);
    STATIC_REQUIRE(!BatchLike<float>);
}

TEST_CASE("two shapes that differ are a shape_error that names both", "[core]") {
    batch<float> a(2, 3), b(2, 4), c(3, 3);
    const batch_view<float> va = a, vb = b, vc = c;
    CHECK_NOTHROW(detail::require_same_shape("f", "x", va, batch_view<const float>(va)));
    CHECK_THROWS_AS(detail::require_same_shape("f", "x", va, vc), shape_error);
    try {
        detail::require_same_shape("q_sample", "eps", va, vb);
        FAIL("no error");
    } catch (const shape_error& e) {
        CHECK(std::string(e.what()) == "q_sample: eps; expected 2 x 3, got 2 x 4");
    }
}

}  // namespace ddpm::test
