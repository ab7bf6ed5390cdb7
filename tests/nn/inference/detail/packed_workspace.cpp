// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/inference/detail/packed_workspace.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace ddpm::test {
namespace {

/// What a network might do: takes three maps, of which the last two have the place of the first ones that were released.
template <class T>
std::array<nn::detail::stored_map<T>, 3> take_maps(nn::detail::packed_workspace<T>& w) {
    const nn::detail::stored_map<T> first = w.map(32, 4, 4, 1), second = w.plain_map(32, 2, 2);
    w.release_map(first);
    const nn::detail::stored_map<T> third = w.map(32, 4, 4, 1);
    w.release(second.data);
    w.release_map(third);
    return {first, second, third};
}

template <class T>
void plan_maps(nn::detail::packed_workspace<T>& w, isize samples, isize floats = 0) {
    w.begin_plan(samples);
    static_cast<void>(take_maps(w));
    w.end_plan(floats);
}

}  // namespace

TEMPLATE_TEST_CASE("a packed workspace has memory for the samples that were planned", "[nn]", float, bfloat16) {
    nn::detail::packed_workspace<TestType> w;
    CHECK_FALSE(w.planning());
    CHECK_FALSE(w.is_planned_for(0));
    CHECK_FALSE(w.is_planned_for(2));
    CHECK(w.bytes() == 0);
    w.begin_plan(2);
    CHECK(w.planning());
    CHECK(w.samples() == 2);
    CHECK_FALSE(w.is_planned_for(2));  // until the memory is there
    static_cast<void>(take_maps(w));
    w.end_plan(64);
    CHECK_FALSE(w.planning());
    CHECK(w.samples() == 2);
    CHECK(w.is_planned_for(2));
    CHECK_FALSE(w.is_planned_for(1));
    // A plan that is begun and not ended leaves none, not the last one either.
    w.begin_plan(3);
    CHECK_FALSE(w.is_planned_for(2));
    CHECK_FALSE(w.is_planned_for(3));
    static_assert(std::is_same_v<typename nn::detail::packed_workspace<TestType>::scalar, float>);
}

TEMPLATE_TEST_CASE("blocks of a packed workspace are what was planned, without an allocation", "[nn]", float,
                   bfloat16) {
    using T = TestType;
    const auto in_plan = [] {
        nn::detail::packed_workspace<T> w;
        w.begin_plan(3);
        return take_maps(w);
    }();
    nn::detail::packed_workspace<T> w;
    plan_maps(w, 3, 100);
    const std::size_t before = allocations;
    w.begin();
    const auto maps = take_maps(w);
    static_cast<void>(w.floats.take(96));
    CHECK(allocations == before);
    CHECK(reinterpret_cast<std::uintptr_t>(maps[0].data) % 64 == 0);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(reinterpret_cast<std::uintptr_t>(maps[k].data) - reinterpret_cast<std::uintptr_t>(maps[0].data) ==
              reinterpret_cast<std::uintptr_t>(in_plan[k].data) - reinterpret_cast<std::uintptr_t>(in_plan[0].data));
    }
    CHECK(maps[0].channels == 32);
    CHECK(maps[0].height == 4);
    CHECK(maps[0].width == 4);
    CHECK(maps[0].samples == 3);
    CHECK(maps[0].moments != nullptr);
    CHECK(maps[1].moments == nullptr);
    CHECK(maps[2].data == maps[0].data);
    // Memory of 3 · 512 elements with moments, and of 3 · 128 without, and of the floats.
    const std::size_t bytes = 3 * (512 + 128) * sizeof(T) + 4 * static_cast<std::size_t>(maps[0].all_moments());
    CHECK(w.bytes() == bytes + 100 * sizeof(float));
    // Blocks that are used together do not overlap.
    std::fill_n(maps[0].moments, maps[0].all_moments(), 2.0F);
    std::fill_n(maps[0].data, maps[0].size(), T{});
    std::fill_n(maps[1].data, maps[1].size(), T{});
    CHECK(std::count(maps[0].moments, maps[0].moments + maps[0].all_moments(), 2.0F) == maps[0].all_moments());
}

TEST_CASE("a packed workspace is planned again for another number of samples, and for fewer allocates nothing",
          "[nn]") {
    nn::detail::packed_workspace<float> w;
    plan_maps(w, 3, 300);
    const std::size_t bytes = w.bytes(), before = allocations;
    plan_maps(w, 1, 100);
    CHECK(w.is_planned_for(1));
    CHECK(w.bytes() < bytes);
    plan_maps(w, 3, 300);
    CHECK(w.bytes() == bytes);
    CHECK(allocations == before);
    plan_maps(w, 4, 400);
    CHECK(w.bytes() > bytes);
    const std::size_t planned = allocations;
    w.begin();
    static_cast<void>(take_maps(w));
    static_cast<void>(w.floats.take(400));
    CHECK(allocations == planned);
}

TEST_CASE("a run begins with all memory free, wherever the last one ended", "[nn]") {
    nn::detail::packed_workspace<float> w;
    plan_maps(w, 2, 64);
    w.begin();
    const nn::detail::stored_map<float> abandoned = w.map(32, 4, 4, 1);
    const float* const floats = w.floats.take(16);
    w.skips.push_back(abandoned);
    w.begin();
    CHECK(w.skips.empty());
    CHECK(w.floats.take(16) == floats);
    CHECK(take_maps(w)[0].data == abandoned.data);
}

TEST_CASE("each run measures the same layers of a profile", "[nn]") {
    nn::detail::packed_workspace<float> w;
    CHECK(w.profile == nullptr);
    nn::layer_profile profile;
    w.profile = &profile;
    for (int run = 0; run < 3; ++run) {
        w.begin();
        profile.measure("first", "dense", 0, 0, [] {});
        profile.measure("second", "dense", 0, 0, [] {});
    }
    REQUIRE(profile.layers().size() == 2);
    CHECK(profile.layers()[1].name == "second");
}

}  // namespace ddpm::test
