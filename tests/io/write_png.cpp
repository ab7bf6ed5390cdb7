// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/idx.hpp>
#include <ddpm/io/write_png.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <png.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using io::image8;
using io::write_png;

/// What libpng reads from a file, in the channels that the file has. It verifies all checksums.
image8 read_by_libpng(const std::string& path) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&png, path.c_str()) != 0);
    image8 out{
        static_cast<isize>(png.height), static_cast<isize>(png.width), PNG_IMAGE_SAMPLE_CHANNELS(png.format), {}};
    out.pixels.resize(PNG_IMAGE_SIZE(png));
    REQUIRE(png_image_finish_read(&png, nullptr, out.pixels.data(), 0, nullptr) != 0);
    CHECK(png.warning_or_error == 0);
    return out;
}

void check_same(const image8& read, const image8& written) {
    CHECK(read.height == written.height);
    CHECK(read.width == written.width);
    CHECK(read.channels == written.channels);
    CHECK((read.pixels == written.pixels));
}

/// The pixels value(i), i counting them.
template <class Value>
image8 image_of(isize height, isize width, isize channels, const Value& value) {
    image8 out{height, width, channels, {}};
    for (isize i = 0; i < height * width * channels; ++i) {
        out.pixels.push_back(static_cast<std::uint8_t>(value(i)));
    }
    return out;
}

/// Bytes of the file's compressed data: all but the header, three chunks' frames and IHDR's data.
isize data_bytes(const std::string& path) {
    return static_cast<isize>(std::filesystem::file_size(path)) - 8 - 3 * 12 - 13;
}

TEST_CASE("libpng reads what write_png writes", "[io][png]") {
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "image.png";
    std::mt19937 words(1);
    for (isize channels = 1; channels <= 4; ++channels) {
        for (const isize height : {1, 2, 5}) {
            for (const isize width : {1, 3, 300, 40000}) {
                CAPTURE(height, width, channels);
                for (const image8& image : {
                         image_of(height, width, channels, [](isize) { return 7; }),
                         image_of(height, width, channels, [](isize i) { return i; }),
                         image_of(height, width, channels, [&](isize) { return words(); }),
                         image_of(height, width, channels, [&](isize) { return words() % 3 == 0 ? words() : 0; }),
                     }) {
                    write_png(path, image);
                    check_same(read_by_libpng(path), image);
                }
            }
        }
    }
}

TEST_CASE("every length and distance of a match is written", "[io][png]") {
    // A row that repeats a part of itself, of each length, and at distances up to the farthest and beyond.
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "image.png";
    std::mt19937 words(2);
    std::vector<std::uint8_t> row;
    for (std::ptrdiff_t length = 3; length <= 300; ++length) {
        const std::vector<std::uint8_t> part = [&] {
            std::vector<std::uint8_t> out(static_cast<std::size_t>(length));
            for (std::uint8_t& value : out) {
                value = static_cast<std::uint8_t>(words());
            }
            return out;
        }();
        row.insert(row.end(), part.begin(), part.end());
        row.insert(row.end(), part.begin(), part.end());
    }
    const std::size_t once = row.size();
    for (const std::size_t distance : {1u, 2u, 4u, 5u, 24577u, 32766u, 32767u, 32768u, 32769u, 40000u}) {
        for (int i = 0; i < 500; ++i) {
            row.push_back(row[row.size() - distance]);
        }
    }
    const image8 image{1, static_cast<isize>(row.size()), 1, row};
    write_png(path, image);
    check_same(read_by_libpng(path), image);
    CHECK(data_bytes(path) < static_cast<isize>(once) * 3 / 4);
}

TEST_CASE("images compress", "[io][png]") {
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "image.png";
    const batch<float> digits =
        io::to_batch<float>(io::read_idx_images(DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte"));
    const image8 sheet = io::image_grid(digits.leftCols(100), {8, 8, 1}, {.scale = 8});
    write_png(path, sheet);
    check_same(read_by_libpng(path), sheet);
    const isize ours = data_bytes(path);
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    png.width = static_cast<png_uint_32>(sheet.width);
    png.height = static_cast<png_uint_32>(sheet.height);
    png.format = PNG_FORMAT_GRAY;
    REQUIRE(png_image_write_to_file(&png, path.c_str(), 0, sheet.pixels.data(), 0, nullptr) != 0);
    CHECK(ours <= 2 * data_bytes(path));

    std::mt19937 words(3);
    const image8 noise = image_of(100, 100, 3, [&](isize) { return words(); });
    write_png(path, noise);
    CHECK(data_bytes(path) * 8 <= static_cast<isize>(noise.pixels.size()) * 9);
}

TEST_CASE("whatever is written as a PNG is refused, or read as it was", "[io][png]") {
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "image.png";
    constexpr isize most = std::numeric_limits<isize>::max();
    constexpr isize sides[] = {-most,          -1,  0, 1, 2, 7, 8, 9, 255, (isize{1} << 31) - 1, isize{1} << 31,
                               isize{1} << 32, most};
    int cases = 0, written = 0;
    for (const isize height : sides) {
        for (const isize width : sides) {
            for (const isize channels :
                 {most, isize{1} << 62, isize{-1}, isize{0}, isize{1}, isize{2}, isize{3}, isize{4}, isize{5}}) {
                const bool is_small =
                    height > 0 && width > 0 && channels > 0 && height < 256 && width < 256 && channels < 6;
                const isize size = is_small ? height * width * channels : 12;
                for (const isize pixels : {isize{0}, size - 1, size, size + 1}) {
                    image8 image{height, width, channels, {}};
                    for (isize i = 0; i < pixels; ++i) {
                        image.pixels.push_back(static_cast<std::uint8_t>(i * i));
                    }
                    const bool is_image = is_small && channels < 5 && pixels == size;
                    CAPTURE(height, width, channels, pixels);
                    if (is_image) {
                        write_png(path, image);
                        check_same(read_by_libpng(path), image);
                        std::filesystem::remove(path);
                    } else {
                        REQUIRE_THROWS_AS(write_png(path, image), shape_error);
                        REQUIRE_FALSE(std::filesystem::exists(path));
                    }
                    ++cases;
                    written += is_image ? 1 : 0;
                }
            }
        }
    }
    std::cout << "PNG: " << cases << " cases, " << written << " read as they were, the others errors" << std::endl;
    CHECK(written == 6 * 6 * 4);
}

TEST_CASE("write_png refuses what is no image, and keeps the old file", "[io][png]") {
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "image.png";
    const image8 good{1, 2, 1, {3, 4}};
    write_png(path, good);
    const auto refused = [&](const image8& image) {
        CHECK_THROWS_AS(write_png(path, image), shape_error);
        check_same(read_by_libpng(path), good);
    };
    refused({0, 2, 1, {}});
    refused({1, 0, 1, {}});
    refused({-1, 2, 1, {3, 4}});
    refused({1, isize{1} << 31, 1, {3, 4}});
    refused({isize{1} << 31, 1, 1, {3, 4}});
    refused({1, 2, 0, {}});
    refused({1, 1, 5, {1, 2, 3, 4, 5}});
    refused({1, 2, 1, {3, 4, 5}});
    refused({1, 2, 3, {3, 4}});
    CHECK_THROWS_AS(write_png(folder / "no/image.png", good), io_error);
}

}  // namespace
}  // namespace ddpm::test
