// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "examples/support/png_folder.hpp"

#include <ddpm/io/write_png.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace ddpm::test {

namespace {

/// Writes an image whose value at position i is first + i.
void write_image(const std::string& path, ddpm::isize height, ddpm::isize width, ddpm::isize channels, int first = 0) {
    io::image8 image{height, width, channels, {}};
    for (ddpm::isize i = 0; i < height * width * channels; ++i) {
        image.pixels.push_back(static_cast<std::uint8_t>(first + static_cast<int>(i)));
    }
    io::write_png(path, image);
}

/// The text of the io_error that reading the folder throws.
std::string error_of(const std::string& folder) {
    try {
        static_cast<void>(examples::read_png_folder(folder));
    } catch (const io_error& error) {
        return error.what();
    }
    return "no error";
}

float value_of(int byte) { return static_cast<float>(byte) / 127.5f - 1; }

}  // namespace

TEST_CASE("a folder of colour images is read in the order of the names", "[examples]") {
    const temporary_folder folder;
    write_image(folder / "b.png", 2, 3, 3, 100);
    write_image(folder / "a.png", 2, 3, 3);
    write_text(folder / "notes.txt", "no image");
    const examples::image_set set = examples::read_png_folder(folder / "");
    CHECK(set.shape == sample_shape{2, 3, 3});
    REQUIRE(set.images.cols() == 2);
    REQUIRE(set.images.rows() == 18);
    for (int i = 0; i < 18; ++i) {
        CHECK(set.images(i, 0) == value_of(i));
        CHECK(set.images(i, 1) == value_of(100 + i));
    }
}

TEST_CASE("images are grey only if all of a folder are", "[examples]") {
    const temporary_folder folder;
    write_image(folder / "a.png", 2, 2, 1, 7);
    CHECK(examples::read_png_folder(folder / "").shape == sample_shape{2, 2, 1});
    write_image(folder / "b.png", 2, 2, 3);
    const examples::image_set set = examples::read_png_folder(folder / "");
    CHECK(set.shape == sample_shape{2, 2, 3});
    for (int i = 0; i < 12; ++i) {
        CHECK(set.images(i, 0) == value_of(7 + i / 3));
    }
}

TEST_CASE("what is wrong in a folder of images is named", "[examples]") {
    const temporary_folder folder;
    CHECK(contains(error_of(folder / "none"), "none: the folder cannot be read"));
    CHECK(contains(error_of(folder / ""), "there is no PNG file"));
    write_image(folder / "a.png", 4, 4, 3);
    write_image(folder / "b.png", 4, 5, 3);
    const std::string size = error_of(folder / "");
    CHECK(contains(size, "b.png: height and width; expected 4 x 4"));
    CHECK(contains(size, "got 4 x 5"));
    write_text(folder / "b.png", "not an image");
    CHECK(contains(error_of(folder / ""), "b.png: cannot be read as a PNG"));

    // The end is missing: the header is right, the pixels are not there.
    write_image(folder / "b.png", 4, 4, 3);
    std::filesystem::resize_file(folder / "b.png", std::filesystem::file_size(folder / "b.png") - 30);
    CHECK(contains(error_of(folder / ""), "b.png: cannot be read as a PNG"));
}

}  // namespace ddpm::test
