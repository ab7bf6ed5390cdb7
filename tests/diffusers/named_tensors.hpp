// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/torch_order.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {

/// A network that is nothing but tensors with names of one's choice; weights lie as those of real layers.
template <Scalar S>
struct named_tensors {
    using scalar = S;

    std::vector<std::pair<std::string, nn::tensor<S>>> tensors;
    nn::unet_options made_by{};

    [[nodiscard]] const nn::unet_options& options() const { return made_by; }

    /// Adds a tensor whose numbers are an arithmetic sequence in torch's order, exact in half precision.
    void add(const std::string& name, const nn::tensor_shape& shape, int first = 0) {
        const bool is_weight = shape.dimensions() >= 2;
        nn::tensor<S> tensor(shape, is_weight ? nn::tensor_order::first_fastest : nn::tensor_order::last_fastest);
        nn::for_each_place(tensor.shape(), tensor.order(), [&](isize torch, isize memory) {
            tensor[memory] = static_cast<S>((torch * 7 + first) % 257 - 128) / 16;
        });
        tensors.emplace_back(name, std::move(tensor));
    }

    /// The same tensors, full of zeros.
    [[nodiscard]] named_tensors zeros() const {
        named_tensors out;
        out.made_by = made_by;
        for (const auto& [name, tensor] : tensors) {
            out.tensors.emplace_back(name, nn::tensor<S>(tensor.shape(), tensor.order()));
        }
        return out;
    }

    /// The numbers of tensor i in torch's order.
    [[nodiscard]] std::vector<S> numbers(std::size_t i) const {
        const nn::tensor<S>& tensor = tensors[i].second;
        std::vector<S> out(static_cast<std::size_t>(tensor.size()));
        nn::to_torch_order(nn::parameter<const S>{{}, tensor.shape(), tensor.values(), tensor.order()}, std::span(out));
        return out;
    }

    friend bool operator==(const named_tensors& a, const named_tensors& b) {
        bool same = a.tensors.size() == b.tensors.size();
        for (std::size_t i = 0; same && i < a.tensors.size(); ++i) {
            same = a.tensors[i].first == b.tensors[i].first && a.numbers(i) == b.numbers(i);
        }
        return same;
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        for (auto& [name, tensor] : self.tensors) {
            visitor(name.c_str(), tensor);
        }
    }
};

/// Zeros with the names and shapes of a safetensors file.
template <Scalar S>
[[nodiscard]] named_tensors<S> zeros_like_file(const std::string& path) {
    named_tensors<S> out;
    const auto file = io::safetensors_file::open(path);
    for (const auto& [name, info] : file.tensors()) {
        const auto& s = info.shape;
        out.add(name, s.size() == 4   ? nn::tensor_shape{s[0], s[1], s[2], s[3]}
                      : s.size() == 2 ? nn::tensor_shape{s[0], s[1]}
                                      : nn::tensor_shape{s[0]});
    }
    return out.zeros();
}

}  // namespace ddpm::test
