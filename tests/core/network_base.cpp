// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/network_base.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace ddpm::test {
namespace {

/// The smallest layer: one number under one name.
template <class S>
struct one_number {
    using scalar = S;
    S number{};
    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("number", self.number);
    }
};

/// A layer with an inner layer and a vector of them.
struct nested_layer {
    using scalar = float;
    one_number<float> first{1};
    std::vector<one_number<float>> rest{{2}, {3}};
    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("first", self.first);
        visitor("rest", self.rest);
    }
};

struct without_visit {
    using scalar = float;
};

struct without_scalar {
    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&) {}
};

struct never_const {
    using scalar = float;
    template <class Visitor>
    static void visit(never_const&, Visitor&&) {}
};

struct visits_without_names {
    using scalar = float;
    float number = 0;
    template <class Self, class Visitor>
    static auto visit(Self& self, Visitor&& visitor) -> decltype(visitor(self.number)) {
        return visitor(self.number);
    }
};

static_assert(Layer<one_number<float>> && Layer<one_number<double>> && Layer<nested_layer>);
static_assert(!Layer<one_number<int>> && !Layer<without_scalar> && !Layer<without_visit>);
static_assert(!Layer<never_const> && !Layer<visits_without_names>);

/// A network that redefines every property.
struct special_network : network_base {
    [[nodiscard]] bool has_variance_head() const noexcept { return true; }
    [[nodiscard]] condition_shape takes() const noexcept { return {.classes = 3}; }
    [[nodiscard]] isize samples_at_once() const noexcept { return 5; }
};

struct plain_network : network_base {};

}  // namespace

TEST_CASE("a network has none of the optional properties unless it redefines them", "[core]") {
    const plain_network plain;
    CHECK_FALSE(plain.has_variance_head());
    CHECK(plain.takes() == condition_shape{});
    CHECK(plain.samples_at_once() == 0);
    const special_network special;
    CHECK(special.has_variance_head());
    CHECK(special.takes() == condition_shape{.classes = 3});
    CHECK(special.samples_at_once() == 5);
}

TEST_CASE("a layer shows its members in one order, whether it is const or not", "[core]") {
    std::string shown;
    const auto show = [&shown](const char* name, const auto&) { shown += std::string(name) + " "; };
    nested_layer layer;
    nested_layer::visit(layer, show);
    const nested_layer& constant = layer;
    nested_layer::visit(constant, show);
    CHECK(shown == "first rest first rest ");
    nested_layer::visit(layer, [](const char*, auto& member) {
        if constexpr (requires { member.number; }) {
            member.number = 7;
        }
    });
    CHECK(layer.first.number == 7);
}

}  // namespace ddpm::test
