// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/random/torch_generator.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

// The numbers are PyTorch's: torch_golden.py prints them.

namespace ddpm::test {

namespace {

template <Scalar S>
std::vector<S> randn(torch_generator& generator, std::size_t count) {
    std::vector<S> values(count);
    generator.randn(std::span<S>(values));
    return values;
}

template <Scalar S>
std::vector<S> rand(torch_generator generator, std::size_t count) {
    std::vector<S> values(count);
    generator.rand(std::span<S>(values));
    return values;
}

template <Scalar S>
std::vector<S> uniform(torch_generator generator, std::size_t count, S a, S b) {
    std::vector<S> values(count);
    generator.uniform(std::span<S>(values), a, b);
    return values;
}

std::vector<std::int64_t> randint(torch_generator generator, std::int64_t low, std::int64_t high, std::size_t count) {
    std::vector<std::int64_t> values(count);
    generator.randint(low, high, values);
    return values;
}

/// Whether `got` begins with `want`.
template <class S>
bool begins(const std::vector<S>& got, const std::vector<double>& want, double tolerance) {
    bool equal = got.size() >= want.size();
    for (std::size_t i = 0; equal && i < want.size(); ++i) {
        equal = std::abs(static_cast<double>(got[i]) - want[i]) <= tolerance * std::max(1.0, std::abs(want[i]));
    }
    return equal;
}

using integers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("the torch generator gives torch's words", "[random]") {
    torch_generator zero(0), answer(42), high(42 + (std::uint64_t{5} << 32));
    for (const std::uint32_t word : {2357136044u, 2546248239u, 3071714933u, 3626093760u}) {
        CHECK(zero.next() == word);
    }
    for (const std::uint32_t word : {1608637542u, 3421126067u, 4083286876u, 787846414u}) {
        CHECK(answer.next() == word);
        CHECK(high.next() == word);  // the upper half of a seed is ignored
    }
    torch_generator again(0);
    CHECK(again.next64() == ((std::uint64_t{2357136044u} << 32) | 2546248239u));
}

TEST_CASE("torch uniforms are torch's bits", "[random]") {
    CHECK(rand<float>(torch_generator(0), 4) == std::vector{0.49625659f, 0.768221796f, 0.0884774327f, 0.132030487f});
    CHECK(rand<double>(torch_generator(0), 2) == std::vector{0.97005300180655307, 0.70781986439978795});
    CHECK(rand<float>(torch_generator(7), 3) ==
          std::vector{0.5349225401878357f, 0.19880318641662598f, 0.6592116951942444f});
    CHECK(rand<double>(torch_generator(7), 3) ==
          std::vector{0.279380429906404, 0.27369371365176565, 0.8620929614176255});
    CHECK(uniform(torch_generator(7), 4, -0.333f, 0.7f) ==
          std::vector{0.219574972987175f, -0.12763631343841553f, 0.34796565771102905f, 0.34556764364242554f});
    CHECK(uniform(torch_generator(7), 4, -0.333, 0.7) ==
          std::vector{-0.044400015906684714, -0.05027439379772613, 0.557542029144407, 0.3453591487976119});
}

TEST_CASE("torch integers are torch's", "[random]") {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                           most = std::numeric_limits<std::int64_t>::max();
    CHECK(randint(torch_generator(0), 0, 1000, 5) == integers{44, 239, 933, 760, 963});
    CHECK(randint(torch_generator(0), -1000, 0, 5) ==
          integers{44 - 1000, 239 - 1000, 933 - 1000, 760 - 1000, 963 - 1000});
    CHECK(randint(torch_generator(7), 0, (1 << 28) - 1, 3) == integers{59306160, 171107527, 128500261});
    CHECK(randint(torch_generator(7), 0, 1 << 28, 3) == integers{171107524, 27798006, 174903507});
    CHECK(randint(torch_generator(7), least, most, 3) ==
          integers{-7815732517915138876, 5163590386780219894, -1136149262272507693});
}

TEST_CASE("torch permutations are torch's", "[random]") {
    CHECK(torch_generator(0).randperm(10) == integers{4, 1, 7, 5, 3, 9, 0, 8, 6, 2});
    CHECK(torch_generator(7).randperm(16) == integers{15, 8, 0, 7, 11, 2, 13, 12, 3, 1, 14, 9, 4, 6, 10, 5});
    CHECK(torch_generator(0).randperm(0).empty());
    CHECK(torch_generator(0).randperm(1) == integers{0});
    torch_generator counted(0);
    static_cast<void>(counted.randperm(3));
    CHECK(counted.next() == 3071714933u);  // the last place is not drawn
}

TEST_CASE("sixteen and more float normals are torch's, its redrawn tail included", "[random]") {
    const auto check = [](std::uint64_t seed, std::size_t count, const std::vector<double>& want) {
        torch_generator generator(seed);
        const std::vector<float> got = randn<float>(generator, count);
        CHECK(got.size() == want.size());
        CHECK(begins(got, want, 4e-7));
    };
    check(0, 16,
          {-1.12583983, -1.1523602, -0.250578582, -0.433878809, 0.848710358, 0.692009151, -0.31601277, -2.11521935,
           0.322274923, -1.26333475, 0.349983186, 0.30813393, 0.119841509, 1.2376579, 1.11677718, -0.247278154});
    check(0, 17,
          {-1.12583983, -1.6959312, 0.566650629, 0.793508351, 0.598839462, -1.55509508, -0.34136039, 1.85300612,
           0.468096405, -0.585497558, -0.173396751, 0.183477938, 1.38936615, 1.58633423, 0.946298361, -0.843676746,
           0.931826591});
    check(0, 20, {-1.12583983, -1.1523602,   -0.250578582, -0.433878809, 0.598839462, -1.55509508, -0.34136039,
                  1.85300612,  0.468096405,  -0.157712445, 1.44366014,   0.266049415, 1.38936615,  1.58633423,
                  0.946298361, -0.843676746, 0.931826591,  1.25900924,   2.00498056,  0.0537369028});
    check(42, 16,
          {1.92691529, 1.48728406, 0.900717199, -2.10552096, 0.678418458, -1.23454487, -0.0430674776, -1.60466695,
           -0.752135277, 1.64872301, -0.392478645, -1.40360713, -0.727881312, -0.559430182, -0.768838882, 0.76244539});
    check(1, 16,
          {-1.5255959, -0.750231802, -0.653980911, -1.60948479, -0.100167178, -0.609188914, -0.97977227, -1.60909629,
           -0.712144613, 0.303721994, -0.777314305, -0.251455247, -0.222270489, 1.6871134, 0.228425175, 0.467635512});
}

// Published values of torch.randn, which a build without AVX2 made.
TEST_CASE("the scalar build's float normals are those of torch without AVX2", "[random]") {
    const auto check = [](std::uint64_t seed, const std::vector<double>& want) {
        torch_generator generator(seed, torch_build::scalar);
        CHECK(begins(randn<float>(generator, want.size()), want, 4e-7));
    };
    check(0, {-1.1258398, -1.1523602, -0.2505786, -0.4338789, 0.8487103, 0.6920092, -0.3160128, -2.1152196, 0.3222749,
              -1.2633348, 0.3499832, 0.3081339, 0.1198415, 1.2376579, 1.1167772, -0.2472776});
    check(0, {-1.1258398, -1.6959313, 0.5666506, 0.7935084, 0.5988395, -1.5550951, -0.3413603, 1.8530062, 0.4680964,
              -0.5854971, -0.1733970, 0.1834779, 1.3893663, 1.5863343, 0.9462984, -0.8436768, 0.9318267});
    check(0, {-1.1258398, -1.1523602, -0.2505786, -0.4338789, 0.5988395, -1.5550951, -0.3413603,
              1.8530062,  0.4680964,  -0.1577124, 1.4436601,  0.2660494, 1.3893663,  1.5863343,
              0.9462984,  -0.8436768, 0.9318267,  1.2590092,  2.0049806, 0.0537369});
    check(42, {1.9269150, 1.4872842, 0.9007172, -2.1055212, 0.6784185, -1.2345450, -0.0430675, -1.6046669, -0.7521362,
               1.6487228, -0.3924786, -1.4036067, -0.7278813, -0.5594299, -0.7688389, 0.7624454});
    check(1, {-1.5255959, -0.7502318, -0.6539809, -1.6094848, -0.1001672, -0.6091889, -0.9797723, -1.6090963,
              -0.7121447, 0.3037220, -0.7773142, -0.2514549, -0.2222705, 1.6871134, 0.2284252, 0.4676355});
}

TEST_CASE("fewer than sixteen normals are drawn in double, in pairs", "[random]") {
    torch_generator zero(0);
    CHECK(begins(randn<float>(zero, 5), {1.5409961, -0.2934289, -2.1787894, 0.5684313, -1.0845224}, 4e-7));
    torch_generator seven(7);
    CHECK(begins(randn<double>(seven, 5),
                 {-0.1467950974849952, 0.7861412987235358, 0.9468216090039564, -1.1143440212610307, 1.6907901257942333},
                 1e-14));
}

TEST_CASE("double normals are torch's", "[random]") {
    torch_generator zero(0);
    CHECK(begins(randn<double>(zero, 16),
                 {-2.310411800234176, -0.373250861257764, -1.060816678546286, 0.999509354781176}, 1e-14));
    torch_generator seven(7);
    CHECK(begins(randn<double>(seven, 17),
                 {0.06626753966449943, -0.29104147095938915, 0.45801695358702993, 1.6932749764073567, 1.457454937932726,
                  1.932214860010293, -1.4418139927522924, 0.7277603478716976, -1.3131496578292892, -2.42925190670235,
                  -0.15213162349367035, -2.6909171061771864, 1.7421050311620636, -0.523961020712386,
                  -0.28387899021947915, 0.45257550210102954, -1.6677291342328766},
                 1e-14));
}

TEST_CASE("half of a pair waits in the torch generator", "[random]") {
    torch_generator zero(0);
    CHECK(begins(randn<float>(zero, 1), {1.5409961}, 4e-7));
    CHECK(begins(randn<float>(zero, 16), {0.8487103}, 4e-7));
    CHECK(begins(randn<float>(zero, 1), {-0.2934289}, 4e-7));

    torch_generator seven(7);
    const auto last_two = [&](std::size_t count) {
        const std::vector<float> all = randn<float>(seven, count);
        return std::vector<float>(all.end() - 2, all.end());
    };
    CHECK(begins(randn<float>(seven, 1), {-0.1467950940132141}, 4e-7));
    CHECK(begins(last_two(16), {-0.3691803812980652, 0.7929436564445496}, 4e-7));
    CHECK(begins(randn<float>(seven, 1), {0.7861412763595581}, 4e-7));
    CHECK(begins(last_two(40), {0.46746206283569336, -0.14393995702266693}, 4e-7));
    CHECK(begins(last_two(2), {-0.07732070982456207, -0.9224173426628113}, 4e-7));
    CHECK(rand<float>(seven, 1)[0] == 0.9277898669242859f);
}

TEST_CASE("the torch generator refuses what torch refuses", "[random]") {
    torch_generator generator(0);
    std::vector<float> floats(3);
    std::vector<double> doubles(3);
    integers values(3);
    constexpr float inf = std::numeric_limits<float>::infinity();
    CHECK_THROWS_AS(generator.uniform(std::span<float>(floats), 1.0f, 0.0f), value_error);
    CHECK_THROWS_AS(generator.uniform(std::span<float>(floats), 0.0f, inf), value_error);
    CHECK_THROWS_AS(generator.uniform(std::span<float>(floats), -3e38f, 3e38f), value_error);
    CHECK_THROWS_AS(generator.uniform(std::span<double>(doubles), 0.0, std::nan("")), value_error);
    CHECK_NOTHROW(generator.uniform(std::span<float>(floats), 1.0f, 1.0f));
    CHECK_THROWS_AS(generator.randint(3, 3, values), value_error);
    CHECK_THROWS_AS(generator.randint(3, 2, values), value_error);
    CHECK_THROWS_AS(generator.randperm(-1), value_error);
    CHECK_THROWS_AS(generator.randperm(214748364), value_error);
}

}  // namespace ddpm::test
