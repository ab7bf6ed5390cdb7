// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/weights.hpp>

#include <ddpm/io/write_safetensors.hpp>

#include "diffusers/data_folder.hpp"
#include "diffusers/named_tensors.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/file_faults.hpp"
#include "support/temporary_folder.hpp"

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using diffusers::load_weights;
using diffusers::save_weights;
using io::dtype;

const std::string single = "diffusion_pytorch_model.safetensors";
const std::string sharded = "diffusion_pytorch_model.safetensors.index.json";

template <class Net>
std::string failure(const std::string& folder, Net& net) {
    try {
        load_weights(folder, net);
    } catch (const io_error& e) {
        return e.what();
    }
    return "loaded";
}

/// Layers of all kinds: a convolution of several tiles, weights whose rows are cut, attention, one output, a vector.
template <Scalar S>
named_tensors<S> some_layers() {
    named_tensors<S> net;
    net.add("conv_in.weight", {70, 5, 3, 3});
    net.add("conv_in.bias", {70}, 3);
    net.add("down_blocks.0.attentions.0.to_q.weight", {8, 8}, 5);
    net.add("down_blocks.0.attentions.0.to_k.weight", {8, 8}, 9);
    net.add("down_blocks.0.attentions.0.to_v.weight", {8, 8}, 11);
    net.add("down_blocks.0.attentions.0.to_out.0.weight", {8, 8}, 13);
    net.add("down_blocks.0.attentions.0.to_out.0.bias", {8}, 15);
    net.add("mid_block.resnets.0.time_emb_proj.weight", {33, 5001}, 17);
    net.add("conv_out.weight", {1, 6, 3, 3}, 19);
    net.add("scale", {70000}, 21);
    return net;
}

/// A tensor of a file, the numbers in torch's order.
struct stored {
    std::string name;
    std::vector<ddpm::isize> shape;
    std::vector<float> numbers;
};

template <Scalar S>
std::vector<stored> stored_of(const named_tensors<S>& net) {
    std::vector<stored> list;
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
        const auto& [name, tensor] = net.tensors[i];
        const std::vector<S> numbers = net.numbers(i);
        list.push_back({name, {tensor.shape().begin(), tensor.shape().end()}, {numbers.begin(), numbers.end()}});
    }
    return list;
}

void write_stored(const std::string& path, const std::vector<stored>& list, dtype type = dtype::f32) {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<io::tensor_source> sources;
    const auto append = [&](auto number) {
        const auto* first = reinterpret_cast<const std::byte*>(&number);
        bytes.back().insert(bytes.back().end(), first, first + sizeof(number));
    };
    for (const stored& s : list) {
        bytes.emplace_back();
        for (const float x : s.numbers) {
            const auto bits = std::bit_cast<std::uint32_t>(x);
            if (type == dtype::f64) {
                append(static_cast<double>(x));
            } else if (type == dtype::bf16) {
                append(static_cast<std::uint16_t>(bits >> 16));
            } else if (type == dtype::f16) {
                append(static_cast<std::uint16_t>(
                    x == 0 ? 0
                           : (bits >> 16 & 0x8000u) | (((bits >> 23 & 0xffu) - 112) << 10) | (bits >> 13 & 0x3ffu)));
            } else if (type == dtype::i32) {
                append(static_cast<std::int32_t>(x));
            } else {
                append(x);
            }
        }
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
        sources.emplace_back(list[i].name, type, list[i].shape, std::span<const std::byte>(bytes[i]));
    }
    io::write_safetensors(path, sources);
}

TEMPLATE_TEST_CASE("weights that diffusers saved are loaded", "[diffusers]", float, double) {
    using S = TestType;
    auto net = zeros_like_file<S>(data_folder + "/pipeline/unet/" + single);
    REQUIRE(net.tensors.size() == 144);
    REQUIRE(nn::parameter_count(net) == 11767);
    load_weights(data_folder + "/pipeline", net);
    const std::map<std::string, std::vector<float>> golden{
        {"conv_in.weight", {-0.00144083926f, 0.10323862f, -0.158395112f, -0.148447663f}},
        {"mid_block.attentions.0.to_q.weight", {0.159953609f, -0.246954232f, -0.127626136f, 0.194470659f}},
        {"up_blocks.0.resnets.0.conv1.weight", {-0.073441796f, 0.040746443f, -0.0766559765f, -0.0137297418f}}};
    std::size_t compared = 0;
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
        if (const auto found = golden.find(net.tensors[i].first); found != golden.end()) {
            const std::vector<S> numbers = net.numbers(i);
            for (std::size_t k = 0; k < 3; ++k) {
                CHECK(numbers[k] == static_cast<S>(found->second[k]));
            }
            CHECK(numbers.back() == static_cast<S>(found->second[3]));
            ++compared;
        }
    }
    CHECK(compared == golden.size());
    auto direct = net.zeros();  // from the folder that holds the file
    load_weights(data_folder + "/pipeline/unet", direct);
    CHECK(direct == net);

    auto half = net.zeros();
    load_weights(data_folder + "/sharded", half);
    double largest = 0;
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
        const auto a = net.numbers(i), b = half.numbers(i);
        for (std::size_t k = 0; k < a.size(); ++k) {
            largest = std::max(largest, std::abs(static_cast<double>(a[k] - b[k])));
        }
    }
    CHECK(largest > 0);
    CHECK(largest < 3e-4);  // half precision
}

