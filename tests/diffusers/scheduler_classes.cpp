// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_classes.hpp>

#include <ddpm/diffusers/detail/scheduler_keys.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace ddpm::test {
namespace {

using namespace diffusers;

TEST_CASE("every enumerator of scheduler_kind has one row, and says how its runs are made", "[diffusers]") {
    int next = 0;
    for (const diffusers::detail::scheduler_class& known : diffusers::detail::scheduler_classes) {
        CAPTURE(known.name);
        CHECK(static_cast<int>(known.kind) == next++);
        CHECK(&diffusers::detail::class_of(known.kind) == &known);
        CHECK(default_scheduler_config(known.kind).kind == known.kind);
        const bool by_sampler = known.steps == diffusers::detail::scheduler_steps::sampler;
        CHECK((known.grid != nullptr) == by_sampler);
        CHECK((known.plan != nullptr) == by_sampler);
        CHECK((known.has_betas() || by_sampler));
    }
    CHECK(scheduler_kind{} == scheduler_kind::ddpm);
    CHECK(next == static_cast<int>(scheduler_kind::unclip) + 1);
    CHECK_THROWS_AS(default_scheduler_config(static_cast<scheduler_kind>(next)), value_error);
}

TEST_CASE("the keys of a class are keys that can be read, each once", "[diffusers]") {
    const auto all = diffusers::detail::scheduler_keys();
    for (const diffusers::detail::scheduler_class& known : diffusers::detail::scheduler_classes) {
        std::set<std::string> keys;
        for (const std::string_view group : known.keys) {
            std::istringstream words{std::string(group)};
            for (std::string key; words >> key;) {
                CAPTURE(known.name, key);
                CHECK(keys.insert(key).second);
                CHECK(known.has_key(key));
                CHECK(std::count_if(all.begin(), all.end(), [&](const auto& k) { return k.name == key; }) == 1);
            }
        }
        CHECK_FALSE(known.has_key("sigma"));
        CHECK_FALSE(known.has_key("min"));
    }
}

}  // namespace
}  // namespace ddpm::test
