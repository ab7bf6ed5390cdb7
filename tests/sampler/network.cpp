// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Samples of a real network: the same bits for every thread count, alone or among others.

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/mlp.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <span>
#include <vector>

namespace ddpm::test {
namespace {

// A network whose zero-initialized layers are filled too, so that every parameter counts.
template <Scalar S>
nn::mlp<S> filled_network() {
    nn::mlp<S> net{{.dim = 20, .hidden = 40, .blocks = 2, .seed = 3}};
    isize at = 0;
    for (const nn::parameter<S>& p : nn::parameters(net)) {
        for (S& value : p.values) {
            value += static_cast<S>(static_cast<double>(++at * 37 % 101) / 1000 - 0.05);
        }
    }
    return net;
}

template <Scalar S, class A>
void check_bits(const A& sampler) {
    const noise_schedule schedule{cosine_beta{}, 20};
    const nn::mlp<S> net = filled_network<S>();
    const sample_options options{.count = 33, .seed = 9, .clip_x0 = 1.0};
    set_thread_count(1);
    const batch<S> expected = sample(sampler, schedule, net, options);
    CHECK(expected.allFinite());
    CHECK((expected.col(0) - expected.col(1)).abs().maxCoeff() > S(0.1));
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK((sample(sampler, schedule, net, options) == expected).all());
    }
    set_thread_count(0);
    for (const isize count : {1, 2, 16}) {
        for (const isize first : {0, 5, 17}) {
            sample_options part = options;
            part.count = count;
            part.first_sample = first;
            INFO("samples " << first << " to " << first + count - 1);
            CHECK((sample(sampler, schedule, net, part) == expected.middleCols(first, count)).all());
        }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("a network's samples have the same bits for every thread count and batch split", "[sampler]", float, double) {
    check_bits<TestType>(ancestral{});
    check_bits<TestType>(ddim{.eta = 0.5});
}

}  // namespace ddpm::test