TEMPLATE_TEST_CASE("weights are saved and loaded unchanged", "[diffusers]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const auto net = some_layers<S>();
    const std::string top = folder / "";
    SECTION("in the folder") {}
    SECTION("in its sub-folder") { std::filesystem::create_directory(folder / "unet"); }
    save_weights(top, net);
    auto loaded = net.zeros();
    load_weights(top, loaded);
    CHECK(loaded == net);
    const bool has_unet = std::filesystem::exists(folder / "unet");
    const auto file = io::safetensors_file::open(folder / (has_unet ? "unet/" + single : single));
    CHECK(file.metadata() == std::map<std::string, std::string, std::less<>>{{"format", "pt"}});
    std::vector<S> numbers(70 * 5 * 9);
    file.read("conv_in.weight", std::span(numbers));
    CHECK(numbers == net.numbers(0));
}

TEST_CASE("saving removes the index of an earlier model, which would be loaded instead", "[diffusers]") {
    const temporary_folder folder;
    const auto net = some_layers<float>();
    write_text(folder / sharded, R"({"weight_map": {}})");
    save_weights(folder / "", net);
    auto loaded = net.zeros();
    load_weights(folder / "", loaded);
    CHECK(loaded == net);
    CHECK_THROWS_AS(save_weights(folder / "nowhere", net), io_error);
}

TEMPLATE_TEST_CASE("weights of every floating-point type are converted", "[diffusers]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const auto net = some_layers<S>();
    for (const dtype type : {dtype::f64, dtype::f32, dtype::f16}) {
        CAPTURE(io::name_of(type));
        write_stored(folder / single, stored_of(net), type);
        auto loaded = net.zeros();
        load_weights(folder / "", loaded);
        CHECK(loaded == net);
    }
    // Numbers of the sequence need more bits than bfloat16 has: what is stored is what must come back.
    std::vector<stored> cut = stored_of(net);
    for (stored& s : cut) {
        for (float& x : s.numbers) {
            x = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffff0000u);
        }
    }
    write_stored(folder / single, cut, dtype::bf16);
    auto loaded = net.zeros();
    load_weights(folder / "", loaded);
    const std::vector<stored> got = stored_of(loaded);
    for (std::size_t i = 0; i < cut.size(); ++i) {
        CHECK(got[i].numbers == cut[i].numbers);
    }
}

TEMPLATE_TEST_CASE("weights in memory are loaded as those of a folder, where they lie", "[diffusers]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const auto net = some_layers<S>();
    auto loaded = net.zeros();
    for (const dtype type : {dtype::f64, dtype::f32, dtype::f16}) {
        CAPTURE(io::name_of(type));
        write_stored(folder / single, stored_of(net), type);
        // At an odd address.
        const std::string bytes = " " + read_text(folder / single);
        const auto file = io::safetensors_file::parse(std::as_bytes(std::span(bytes).subspan(1)), "model");
        loaded = net.zeros();
        const std::ptrdiff_t before = live_bytes;
        peak_bytes = before;
        load_weights(file, loaded, {.reject_nonfinite = true});
        CHECK(peak_bytes - before < static_cast<std::ptrdiff_t>(bytes.size() / 4));
        CHECK(loaded == net);
    }

    std::vector<stored> list = stored_of(net);
    list[7].numbers.back() = std::numeric_limits<float>::infinity();
    write_stored(folder / single, list);
    const std::string infinite = read_text(folder / single);
    const auto load = [&](std::string_view bytes) {
        load_weights(io::safetensors_file::parse(std::as_bytes(std::span(bytes)), "model"), loaded,
                     {.reject_nonfinite = true});
    };
    CHECK_THROWS_AS(load(infinite), io_error);
    CHECK_THROWS_AS(load(std::string_view(infinite).substr(0, infinite.size() - 1)), io_error);
    list.pop_back();
    write_stored(folder / single, list);
    CHECK_THROWS_AS(load(read_text(folder / single)), io_error);
    CHECK(loaded == net);
}

