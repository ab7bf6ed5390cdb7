// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// How much memory the readers of files take. What a reader returns counts too.
#include <ddpm/io/idx.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {
namespace {

/// What every reader may take besides.
constexpr std::ptrdiff_t constant = 100'000;

/// Requires that load() takes at most `most` bytes and the constant, and prints what it takes for a
/// large file.
template <class Load>
void check_memory(std::string_view what, std::size_t file_size, std::size_t most, const Load& load) {
    const std::ptrdiff_t peak = peak_of(load);
    if (file_size > 500'000) {
        std::cout << what << ": " << peak << " bytes for a file of " << file_size << std::endl;
    }
    CAPTURE(what, peak, file_size, most);
    CHECK(peak <= static_cast<std::ptrdiff_t>(most) + constant);
}

std::string npy_of(std::string_view descr, bool fortran, std::string_view shape, std::size_t data_bytes) {
    const std::string header = ddpm::detail::text(
        "{'descr': '", descr, "', 'fortran_order': ", fortran ? "True" : "False", ", 'shape': ", shape, "}");
    std::string text("\x93NUMPY\x01\0", 8);
    text.push_back(static_cast<char>(header.size()));
    text.push_back('\0');
    return text + header + std::string(data_bytes, '\1');
}

TEST_CASE("reading a file of numbers takes no more memory than the numbers and a constant", "[io]") {
    const temporary_folder folder(place_in_memory());
    const std::string path = folder / "file";
    for (const std::size_t count : {1000u, 100'000u, 3'000'000u}) {
        const std::size_t single = count * sizeof(float), wide = count * sizeof(double);
        const std::string samples = ddpm::detail::text("(", count / 100, ", 10, 10)"),
                          one = ddpm::detail::text("(", count, ",)"),
                          images = ddpm::detail::text("(", count / 100, ", 4, 5, 5)");
        for (const std::string_view shape : {std::string_view(samples), std::string_view(one)}) {
            for (const bool fortran : {false, true}) {
                const std::string text = npy_of("<f4", fortran, shape, single);
                write_text(path, text);
                check_memory("read_npy of float as float", text.size(), single,
                             [&] { return io::read_npy<float>(path); });
                check_memory("read_npy of float as double", text.size(), wide,
                             [&] { return io::read_npy<double>(path); });
                const std::string bytes = npy_of("|u1", fortran, shape, count);
                check_memory("parse_npy of bytes as float", bytes.size(), single,
                             [&] { return io::parse_npy<float>(ddpm::detail::bytes_of(bytes), "f"); });
            }
        }
        const std::string text = npy_of("<f4", false, images, single);
        write_text(path, text);
        check_memory("read_npy_images of planes", text.size(), single,
                     [&] { return io::read_npy_images<float>(path, channel_order::first); });

        std::string idx("\0\0\x08\x01", 4);
        for (int shift = 24; shift >= 0; shift -= 8) {
            idx.push_back(static_cast<char>(count >> shift));
        }
        write_text(path, idx + std::string(count, '\7'));
        check_memory("read_idx_labels", count + 8, count, [&] { return io::read_idx_labels(path); });
        const std::string sides("\0\0\0\1\0\0\0\1", 8);
        idx[3] = 3;
        write_text(path, idx + sides + std::string(count, '\7'));
        check_memory("read_idx_images", count + 16, count, [&] { return io::read_idx_images(path); });

        const std::vector<float> numbers(count, 0.5f);
        const std::vector<io::tensor_source> tensors{{"a", {static_cast<isize>(count)}, std::span(numbers)}};
        io::write_safetensors(path, tensors, {}, {.checksum = true});
        std::vector<float> out(count);
        check_memory("safetensors_file", single, 0, [&] {
            auto file = io::safetensors_file::open(path);
            file.verify_checksum();
            file.read<float>("a", out);
            return file;
        });
    }
}

TEST_CASE("the header of many tensors takes a few times its size of memory", "[io]") {
    const temporary_folder folder(place_in_memory());
    for (const int count : {100, 10'000}) {
        std::vector<io::tensor_source> tensors;
        const std::vector<float> number{1};
        for (int i = 0; i < count; ++i) {
            tensors.emplace_back(ddpm::detail::text("layers.", i, ".weight"), std::vector<isize>{1}, std::span(number));
        }
        io::write_safetensors(folder / "file", tensors);
        const std::size_t size = read_text(folder / "file").size();
        check_memory("safetensors_file of many tensors", size, 5 * size,
                     [&] { return io::safetensors_file::open(folder / "file"); });
    }
}

}  // namespace
}  // namespace ddpm::test
