// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <png.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace examples {

/// Images of one size, one per column, values in [−1, 1].
struct image_set {
    ddpm::batch<float> images;
    ddpm::sample_shape shape;
};

namespace detail {

/// An open PNG file, whose header has been read.
class png_reader {
public:
    /// @throws ddpm::io_error if it is no PNG file
    explicit png_reader(std::string path) : path_(std::move(path)) {
        png_.version = PNG_IMAGE_VERSION;
        if (png_image_begin_read_from_file(&png_, path_.c_str()) == 0) {
            fail();
        }
    }
    png_reader(const png_reader&) = delete;
    png_reader& operator=(const png_reader&) = delete;
    ~png_reader() { png_image_free(&png_); }

    [[nodiscard]] bool coloured() const { return (png_.format & PNG_FORMAT_FLAG_COLOR) != 0; }
    [[nodiscard]] ddpm::sample_shape shape(ddpm::isize channels) const {
        return {static_cast<ddpm::isize>(png_.height), static_cast<ddpm::isize>(png_.width), channels};
    }

    /// The pixels, row after row, in 8 bits; what is transparent lies on white.
    /// @throws ddpm::io_error if the file is damaged
    [[nodiscard]] std::vector<std::uint8_t> pixels(ddpm::isize channels) {
        png_.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
        std::vector<std::uint8_t> values(PNG_IMAGE_SIZE(png_));
        const png_color white{255, 255, 255};
        if (png_image_finish_read(&png_, &white, values.data(), 0, nullptr) == 0) {
            fail();
        }
        return values;
    }

private:
    [[noreturn]] void fail() const {
        throw ddpm::io_error(path_, std::string("cannot be read as a PNG image: ") + png_.message);
    }

    std::string path_;
    png_image png_{};
};

}  // namespace detail

/// The paths of the PNG files in a folder, in the order of their names.
/// @throws ddpm::io_error if there is none, or the folder cannot be read
[[nodiscard]] inline std::vector<std::string> png_files(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> paths;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (at->path().extension() == ".png" || at->path().extension() == ".PNG") {
            paths.push_back(at->path().string());
        }
    }
    if (error) {
        throw ddpm::io_error(folder, "the folder cannot be read (" + error.message() + ")");
    }
    if (paths.empty()) {
        throw ddpm::io_error(folder, "there is no PNG file in this folder");
    }
    std::ranges::sort(paths);
    return paths;
}

/// Reads all PNG files of a folder: with one channel if all are grey, else with three.
/// @throws ddpm::io_error that names the file, if it is no PNG file, is damaged, or differs in size from the first
[[nodiscard]] inline image_set read_png_folder(const std::string& folder) {
    const std::vector<std::string> paths = png_files(folder);
    ddpm::isize channels = 1;
    ddpm::sample_shape first{};
    const auto size = [](const ddpm::sample_shape& shape) {
        return std::to_string(shape.height) + " x " + std::to_string(shape.width);
    };
    for (const std::string& path : paths) {  // the headers only
        const detail::png_reader reader(path);
        channels = reader.coloured() ? 3 : channels;
        first = path == paths.front() ? reader.shape(1) : first;
        if (reader.shape(1) != first) {
            throw ddpm::io_error(path, "height and width", size(first) + ", as " + paths.front(),
                                 size(reader.shape(1)));
        }
    }
    image_set out{{}, {first.height, first.width, channels}};
    out.images.resize(out.shape.size(), std::ssize(paths));
    for (std::size_t n = 0; n < paths.size(); ++n) {
        const std::vector<std::uint8_t> values = detail::png_reader(paths[n]).pixels(channels);
        std::ranges::transform(values, out.images.col(static_cast<ddpm::isize>(n)).data(),
                               [](std::uint8_t value) { return static_cast<float>(value) / 127.5f - 1; });
    }
    return out;
}

}  // namespace examples