TEST_CASE("names and shapes of attention layers before 2023 are understood", "[diffusers]") {
    const temporary_folder folder;
    const auto net = some_layers<float>();
    for (const std::vector<ddpm::isize>& shape :
         std::vector<std::vector<ddpm::isize>>{{8, 8}, {8, 8, 1}, {8, 8, 1, 1}}) {
        std::vector<stored> list = stored_of(net);
        for (stored& s : list) {
            for (const auto& [now, old] : {std::pair(".to_q.", ".query."), std::pair(".to_k.", ".key."),
                                           std::pair(".to_v.", ".value."), std::pair(".to_out.0.", ".proj_attn.")}) {
                if (const auto at = s.name.find(now); at != s.name.npos) {
                    s.name.replace(at, std::string_view(now).size(), old);
                    s.shape = s.shape.size() == 2 ? shape : s.shape;
                }
            }
        }
        write_stored(folder / single, list);
        auto loaded = net.zeros();
        load_weights(folder / "", loaded);
        CHECK(loaded == net);
    }
    named_tensors<float> other;  // elsewhere such a name is a name
    other.add("layer.query.weight", {2, 2});
    save_weights(folder / "", other);
    auto loaded = other.zeros();
    load_weights(folder / "", loaded);
    CHECK(loaded == other);
}

TEST_CASE("all tensors that do not fit are in one io_error, and the network is as it was", "[diffusers]") {
    const temporary_folder folder;
    auto net = some_layers<float>();
    const auto before = net;
    std::vector<stored> list = stored_of(net);
    for (stored& s : list) {
        std::fill(s.numbers.begin(), s.numbers.end(), 7.0f);
    }
    list[0].shape = {70, 5, 9, 1};                             // conv_in.weight
    list[1].name = "conv_in.basis";                            // conv_in.bias
    list[3].name = "down_blocks.0.attentions.0.query.weight";  // as to_q
    list[7].shape = {33, 5001, 1, 1};                          // not under attentions
    write_stored(folder / single, list);
    const std::string message = failure(folder / "", net);
    CAPTURE(message);
    CHECK(contains(message, single + ": not the tensors of this network: "));
    CHECK(contains(message, "conv_in.weight has shape [70, 5, 9, 1] instead of [70, 5, 3, 3]"));
    CHECK(contains(message, "conv_in.bias is missing"));
    CHECK(contains(message, "conv_in.basis is unexpected"));
    CHECK(contains(message, "0.to_q.weight comes twice"));
    CHECK(contains(message, "0.to_k.weight is missing"));
    CHECK(contains(message, "time_emb_proj.weight has shape [33, 5001, 1, 1] instead of [33, 5001]"));
    CHECK(net == before);
    write_stored(folder / single, stored_of(net), dtype::i32);
    CHECK(contains(failure(folder / "", net), "conv_in.weight has type I32 instead of a floating-point one"));
    CHECK(net == before);
}

TEST_CASE("of many tensors that do not fit the first are named, and how many there are", "[diffusers]") {
    const temporary_folder folder;
    auto net = some_layers<float>();
    std::vector<stored> list = stored_of(net);
    for (stored& s : list) {
        s.name = "other." + s.name;
    }
    write_stored(folder / single, list);
    const std::string message = failure(folder / "", net);
    CAPTURE(message);
    CHECK(contains(message, "is missing, ... (" + std::to_string(2 * list.size()) + " differences in all)"));
    CHECK_FALSE(contains(message, "unexpected"));
}

TEST_CASE("weights that are not finite are refused where asked, by the tensor's name", "[diffusers]") {
    const temporary_folder folder;
    auto net = some_layers<float>();
    std::vector<stored> list = stored_of(net);
    list[1].numbers[2] = std::numeric_limits<float>::infinity();
    write_stored(folder / single, list);
    auto loaded = net.zeros();
    const auto before = loaded;
    try {
        load_weights(folder / "", loaded, {.reject_nonfinite = true});
        FAIL("nothing was thrown");
    } catch (const io_error& e) {
        INFO(e.what());
        CHECK(contains(e.what(), list[1].name + "; expected finite values, got inf"));
    }
    CHECK(loaded == before);
    write_stored(folder / single, stored_of(net));
    load_weights(folder / "", loaded, {.reject_nonfinite = true});
    CHECK(loaded == net);
}

