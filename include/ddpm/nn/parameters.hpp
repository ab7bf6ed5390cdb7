// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/finite.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ddpm {

/// Options for reading a network's parameters from a file.
struct load_options {
    bool reject_nonfinite = false;  ///< a value that is NaN or infinite is an error
};

}  // namespace ddpm

namespace ddpm::nn {

/// A named parameter tensor of a network. It refers to the network's memory. T is S, or const S if the network is
/// const.
template <class T>
struct parameter {
    std::string name;  ///< dotted, as torch names it: "blocks.0.norm.weight"
    tensor_shape shape;
    std::span<T> values;
    tensor_order order = tensor_order::last_fastest;  ///< the order of the values in memory
};

/// Checks that L is a layer: layer_signature<L> does not compile otherwise, and the compiler's first error says what one
/// is.
template <class L>
struct layer_signature {
    static_assert(
        Layer<L>,
        "ddpm: wanted is a layer or network with a member type scalar and a static member visit(self, visitor), which "
        "calls visitor(name, member) for each of its tensors and layers");
};

namespace detail {

template <class M>
inline constexpr bool is_tensor = false;
template <class S>
inline constexpr bool is_tensor<tensor<S>> = true;

/// The visitor that lists all tensors of a layer; one type for all layers, so that each is compiled once.
template <class T>
struct parameter_visitor {
    std::vector<parameter<T>>* list;
    std::string prefix{};  ///< of the names, including the dot

    template <class Member>
    void operator()(const char* name, Member& member) const {
        if constexpr (is_tensor<std::remove_const_t<Member>>) {
            add(name, member.shape(), member.values(), member.order());
        } else if constexpr (requires { member.begin(); }) {
            isize i = 0;
            for (auto& element : member) {
                below(name)(std::to_string(i++).c_str(), element);
            }
        } else {
            static_assert(
                requires(parameter_visitor visitor) { std::remove_const_t<Member>::visit(member, visitor); },
                "ddpm: wanted is a layer with a static member visit(self, visitor), which calls visitor(name, member) "
                "for each of its tensors and layers");
            std::remove_const_t<Member>::visit(member, below(name));
        }
    }

private:
    [[gnu::noinline]] void add(const char* name, const tensor_shape& shape, std::span<T> values,
                               tensor_order order) const {
        list->push_back({prefix + name, shape, values, order});
    }
    [[gnu::noinline]] parameter_visitor below(const char* name) const { return {list, prefix + name + "."}; }
};

}  // namespace detail

/// The first of the parameters with an element that is not finite.
template <class T>
[[nodiscard]] std::optional<std::size_t> first_not_finite(std::span<const parameter<T>> parameters) {
    const auto found = std::find_if(parameters.begin(), parameters.end(), [](const parameter<T>& p) {
        return ddpm::detail::find_not_finite(p.values) != p.values.end();
    });
    return found == parameters.end() ? std::nullopt
                                     : std::optional(static_cast<std::size_t>(found - parameters.begin()));
}

/// The scalar of a layer's parameters, const if the layer is.
template <class L>
using parameter_scalar = std::conditional_t<std::is_const_v<L>, const typename L::scalar, typename L::scalar>;

/// All parameters of a layer or network in a fixed order, so that those of a network, its gradient and its average
/// correspond by position. Valid until the network is assigned or destroyed.
template <class L>
    requires Layer<std::remove_const_t<L>>
[[nodiscard]] std::vector<parameter<parameter_scalar<L>>> parameters(L& layer) {
    std::vector<parameter<parameter_scalar<L>>> list;
    std::remove_const_t<L>::visit(layer, detail::parameter_visitor<parameter_scalar<L>>{&list});
    return list;
}

/// The number of learned values of a layer or network.
template <Layer L>
[[nodiscard]] isize parameter_count(const L& layer) {
    isize count = 0;
    for (const auto& p : parameters(layer)) {
        count += static_cast<isize>(p.values.size());
    }
    return count;
}

/// A copy with all parameters zero, to accumulate a gradient.
template <Layer L>
[[nodiscard]] L zeros_like(const L& layer) {
    L zeros = layer;
    for (const auto& p : parameters(zeros)) {
        std::fill(p.values.begin(), p.values.end(), typename L::scalar{0});
    }
    return zeros;
}

}  // namespace ddpm::nn
