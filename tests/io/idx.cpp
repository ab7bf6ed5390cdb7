// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/idx.hpp>

#include "io/reading_verdict.hpp"
#include "support/allocations.hpp"  // so that it is left out on Windows, see emulated.cmake
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <cmath>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using io::idx_images;

std::string big(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>(value >> shift));
    }
    return bytes;
}

const std::string two_images =
    big(0x803) + big(2) + big(3) + big(2) + std::string("\0\x01\x02\x03\x04\x05\xfa\xfb\xfc\xfd\xfe\xff", 12);
const std::string four_labels = big(0x801) + big(4) + "\x03\x01\x04\x01";

std::string verdict(const std::string& content, bool labels = false) {
    return reading_verdict([&] {
        const auto bytes = ddpm::detail::bytes_of(content);
        return labels ? io::parse_idx_labels(bytes, "f") : io::parse_idx_images(bytes, "f").pixels;
    });
}

/// The same of a file, which must be the same.
std::string verdict_on_disk(const std::string& content, bool labels = false) {
    static const temporary_folder folder;
    const std::string path = folder / "f";
    write_text(path, content);
    std::string message =
        reading_verdict([&] { return labels ? io::read_idx_labels(path) : io::read_idx_images(path).pixels; });
    if (message != "accepted") {
        message = message.substr(path.size() - 1);
    }
    if (message != verdict(content, labels)) {
        FAIL("on disk " << message << " but in memory " << verdict(content, labels));
    }
    return message;
}

TEST_CASE("IDX images and labels are read", "[io]") {
    REQUIRE(verdict_on_disk(two_images) == "accepted");
    const idx_images images = io::parse_idx_images(ddpm::detail::bytes_of(two_images), "f");
    CHECK(images.count == 2);
    CHECK(images.height == 3);
    CHECK(images.width == 2);
    CHECK(images.shape() == sample_shape(3, 2, 1));
    CHECK(images.pixels == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255});
    REQUIRE(verdict_on_disk(four_labels, true) == "accepted");
    CHECK(io::parse_idx_labels(ddpm::detail::bytes_of(four_labels), "f") == std::vector<std::uint8_t>{3, 1, 4, 1});
}

TEST_CASE("an IDX error says what is wrong", "[io]") {
    CHECK(verdict_on_disk("") == "f: too short for an IDX file; expected at least 16 bytes, got 0");
    CHECK(
        verdict_on_disk(four_labels + "1234") ==
        "f: not an IDX file of 3 dimensions of bytes; expected magic number 2051, got 2049, an IDX file of bytes in 1 "
        "dimension, as labels are");
    CHECK(
        verdict_on_disk(two_images, true) ==
        "f: not an IDX file of 1 dimensions of bytes; expected magic number 2049, got 2051, an IDX file of bytes in 3 "
        "dimensions, as images are");
    CHECK(verdict_on_disk(two_images + "x") ==
          "f: the size of the IDX file does not fit its header; expected 16 + 12 bytes, got 29");
    CHECK(verdict_on_disk(big(0x803) + big(2) + big(0) + big(2)) ==
          "f: IDX extent 1; expected at least 1 and a product below 2^64, got 0");
    CHECK_THROWS_AS(io::read_idx_images("/nonexistent/file"), io_error);
    CHECK_THROWS_AS(io::read_idx_labels("/"), io_error);
}

TEST_CASE("a spoilt IDX file is an io_error", "[io]") {
    int cases = 0;
    for (const bool labels : {false, true}) {
        const std::string& file = labels ? four_labels : two_images;
        for (std::size_t size = 0; size < file.size(); ++size, ++cases) {
            CHECK(verdict_on_disk(file.substr(0, size), labels) != "accepted");
        }
        for (std::size_t at = 0; at < (labels ? 8u : 16u); ++at) {
            for (int flip = 1; flip < 256; ++flip, ++cases) {
                std::string changed = file;
                changed[at] = static_cast<char>(changed[at] ^ flip);
                if (verdict(changed, labels) == "accepted") {
                    FAIL("byte " << at << " flipped by " << flip);
                }
            }
        }
    }
    for (const bool labels : {false, true}) {
        for (std::size_t surplus = 1; surplus < 50; ++surplus, ++cases) {
            CHECK(verdict_on_disk((labels ? four_labels : two_images) + std::string(surplus, '\0'), labels) !=
                  "accepted");
        }
        const std::string head = labels ? big(0x801) : big(0x803) + big(1000) + big(40);
        const std::string large = head + big(labels ? 1'000'000 : 25) + std::string(1'000'000, '\7');
        CHECK(verdict_on_disk(large, labels) == "accepted");
        for (const std::string& spoilt : {large + "x", large.substr(0, large.size() - 1)}) {
            CHECK(verdict_on_disk(spoilt, labels) != "accepted");
            ++cases;
        }
    }
    CHECK(cases == 28 + 12 + 24 * 255 + 2 * (49 + 2));
    std::cout << "IDX: " << cases << " cases, all errors" << std::endl;
}

TEST_CASE("corruption: IDX extents at extremes", "[io]") {
    constexpr std::uint32_t extremes[] = {0,       1,          2,          3,          12,        0x7fff,
                                          0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (const std::uint32_t count : extremes) {
        CHECK(verdict(big(0x801) + big(count) + "\x03\x01\x04\x01", true) != "accepted");
        for (const std::uint32_t height : extremes) {
            for (const std::uint32_t width : extremes) {
                const bool fits = static_cast<double>(count) * height * width == 12;
                if ((verdict(big(0x803) + big(count) + big(height) + big(width) + two_images.substr(16)) ==
                     "accepted") != fits) {
                    FAIL(count << " x " << height << " x " << width);
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("IDX images become a batch in [-1, 1]", "[io]", float, double) {
    idx_images images{1, 16, 16, std::vector<std::uint8_t>(256)};
    std::iota(images.pixels.begin(), images.pixels.end(), std::uint8_t{0});
    const batch<TestType> values = io::to_batch<TestType>(images);
    REQUIRE(values.rows() == 256);
    REQUIRE(values.cols() == 1);
    CHECK(values(0, 0) == TestType{-1});
    CHECK(values(255, 0) == TestType{1});
    for (ddpm::isize i = 0; i < 256; ++i) {
        CHECK(values(i, 0) == static_cast<TestType>(static_cast<double>(i) / 127.5 - 1));
    }
    images.pixels.pop_back();
    CHECK_THROWS_AS(io::to_batch<TestType>(images), shape_error);
}

TEST_CASE("the bundled digits are read", "[io]") {
    const std::string folder = DDPM_EXAMPLES_DATA;
    const idx_images images = io::read_idx_images(folder + "/digits-images.idx3-ubyte");
    const std::vector<std::uint8_t> labels = io::read_idx_labels(folder + "/digits-labels.idx1-ubyte");
    CHECK(images.count == 1797);
    CHECK(images.shape() == sample_shape(8, 8, 1));
    REQUIRE(labels.size() == 1797);
    std::vector<int> of_each(10, 0);
    for (const std::uint8_t label : labels) {
        ++of_each.at(label);
    }
    CHECK(of_each == std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
    const batch<float> values = io::to_batch<float>(images);
    CHECK(values.rows() == 64);
    CHECK(values.cols() == 1797);
    CHECK(values.minCoeff() == -1.0f);
    CHECK(values.maxCoeff() == 1.0f);
    CHECK(std::abs(values.cast<double>().mean() - (-0.389382563)) < 1e-6);
}

}  // namespace
}  // namespace ddpm::test