TEST_CASE("weights that the disk does not give leave the network as it was", "[diffusers]") {
    const temporary_folder folder;
    const std::string kept = data_folder + "/pipeline/unet/" + single, file = folder / single;
    const auto zeros = zeros_like_file<float>(kept).zeros();
    const auto copy_anew = [&] {
        std::filesystem::copy_file(kept, file, std::filesystem::copy_options::overwrite_existing);
    };
    copy_anew();
    const auto half = std::filesystem::file_size(file) / 2;
    for (const bool is_cut : {false, true}) {
        std::string said;
        bool was_met = true;
        int refused = 0;
        for (int call = 0; was_met; ++call) {
            REQUIRE(call < 1000);
            copy_anew();
            auto net = zeros;
            if (is_cut) {
                const before_file_call hook(call, [&] { std::filesystem::resize_file(file, half); });
                said = failure(folder / "", net);
                was_met = hook.was_met();
            } else {
                const file_fault_at fault(file_fault::error, call, EIO);
                said = failure(folder / "", net);
                was_met = fault.was_met();
            }
            CAPTURE(is_cut, call, said);
            REQUIRE((net == zeros) == (said != "loaded"));
            refused += said != "loaded" ? 1 : 0;
        }
        CHECK(refused > 2);
        CHECK(said == "loaded");
    }
}

TEST_CASE("weights that are not there, or not readable, are an io_error", "[diffusers]") {
    const temporary_folder folder;
    auto net = some_layers<float>();
    CHECK(contains(failure(folder / "", net), "no weights"));
    CHECK(contains(failure(folder / "", net), "got none"));
    CHECK(contains(failure(folder / "nowhere", net), "no folder that can be read (No such file or directory)"));
    write_text(folder / "diffusion_pytorch_model.bin", "PK");
    CHECK(
        contains(failure(folder / "", net),
                 "expected diffusion_pytorch_model.safetensors or diffusion_pytorch_model.safetensors.index.json, got "
                 "\"diffusion_pytorch_model.bin\": a pickle is a program, not data; save the model anew with "
                 "safe_serialization=True"));
    write_text(folder / "README.md", "x");
    write_text(folder / "diffusion_pytorch_model.ema.safetensors", "x");
    CHECK(contains(failure(folder / "", net),
                   "got \"diffusion_pytorch_model.bin\", \"diffusion_pytorch_model.ema.safetensors\": ask for the "
                   "variant, weights_options{.variant = \"ema\"}"));
    write_text(folder / single, "not a safetensors file");
    CHECK(failure(folder / "", net) != "loaded");
    save_weights(folder / "", net);
    const std::string whole = read_text(folder / single);
    for (const std::size_t length : {std::size_t{0}, std::size_t{9}, std::size_t{400}, whole.size() - 1}) {
        write_text(folder / single, std::string_view(whole).substr(0, length));
        CHECK(failure(folder / "", net) != "loaded");
    }
}

TEST_CASE("the weights of a variant are loaded if they are asked for", "[diffusers]") {
    const temporary_folder folder;
    const auto expected = some_layers<float>();
    auto net = expected.zeros();
    save_weights(folder / "", expected);
    std::filesystem::rename(folder / single, folder / "diffusion_pytorch_model.fp16.safetensors");
    CHECK(contains(failure(folder / "", net), "weights_options{.variant = \"fp16\"}"));
    load_weights(folder / "", net, {.variant = "fp16"});
    CHECK(net == expected);
    CHECK_THROWS_AS(load_weights(folder / "", net, {.variant = "bf16"}), io_error);
    std::filesystem::rename(folder / "diffusion_pytorch_model.fp16.safetensors",
                            folder / "diffusion_pytorch_model.fp16-00001-of-00002.safetensors");
    CHECK(contains(failure(folder / "", net), "weights_options{.variant = \"fp16\"}"));
    std::filesystem::rename(folder / "diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
                            folder / "diffusion_pytorch_model.fp16.safetensors");
    CHECK_THROWS_AS(load_weights(folder / "", net, {.variant = "../fp16"}), value_error);
    // Shards: diffusers' index of today, and the one it wrote before.
    std::filesystem::rename(folder / "diffusion_pytorch_model.fp16.safetensors", folder / "a.safetensors");
    std::string map;
    for (const stored& s : stored_of(expected)) {
        map += (map.empty() ? "\"" : ", \"") + s.name + "\": \"a.safetensors\"";
    }
    for (const std::string name : {"diffusion_pytorch_model.safetensors.index.fp16.json",
                                   "diffusion_pytorch_model.safetensors.fp16.index.json"}) {
        write_text(folder / name, "{\"weight_map\": {" + map + "}}");
        net = expected.zeros();
        load_weights(folder / "", net, {.variant = "fp16"});
        CHECK(net == expected);
        CHECK(contains(failure(folder / "", net), "got \"a.safetensors\", \"" + name + "\""));
        std::filesystem::remove(folder / name);
    }
}

