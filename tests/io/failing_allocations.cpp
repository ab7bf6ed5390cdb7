// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/failing_allocations.hpp"

#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/io/image_grid.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

const auto nothing = [] { return std::make_unique<contents>(1); };
const auto itself = [](const contents& c) { return c; };

/// Writes a file that holds something old, or is not there.
template <class Write>
void require_whole_file(std::string_view name, const Write& write) {
    struct target {
        temporary_folder folder{place_in_memory()};
        std::string path = folder / "file";
    };
    for (const bool is_there : {false, true}) {
        CHECK(fail_every_allocation(
                  name,
                  [&] {
                      auto made = std::make_unique<target>();
                      if (is_there) {
                          write_text(made->path, "the old one");
                      }
                      return made;
                  },
                  [&](const target& to) { write(to.path); },
                  [](const target& to) {
                      return contents{read_text(to.path), to.folder.entries() > 1 ? "a file is left over" : ""};
                  }) > 0);
    }
}

TEST_CASE("a file of every format is written wholly, or not at all, whatever allocation fails", "[io][slow]") {
    const std::vector<float> numbers(6, 0.5f);
    require_whole_file("write_safetensors", [&](const std::string& path) {
        const std::vector<io::tensor_source> tensors{
            {"a name that is longer than short ones", {2, 3}, std::span(numbers)}, {"b", {6}, std::span(numbers)}};
        io::write_safetensors(path, tensors, {{"key", "value"}}, {.checksum = true});
    });
    batch<float> samples = batch<float>::Constant(3, 4, 0.25f);
    require_whole_file("write_npy", [&](const std::string& path) { io::write_npy(path, samples); });
    require_whole_file("write_npy of an expression",
                       [&](const std::string& path) { io::write_npy(path, (samples + samples).topRows(2)); });
}

TEST_CASE("a file of every format is read wholly, or not at all, whatever allocation fails", "[io][slow]") {
    const temporary_folder folder{place_in_memory()};
    const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
    const std::vector<io::tensor_source> tensors{{"a name that is longer than short ones", {2, 3}, std::span(numbers)},
                                                 {"b", {6}, std::span(numbers)}};
    io::write_safetensors(folder / "s", tensors, {{"key", "value"}}, {.checksum = true});
    io::write_npy(folder / "n", batch<float>::Constant(3, 4, 0.25f));
    write_text(folder / "images", std::string("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2\1\2\3\4", 20));
    write_text(folder / "labels", std::string("\0\0\x08\x01\0\0\0\2\1\7", 10));
    CHECK(fail_every_allocation(
              "safetensors_file", nothing,
              [&](contents& c) {
                  const auto file = io::safetensors_file::open(folder / "s");
                  file.verify_checksum();
                  std::vector<double> out(6);
                  file.read("b", std::span(out));
                  c[0] = bytes_of_numbers(out) + file.metadata().at("key");
              },
              itself) > 20);
    CHECK(fail_every_allocation(
              "read_npy", nothing, [&](contents& c) { c[0] = bytes_of_numbers(io::read_npy<double>(folder / "n")); },
              itself) > 2);
    CHECK(fail_every_allocation(
              "read_idx", nothing,
              [&](contents& c) {
                  const auto images = io::read_idx_images(folder / "images");
                  const auto labels = io::read_idx_labels(folder / "labels");
                  c[0] = bytes_of_numbers(io::to_batch<float>(images)) + bytes_of_numbers(labels);
              },
              itself) > 2);
    CHECK(fail_every_allocation(
              "image_grid", nothing,
              [&](contents& c) {
                  c[0] = bytes_of_numbers(io::image_grid(batch<float>::Zero(4, 3), {2, 2, 1}).pixels);
              },
              itself) > 2);
    // What is wrong with a file is said, or the memory for saying it is missing.
    write_text(folder / "wrong", std::string(200, '\x07'));
    for (const int format : {0, 1, 2}) {
        CHECK(fail_every_allocation(
                  "a wrong file", nothing,
                  [&](contents& c) {
                      try {
                          static_cast<void>(format == 0 ? io::safetensors_file::open(folder / "wrong").tensors().size()
                                            : format == 1
                                                ? static_cast<std::size_t>(io::read_npy<float>(folder / "wrong").size())
                                                : io::read_idx_labels(folder / "wrong").size());
                      } catch (const io_error& e) {
                          std::string said = e.what();
                          c[0] = std::move(said);
                      }
                  },
                  itself) > 2);
    }
}

TEST_CASE("JSON is read, copied and written whole, or not at all, whatever allocation fails", "[io]") {
    const std::string text = R"({"a long key of the object":[0.02,-1.5e-3,{"k":"a string that is allocated"}],"b":[]})";
    using ddpm::detail::json, ddpm::detail::parse_json;
    const auto written = [](const json& tree) {
        std::string out;
        ddpm::detail::append_json(out, tree);
        return out;
    };
    CHECK(fail_every_allocation(
              "parse_json", nothing, [&](contents& c) { c[0] = written(parse_json(text, "t")); }, itself) > 20);
    // A copy that throws has made nothing, which a list of values, say, must not destroy.
    const json tree = parse_json(text, "t");
    CHECK(fail_every_allocation(
              "json", nothing,
              [&](contents& c) {
                  const json list = json::array({tree, tree, json{std::string(40, 'x')}});
                  json assigned{std::string(40, 'y')};
                  assigned = list;
                  c[0] = written(assigned);
              },
              itself) > 20);
    CHECK(written(tree) == text.substr(0, text.find("-1.5e-3")) + "-0.0015" + text.substr(text.find("-1.5e-3") + 7));
}

}  // namespace
}  // namespace ddpm::test
