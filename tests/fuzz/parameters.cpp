// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/io/detail/checksum.hpp>
#include <ddpm/io/detail/crc32.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "diffusers/named_tensors.hpp"
#include "fuzz/place.hpp"
#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"
#include "support/smallest_networks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::fuzz {

namespace {

template <class Net>
std::vector<float> values_of(const Net& net) {
    std::vector<float> values;
    for (const auto& parameter : nn::parameters(net)) {
        values.insert(values.end(), parameter.values.begin(), parameter.values.end());
    }
    return values;
}

/// A trainer as new: one that was loaded is not used again.
template <class Net>
struct training {
    Net net;
    trainer<Net, noise_schedule<>> of_net{net, noise_schedule{linear_beta{}, 4}};
    std::vector<float> before = values_of(net);
};

nn::mlp<float> small_network() { return nn::mlp<float>({.dim = 1, .hidden = 2, .blocks = 1, .embedding = 2}); }
test::line_network<float> smallest_network() { return {}; }

const std::string& path() {
    static const std::string file = place() / "parameters.safetensors";
    return file;
}

/// A failed load must not change the network.
void load_network() {
    test::named_tensors<float> net;
    net.add("a", {2, 3});
    net.add("b", {4});
    const test::named_tensors<float> before = net;
    if (!accepted([&] { load_parameters(path(), net); })) {
        require(net == before, "a failed load changed the network");
    }
}

/// A failed load must not change the trainer, nor its network.
template <class Net>
void load_trainer(Net (*make)(), resume how) {
    static std::unique_ptr<training<Net>> resumed;
    if (!resumed) {
        resumed.reset(new training<Net>{make()});
    }
    if (accepted([&] { resumed->of_net.load(path(), how); })) {
        resumed.reset();
    } else {
        require(resumed->of_net.step() == 0, "a failed load changed the trainer");
        require(values_of(resumed->net) == resumed->before, "a failed load changed the trainer's network");
    }
}

void load(std::string_view file) {
    test::write_text(path(), file);
    load_network();
    load_trainer(small_network, resume::with_other_options);
}

/// Replaces the checksum in a file by the right one. Returns whether the file has one and it was another.
bool correct_checksum(std::string& file) {
    std::string start = io::detail::checksum_entry("");
    start.pop_back();  // the second quote of the value
    const std::size_t found = file.find(start), at = found + start.size(), size = io::detail::blank_checksum.size();
    if (found == file.npos || at + size > file.size()) {
        return false;
    }
    const std::string before = file.substr(at, size);
    file.replace(at, size, io::detail::blank_checksum);
    io::detail::crc32 crc;
    crc.update(ddpm::detail::bytes_of(file));
    file.replace(at, size, io::detail::checksum_text(crc.value()));
    return file.compare(at, size, before) != 0;
}

/// A trainer's checkpoint with changes. Of each, two bytes say where, one how many bytes are removed, and one how many of
/// the following bytes take their place. The length of the header is made right.
std::string changed_checkpoint(bytes changes) {
    static const std::string whole = [] {
        training<test::line_network<float>> saved{smallest_network()};
        saved.net.slope[0] = 1;
        saved.of_net.save(path());
        std::string file = test::read_text(path());
        require(!correct_checksum(file), "the checksum of the library's writer is another");
        return file;
    }();
    std::uint64_t length = 0;
    std::memcpy(&length, whole.data(), sizeof(length));
    std::string file = whole.substr(sizeof(length));
    const std::size_t data = file.size() - static_cast<std::size_t>(length);
    const auto number = [&](std::size_t i) { return std::to_integer<std::size_t>(changes[i]); };
    while (changes.size() >= 4) {
        const std::size_t added = std::min(number(3), changes.size() - 4);
        file.replace((number(0) | number(1) << 8) % (file.size() + 1), number(2),
                     ddpm::detail::text_of(changes.subspan(4, added)));
        changes = changes.subspan(4 + added);
    }
    length = file.size() - std::min(file.size(), data);
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + file;
}

}  // namespace

/// A file, read as it is, and with the right checksum if it has a wrong one. Whole checkpoints seldom fit into an input: bytes
/// that cannot be a file, because the highest byte of the header's length is not 0, are also changes of a checkpoint.
void parameters(bytes input) {
    std::string file(ddpm::detail::text_of(input));
    load(file);
    if (correct_checksum(file)) {
        load(file);
    }
    if (input.size() >= 8 && input[7] != std::byte{0}) {
        file = changed_checkpoint(input.subspan(8));
        correct_checksum(file);
        test::write_text(path(), file);
        const bool exact = (input[7] & std::byte{1}) != std::byte{0};
        load_trainer(smallest_network, exact ? resume::exact : resume::with_other_options);
    }
}

}  // namespace ddpm::fuzz
