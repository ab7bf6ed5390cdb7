// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_departures.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

TEST_CASE("a set of classes contains those that it was made of", "[diffusers]") {
    constexpr scheduler_kinds none{}, two{scheduler_kind::ddpm, scheduler_kind::unclip};
    static_assert(two.contains(scheduler_kind::ddpm) && !none.contains(scheduler_kind::ddpm));
    for (const diffusers::detail::scheduler_class& known : diffusers::detail::scheduler_classes) {
        CHECK_FALSE(none.contains(known.kind));
        CHECK(two.contains(known.kind) == (known.kind == scheduler_kind::ddpm || known.kind == scheduler_kind::unclip));
        CHECK(scheduler_kinds{known.kind}.contains(known.kind));
    }
    // One bit of 64 for each class.
    CHECK(std::size(diffusers::detail::scheduler_classes) <= 64);
}

TEST_CASE("each departure has a name of its own, a class, and says what both sides do", "[diffusers]") {
    std::set<std::string_view> names;
    for (const scheduler_departure& departure : scheduler_departures()) {
        CAPTURE(departure.name);
        CHECK(names.insert(departure.name).second);
        CHECK_FALSE(departure.when.empty());
        CHECK_FALSE(departure.diffusers.empty());
        CHECK_FALSE(departure.here.empty());
        CHECK(departure.diffusers != departure.here);
        CHECK(std::ranges::any_of(diffusers::detail::scheduler_classes,
                                  [&](const auto& known) { return departure.kinds.contains(known.kind); }));
    }
    std::ifstream in(DDPM_SOURCE_FOLDER "/tests/README.md");
    const std::string page(std::istreambuf_iterator<char>(in), {});
    CHECK(contains(page, "the " + std::to_string(names.size()) + " departures"));
}

TEST_CASE("the departures of a class are those that name it, in the same order", "[diffusers]") {
    for (const diffusers::detail::scheduler_class& known : diffusers::detail::scheduler_classes) {
        CAPTURE(known.name);
        std::vector<std::string_view> expected, got;
        for (const scheduler_departure& departure : scheduler_departures()) {
            if (departure.kinds.contains(known.kind)) {
                expected.push_back(departure.name);
            }
        }
        for (const scheduler_departure& departure : scheduler_departures(known.kind)) {
            got.push_back(departure.name);
        }
        CHECK(got == expected);
    }
    CHECK(scheduler_departures(scheduler_kind::unclip).size() == 1);
    CHECK(scheduler_departures(scheduler_kind::unclip)[0].name == "unclip_single");
}

}  // namespace
}  // namespace ddpm::test
