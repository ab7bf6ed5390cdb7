// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/random/torch_noise.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace ddpm::test {

// The concept, both ways.
static_assert(NoiseSource<philox_noise> && NoiseSource<philox_noise, double> && NoiseSource<const philox_noise>);
static_assert(NoiseSource<torch_noise> && NoiseSource<torch_noise, double>);
static_assert(!NoiseSource<const torch_noise>);  // it draws on
static_assert(!NoiseSource<torch_generator> && !NoiseSource<int> && !NoiseSource<philox_noise, int>);
struct float_source {
    void normal(batch_view<float>, isize, isize) {}
};
static_assert(NoiseSource<float_source> && !NoiseSource<float_source, double>);
struct no_address {
    void normal(batch_view<float>) {}
};
static_assert(!NoiseSource<no_address>);

namespace {

constexpr std::uint64_t seed = 0x0123456789abcdef;

std::uint64_t fnv1a(const std::vector<float>& values) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const float x : values) {
        hash = (hash ^ std::bit_cast<std::uint32_t>(x)) * 0x100000001b3u;
    }
    return hash;
}

std::vector<float> draw(const philox_noise& noise, isize rows, isize columns, isize step = 0, isize first_sample = 0) {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    noise.normal(batch_view<float>(values.data(), rows, columns), step, first_sample);
    return values;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2); }

/// Sums of powers of standardized draws, and their distance from the normal's moments in standard errors.
struct moments {
    double count = 0, sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0;

    void add(double x) { count += 1, sum1 += x, sum2 += x * x, sum3 += x * x * x, sum4 += x * x * x * x; }

    void check() const {  // variances of x, x², x³ and x⁴: 1, 2, 15 and 96
        CHECK(std::abs(sum1) <= 5 * std::sqrt(count));
        CHECK(std::abs(sum2 - count) <= 5 * std::sqrt(2 * count));
        CHECK(std::abs(sum3) <= 5 * std::sqrt(15 * count));
        CHECK(std::abs(sum4 - 3 * count) <= 5 * std::sqrt(96 * count));
    }
};

}  // namespace

TEST_CASE("noise keeps its bits", "[random]") {
    const philox_noise noise(seed, noise_stream::sampler);
    const std::vector<float> values = draw(noise, 1 << 20, 1, 3, 5);
    CHECK(fnv1a(values) == 0x1d6d976f044802c0u);
    CHECK(fnv1a(draw(philox_noise(0, static_cast<noise_stream>(6)), 1000, 1100)) == 0x5b0218ef6a049e24u);
    CHECK(noise.bits(5, 3, 0) == 0x00b80446u);
    CHECK(noise.bits(5, 3, 17) == 0x36af6caeu);
    const std::vector<float> first = draw(philox_noise(0, noise_stream::sampler), 70, 1);
    CHECK(first[0] == 0.737925828f);  // the first words of Random123's first known answer
    CHECK(first[1] == -1.73358822f);
    CHECK(first[16] == -0.688433588f);
    CHECK(first[32] == -1.28601885f);
    CHECK(first[48] == -1.00378942f);
    CHECK(first[63] == 0.119667448f);
    CHECK(first[64] == -1.08987582f);
}

TEST_CASE("streams keep their numbers", "[random]") {
    CHECK(static_cast<std::uint32_t>(noise_stream::sampler) == 0);
    CHECK(static_cast<std::uint32_t>(noise_stream::training) == 1);
    CHECK(static_cast<std::uint32_t>(noise_stream::timestep) == 2);
    CHECK(static_cast<std::uint32_t>(noise_stream::order) == 3);
    CHECK(static_cast<std::uint32_t>(noise_stream::weights) == 4);
    CHECK(static_cast<std::uint32_t>(noise_stream::dropout) == 5);
    CHECK(first_user_stream == 65536);
    const philox_noise mine(seed, static_cast<noise_stream>(first_user_stream + 1));
    CHECK(mine.seed() == seed);
    CHECK(static_cast<std::uint32_t>(mine.stream()) == 65537);
}

