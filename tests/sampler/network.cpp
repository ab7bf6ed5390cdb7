// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Samples of networks: the same bits for every thread count, alone or among others; and whatever takes a predictor
// takes the smallest network, with its conditions.

#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/any_sampler.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/image_to_image.hpp>
#include <ddpm/sampler/inpaint.hpp>
#include <ddpm/sampler/interpolate.hpp>
#include <ddpm/sampler/inversion.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/smallest_networks.hpp"

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
    for (const isize threads : {2, 3, 7, 16}) {
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

/// What every way to sample makes of a predictor of ε.
template <class P>
std::vector<batch<double>> edited(const P& predictor) {
    const noise_schedule schedule{cosine_beta{}, 20};
    const time_grid grid = make_grid(schedule, std::vector<isize>{18, 12, 6, 2});
    const batch<double> x0 = random_batch(4, 3, 1), other = random_batch(4, 3, 2), x = random_batch(4, 3, 3);
    const batch<double> mask = (random_batch(4, 3, 4) > 0).cast<double>();
    philox_noise noise(5, noise_stream::sampler);
    const sample_options options{.steps = 4, .count = 3, .seed = 9};
    const inverted<double> found = invert({.iterations = 3}, grid, predictor, x0);
    return {sample(ddim{}, schedule, predictor, options),
            sample(any_sampler(dpm_multistep{}), schedule, predictor, options),
            inpaint<double>(ddim{.eta = 0.5}.plan(grid), predictor, {x0, mask}, x, noise),
            image_to_image(ddim{}, grid, predictor, x0, 0.5, noise),
            interpolate(ddim{}, grid, predictor, x0, other, 0.3, 0.5, noise),
            found.latents,
            found.reconstructed};
}

/// The smallest network without a condition, which does what told_network does for one.
struct bound_network : line_network<double> {
    told_network<double> net;
    some_conditions<double> given;

    explicit bound_network(const told_network<double>& of) : net(of), given(of.takes(), 2, 3) {}
    void forward(const network_input<double>& in, batch_view<double> out, workspace&) const {
        told_network<double>::workspace w;
        net.forward({in.xt, in.t, given.all()}, out, w);
    }
    void backward(const network_input<double>&, batch_view<const double>, workspace&, bound_network&,
                  batch_view<double>) const {}
};

}  // namespace

TEST_CASE("the smallest networks sample, inpaint, edit, interpolate and invert", "[sampler]") {
    told_network<double> told;
    disturb(told, 0.3, 4);
    const some_conditions<double> given(told.takes(), 2, 3);
    const std::vector<batch<double>> with = edited(conditioned(told, given.all())),
                                     by_hand = edited(bound_network(told));
    line_network<double> line;
    disturb(line, 0.3, 4);
    const std::vector<batch<double>> without = edited(line);
    REQUIRE(with.size() == 7);
    for (std::size_t i = 0; i < with.size(); ++i) {
        INFO("result " << i);
        CHECK(with[i].allFinite());
        CHECK((with[i] == by_hand[i]).all());
        CHECK(without[i].allFinite());
        CHECK((with[i] != without[i]).any());
    }
}

TEMPLATE_TEST_CASE("a network's samples have the same bits for every thread count and batch split", "[sampler]", float,
                   double) {
    check_bits<TestType>(ancestral{});
    check_bits<TestType>(ddim{.eta = 0.5});
}

}  // namespace ddpm::test
