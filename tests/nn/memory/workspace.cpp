// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/memory/workspace.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <string>

namespace ddpm::test {
namespace {

struct one_map {
    nn::feature_map<float> map;
};
using map_workspace = nn::workspace<float, one_map>;

std::string backward_error(const map_workspace& w, isize samples) {
    try {
        w.require_backward("here", samples);
        return {};
    } catch (const shape_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a workspace knows what it serves", "[nn]") {
    CHECK_FALSE(map_workspace(pass::forward).for_backward());
    CHECK(map_workspace(pass::backward).for_backward());
    CHECK(map_workspace(pass::recompute).for_backward());
    CHECK_FALSE(map_workspace(pass::forward).keeps());
    CHECK(map_workspace(pass::backward).keeps());
    CHECK_FALSE(map_workspace(pass::recompute).keeps());
    CHECK(map_workspace(pass::forward).activations.map.empty());
    CHECK(map_workspace(pass::forward).memory.bytes() == 0);
}

TEST_CASE("a new batch has the memory of the last one", "[nn]") {
    map_workspace w(pass::backward);
    w.begin(2);
    w.activations.map = w.memory.map(1, 2, 2, 2);
    const float* const first = w.activations.map.data;
    w.begin(1);
    CHECK(w.memory.map(1, 2, 2, 1).data == first);
}

TEST_CASE("backward goes with a workspace for it, of as many samples as went forward", "[nn]") {
    for (const pass serves : {pass::backward, pass::recompute}) {
        map_workspace w(serves);
        CHECK(backward_error(w, 0).empty());
        CHECK_FALSE(backward_error(w, 3).empty());
        w.begin(3);
        CHECK(backward_error(w, 3).empty());
        CHECK(contains(backward_error(w, 2), "here: samples that went forward; expected 3, got 2"));
        w.begin(2);
        CHECK(backward_error(w, 2).empty());
        CHECK_FALSE(backward_error(w, 3).empty());
        w.end();
        CHECK(contains(backward_error(w, 2),
                       "here: workspace; expected one after forward, got one whose activations are used up"));
        w.begin(2);
        CHECK(backward_error(w, 2).empty());
    }
    map_workspace forward_only(pass::forward);
    forward_only.begin(3);
    CHECK(contains(backward_error(forward_only, 3),
                   "here: workspace; expected one planned for backward, got one for forward only"));
}

}  // namespace ddpm::test