TEST_CASE("the words of an address are where the layout puts them", "[random]") {
    const philox_noise noise(seed, noise_stream::order);
    const std::array<std::uint32_t, 2> key{0x89abcdefu, 0x01234567u};
    for (const isize e : {0, 1, 15, 16, 31, 32, 47, 48, 63, 64, 100, 200000}) {
        const auto block = static_cast<std::uint32_t>(e / 64 * 16 + e % 16);
        CHECK(noise.bits(12, 34, e) == philox4x32({block, 34, 12, 3}, key)[static_cast<std::size_t>(e / 16 % 4)]);
    }
    const isize last = (isize{1} << 34) - 1;
    CHECK(noise.bits(0xffffffff, 0xffffffff, last) == philox4x32({0xffffffffu, 0xffffffffu, 0xffffffffu, 3}, key)[3]);
}

TEST_CASE("noise does not depend on how a batch is split", "[random]") {
    const philox_noise noise(seed, noise_stream::sampler);
    const isize rows = GENERATE(1, 7, 16, 64, 100, 129);
    const isize columns = 23;
    const std::vector<float> whole = draw(noise, rows, columns, 9, 1000);
    for (const isize size : {1, 2, 5, 22}) {
        std::vector<float> parts;
        for (isize n = 0; n < columns; n += size) {
            const std::vector<float> part = draw(noise, rows, std::min(size, columns - n), 9, 1000 + n);
            parts.insert(parts.end(), part.begin(), part.end());
        }
        CHECK(parts == whole);
    }
}

TEST_CASE("a shorter sample is the beginning of a longer one", "[random]") {
    const philox_noise noise(seed, noise_stream::training);
    const std::vector<float> longest = draw(noise, 70000, 1, 1, 2);
    for (const isize rows :
         {0, 1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 1000, 16383, 16384, 16385, 32768, 69999}) {
        const std::vector<float> shorter = draw(noise, rows, 1, 1, 2);
        CHECK(std::equal(shorter.begin(), shorter.end(), longest.begin()));
    }
}

TEST_CASE("noise does not depend on the thread count", "[random]") {
    const philox_noise noise(seed, noise_stream::training);
    for (const auto& [rows, columns] :
         {std::array<isize, 2>{100000, 3}, std::array<isize, 2>{64, 3000}, std::array<isize, 2>{3, 20000}}) {
        set_thread_count(1);
        const std::vector<float> one = draw(noise, rows, columns, 4);
        for (const isize threads : {2, 3, 7, 16}) {
            set_thread_count(threads);
            CHECK(draw(noise, rows, columns, 4) == one);
        }
    }
    set_thread_count(0);
}

TEST_CASE("noise in double is the widened float noise", "[random]") {
    const philox_noise noise(seed, noise_stream::sampler);
    for (const isize rows : {1, 64, 100, 20000}) {
        batch<float> narrow(rows, 3);
        batch<double> wide(rows, 3);
        noise.normal<float>(narrow, 7, 8);
        noise.normal<double>(wide, 7, 8);
        CHECK((narrow.cast<double>() == wide).all());
    }
}

TEST_CASE("noise fills a view with a stride and nothing beside it", "[random]") {
    const philox_noise noise(seed, noise_stream::sampler);
    batch<float> wide = batch<float>::Constant(80, 5, 42.0f);
    noise.normal(batch_view<float>(wide).middle_rows(3, 70), 1, 0);
    batch<float> dense(70, 5);
    noise.normal<float>(dense, 1, 0);
    CHECK((wide.middleRows(3, 70) == dense).all());
    CHECK((wide.topRows(3) == 42.0f).all());
    CHECK((wide.bottomRows(7) == 42.0f).all());
}

TEST_CASE("every part of an address changes the noise", "[random]") {
    const std::vector<float> base = draw(philox_noise(1, noise_stream::sampler), 200, 1, 1, 1);
    for (const std::vector<float>& other :
         {draw(philox_noise(2, noise_stream::sampler), 200, 1, 1, 1),
          draw(philox_noise(1 + (std::uint64_t{1} << 32), noise_stream::sampler), 200, 1, 1, 1),
          draw(philox_noise(1, noise_stream::training), 200, 1, 1, 1),
          draw(philox_noise(1, noise_stream::sampler), 200, 1, 2, 1),
          draw(philox_noise(1, noise_stream::sampler), 200, 1, 1, 2)}) {
        int equal = 0;
        for (std::size_t i = 0; i < base.size(); ++i) {
            equal += base[i] == other[i] ? 1 : 0;
        }
        CHECK(equal <= 1);
    }
}

