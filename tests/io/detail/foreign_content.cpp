// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/detail/foreign_content.hpp>

#include <ddpm/io/idx.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"

#include <string>
#include <string_view>

namespace ddpm::test {
namespace {

template <class Read>
std::string message_of(Read&& read) {
    try {
        static_cast<void>(read());
    } catch (const io_error& e) {
        return e.what();
    }
    return "accepted";
}

TEST_CASE("every reader names the format of a foreign file", "[io]") {
    using namespace std::string_view_literals;
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::string filling(100, 'x');
    const struct {
        std::string_view begins;
        std::string_view named;
    } cases[] = {
        {"\x1f\x8b\x08\x08\x12\x34\x56\x78\0\x03"sv, "compressed by gzip: unpack it first (gunzip)"},
        {"\x1f\x8b\x08\0\0\0\0\0\x02\x03"sv, "compressed by gzip: unpack it first (gunzip)"},
        {"\xfd\x37zXZ\0"sv, "xz"},
        {"BZh91AY"sv, "bzip2"},
        {"\x28\xb5\x2f\xfd\x24"sv, "zstd"},
        {"PK\x03\x04\x14\0\0\0\0\0archive/data.pkl"sv, "a pickle of PyTorch"},
        {"PK\x03\x04\x14\0\0\0\x08\0arr_0.npy"sv, ".npz archive"},
        {"PK\x03\x04\x14\0\0\0\x08\0images.txt"sv, "a zip archive"},
        {"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."sv, "a pickle of PyTorch"},
        {"\x80\x04\x95\x0b\0\0\0\0\0\0\0}"sv, "a pickle of Python"},
        {"\x89PNG\r\n\x1a\n"sv, "a PNG image"},
        {"\xff\xd8\xff\xe0\0\x10JFIF"sv, "a JPEG image"},
        {"version https://git-lfs.github.com/spec/v1\n"sv, "git lfs pull"},
        {"<!DOCTYPE html><html>"sv, "an HTML page"},
        {"{\"metadata\": {}, \"weight_map\": {}}"sv, "a JSON text"},
        {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    };
    for (const auto& [begins, named] : cases) {
        CAPTURE(begins, named);
        write_text(path, std::string(begins) + filling);
        CHECK(contains(message_of([&] { return io::read_npy<float>(path); }), named));
        CHECK(contains(message_of([&] { return io::read_idx_images(path); }), named));
        CHECK(contains(message_of([&] { return io::read_idx_labels(path); }), named));
        CHECK(contains(message_of([&] { return io::safetensors_file::open(path); }), named));
    }
    write_text(path, "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1a"sv);
    CHECK(contains(message_of([&] { return io::read_npy<float>(path); }), "an IDX file of bytes in 3 dimensions"));
    CHECK(contains(message_of([&] { return io::safetensors_file::open(path); }), "an IDX file"));
    io::write_npy(path, batch<float>(2, 2).setZero());
    CHECK(contains(message_of([&] { return io::read_idx_images(path); }), "a NumPy array"));
    CHECK(contains(message_of([&] { return io::safetensors_file::open(path); }), "a NumPy array"));
    io::write_safetensors(path, {});
    CHECK(contains(message_of([&] { return io::read_npy<float>(path); }), "a safetensors file"));
    write_text(path, "\0\0\x0d\x03\0\0\0\1\0\0\0\1\0\0\0\1"sv);
    CHECK(contains(message_of([&] { return io::read_idx_images(path); }), "other numbers than unsigned bytes"));
}

}  // namespace
}  // namespace ddpm::test