TEST_CASE("weights are not saved where the index cannot be removed", "[diffusers]") {
    const temporary_folder folder;
    const auto net = some_layers<float>();
    std::filesystem::create_directory(folder / sharded);
    CHECK_THROWS_AS(save_weights(folder / "", net), io_error);
    CHECK_THROWS_AS(save_weights(folder / "nowhere", net), io_error);
    CHECK(folder.entries() == 1);
}

TEST_CASE("loading a folder takes no more memory than its files and a constant", "[diffusers]") {
    const temporary_folder folder(place_in_memory());
    for (const isize side : {8, 256, 2048}) {
        named_tensors<float> net;
        net.add("a", {side, side});
        net.add("b", {side, side}, 3);
        const std::vector<stored> list = stored_of(net);
        for (const dtype type : {dtype::f32, dtype::f16}) {
            write_stored(folder / "a.safetensors", {list.begin(), list.begin() + 1}, type);
            write_stored(folder / "b.safetensors", {list.begin() + 1, list.end()}, type);
            write_text(folder / sharded, R"({"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}})");
            const auto files = static_cast<std::ptrdiff_t>(std::filesystem::file_size(folder / "a.safetensors") +
                                                           std::filesystem::file_size(folder / "b.safetensors") +
                                                           std::filesystem::file_size(folder / sharded));
            auto loaded = net.zeros();
            const std::ptrdiff_t peak = peak_of([&] {
                load_weights(folder / "", loaded);
                return 0;
            });
            std::cout << "load_weights: " << peak << " bytes for files of " << files << std::endl;
            CHECK(loaded == net);
            CHECK(peak <=
                  files + (std::ptrdiff_t{2} << 21) + 100'000);  // whole huge pages, from the first address of one on
        }
    }
}

TEST_CASE("an index of shards that is wrong is an io_error", "[diffusers]") {
    const temporary_folder folder;
    auto net = some_layers<float>();
    const auto expected = net;
    const std::vector<stored> list = stored_of(net);
    write_stored(folder / "a.safetensors", {list.begin(), list.begin() + 4});
    write_stored(folder / "b.safetensors", {list.begin() + 4, list.end()});
    const auto index_of = [&](std::size_t in_a) {
        std::string map;
        for (std::size_t i = 0; i < list.size(); ++i) {
            map += (i == 0 ? "\"" : ", \"") + list[i].name + (i < in_a ? "\": \"a" : "\": \"b") + ".safetensors\"";
        }
        return R"({"metadata": {"total_size": 1}, "weight_map": {)" + map + "}}";
    };
    write_text(folder / sharded, index_of(4));
    net = net.zeros();
    load_weights(folder / "", net);
    CHECK(net == expected);
    write_text(folder / sharded, index_of(3));
    CHECK(contains(failure(folder / "", net), list[3].name + " is missing in b.safetensors"));
    for (const std::string_view wrong :
         {"", "[]", "{}", R"({"weight_map": []})", R"({"weight_map": {"a": 1}})",
          R"({"weight_map": {"a": "../x.safetensors"}})", R"({"weight_map": {"a": "/x.safetensors"}})",
          R"({"weight_map": {"a": ""}})", R"({"weight_map": {"a": "a.bin"}})",
          R"({"weight_map": {"a": "c.safetensors"}})", R"({"weight_map": {}})"}) {
        CAPTURE(wrong);
        write_text(folder / sharded, wrong);
        CHECK(failure(folder / "", net) != "loaded");
        CHECK(net == expected);
    }
    const std::string whole = index_of(4);
    for (std::size_t length = 0; length < whole.size(); length += 7) {
        write_text(folder / sharded, std::string_view(whole).substr(0, length));
        CHECK(failure(folder / "", net) != "loaded");
    }
    write_text(folder / sharded, whole);
    write_stored(folder / "b.safetensors", list);  // all of a.safetensors too
    CHECK(contains(failure(folder / "", net), "comes twice"));
}

}  // namespace
}  // namespace ddpm::test