TEST_CASE("integers below a bound are the high half of the product", "[random]") {
    const philox_noise noise(seed, noise_stream::timestep);
    std::array<int, 10> counts{};
    bool high_half = true;
    for (isize n = 0; n < 100000; ++n) {
        const isize got = noise.below(10, n, 2, 3);
        high_half = high_half && got == static_cast<isize>((std::uint64_t{noise.bits(n, 2, 3)} * 10) >> 32);
        ++counts[static_cast<std::size_t>(got)];
    }
    CHECK(high_half);
    double chi_square = 0;
    for (const int count : counts) {
        chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
    }
    CHECK(chi_square <= 45.1);  // nine degrees of freedom: exceeded with probability 9e-7
    CHECK(noise.below(1, 5, 6) == 0);
    CHECK(noise.below(isize{1} << 32, 5, 6) == static_cast<isize>(noise.bits(5, 6, 0)));
}

TEST_CASE("noise refuses addresses out of range", "[random]") {
    const philox_noise noise(seed, noise_stream::sampler);
    const isize words = isize{1} << 32;
    float x[4] = {};
    const batch_view<float> out(x, 1, 4);
    CHECK_THROWS_AS(noise.normal(out, -1, 0), value_error);
    CHECK_THROWS_AS(noise.normal(out, words, 0), value_error);
    CHECK_THROWS_AS(noise.normal(out, 0, -1), value_error);
    CHECK_THROWS_AS(noise.normal(out, 0, words), value_error);
    CHECK_THROWS_AS(noise.normal(out, 0, words - 3), value_error);
    CHECK_NOTHROW(noise.normal(out, words - 1, words - 4));
    CHECK_THROWS_AS(noise.normal(batch_view<float>(x, 4 * words + 1, 0), 0, 0), shape_error);
    CHECK_NOTHROW(noise.normal(batch_view<float>(x, 4 * words, 0), 0, 0));
    CHECK_THROWS_AS(noise.bits(-1, 0, 0), value_error);
    CHECK_THROWS_AS(noise.bits(words, 0, 0), value_error);
    CHECK_THROWS_AS(noise.bits(0, -1, 0), value_error);
    CHECK_THROWS_AS(noise.bits(0, words, 0), value_error);
    CHECK_THROWS_AS(noise.bits(0, 0, -1), value_error);
    CHECK_THROWS_AS(noise.bits(0, 0, 4 * words), value_error);
    CHECK_THROWS_AS(noise.below(0, 0, 0), value_error);
    CHECK_THROWS_AS(noise.below(words + 1, 0, 0), value_error);
    CHECK_THROWS_AS(noise.below(5, -1, 0), value_error);
    CHECK_THROWS_AS(noise.below(5, 0, -1), value_error);
    CHECK_THROWS_AS(noise.below(5, 0, 0, -1), value_error);
}

// The statistics below are those of one fixed seed, so that they pass or fail for good. Each single check has a
// false-alarm rate below 1e-6 (five standard errors, or the stated quantile).

TEST_CASE("a million normals have the normal's moments and distribution", "[random]") {
    std::vector<float> values = draw(philox_noise(2026, noise_stream::sampler), 1000, 1000);
    moments all;
    for (const float x : values) {
        all.add(x);
    }
    all.check();
    std::sort(values.begin(), values.end());
    const double n = static_cast<double>(values.size());
    double distance = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double cdf = normal_cdf(values[i]), below = static_cast<double>(i) / n;
        distance = std::max({distance, cdf - below, below + 1 / n - cdf});
    }
    CHECK(distance * std::sqrt(n) <= 2.7);  // Kolmogorov–Smirnov: exceeded with probability 9e-7
}

}  // namespace ddpm::test
