// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/random/torch_noise.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::test {

namespace {

template <Scalar S>
batch<S> draw(torch_noise& noise, isize rows, isize columns) {
    batch<S> out(rows, columns);
    noise.normal<S>(out, 5, 6);
    return out;
}

}  // namespace

TEST_CASE("torch noise turns torch's channel planes to interleaved channels", "[random]") {
    torch_noise floats(7, sample_shape(2, 2, 3)), doubles(7, sample_shape(2, 2, 3));
    const batch<float> x = draw<float>(floats, 12, 2);
    const batch<double> y = draw<double>(doubles, 12, 1);
    // torch_golden.py: randn(2, 3, 2, 2) float and randn(1, 3, 2, 2) double, seed 7
    const std::vector<double> nchw{
        -0.8201345205307007,  0.39563116431236267, 0.8989084959030151,  -1.3884038925170898, -0.16699601709842682,
        0.2851499617099762,   -0.641091525554657,  -0.8936554193496704, -0.8489086031913757, -1.2169294357299805,
        -0.08102158457040787, 1.3614851236343384,  -1.3032166957855225, 0.08747837692499161, -1.3849613666534424,
        0.5035638809204102,   -0.866701602935791,  -0.5640066862106323, -2.056462526321411,  -0.35672253370285034,
        1.0955804586410522,   0.48235416412353516, 1.3989183902740479,  1.4058529138565063};
    const std::vector<double> nchw_double{-0.1467950974849952, 0.7861412987235358,  0.9468216090039564,
                                          -1.1143440212610307, 1.6907901257942333,  -0.8948278791726386,
                                          -0.3556250270062136, 1.2323857451651945,  0.13817266368739245,
                                          -1.6821984860536687, 0.31767831539796804, 0.13280696453151092};
    for (isize n = 0; n < 2; ++n) {
        for (isize place = 0; place < 4; ++place) {  // row by row
            for (isize c = 0; c < 3; ++c) {
                const auto at = static_cast<std::size_t>((n * 3 + c) * 4 + place);
                CHECK(std::abs(static_cast<double>(x(place * 3 + c, n)) - nchw[at]) <=
                      4e-7 * std::max(1.0, std::abs(nchw[at])));
                if (n == 0) {
                    CHECK(std::abs(y(place * 3 + c, n) - nchw_double[at]) <= 1e-14);
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("torch noise of vectors and of one channel is torch's order itself", "[random]", float, double) {
    using S = TestType;
    std::vector<S> plain(60);
    torch_generator(11).randn(std::span<S>(plain));
    torch_noise vectors(11), sized(11, 20), images(11, sample_shape(4, 5, 1));
    for (torch_noise* const noise : {&vectors, &sized, &images}) {
        const batch<S> x = draw<S>(*noise, 20, 3);
        CHECK(std::equal(plain.begin(), plain.end(), x.data()));
    }
}

TEST_CASE("torch noise draws on from call to call, and with its generator", "[random]") {
    torch_generator generator(3);
    std::vector<float> first(32), second(32), word(1);
    generator.randn(std::span<float>(first));
    generator.rand(std::span<float>(word));
    generator.randn(std::span<float>(second));

    torch_noise noise(torch_generator(3), 16);
    CHECK(noise.shape() == sample_shape(16));
    const batch<float> a = draw<float>(noise, 16, 2);
    std::vector<float> between(1);
    noise.generator().rand(std::span<float>(between));
    const batch<float> b = draw<float>(noise, 16, 2);
    CHECK(std::equal(first.begin(), first.end(), a.data()));
    CHECK(between == word);
    CHECK(std::equal(second.begin(), second.end(), b.data()));
}

TEST_CASE("torch noise fills a view with a stride and nothing beside it", "[random]") {
    torch_noise dense_noise(5), strided_noise(5);
    const batch<float> dense = draw<float>(dense_noise, 9, 4);
    batch<float> wide = batch<float>::Constant(12, 4, 42.0f);
    strided_noise.normal(batch_view<float>(wide).middle_rows(1, 9));
    CHECK((wide.middleRows(1, 9) == dense).all());
    CHECK((wide.topRows(1) == 42.0f).all());
    CHECK((wide.bottomRows(2) == 42.0f).all());
}

TEST_CASE("torch noise refuses shapes that do not fit", "[random]") {
    CHECK_THROWS_AS(torch_noise(0, sample_shape(-1)), shape_error);
    CHECK_THROWS_AS(torch_noise(0, sample_shape(4, 4, -3)), shape_error);
    torch_noise noise(0, sample_shape(2, 2, 3));
    batch<float> x(11, 2);
    CHECK_THROWS_AS(noise.normal<float>(x), shape_error);
}

}  // namespace ddpm::test
