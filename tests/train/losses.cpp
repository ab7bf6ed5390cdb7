// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What the trainer gives to a loss, and does with what comes back.

#include <ddpm/loss/hybrid.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/variance_head.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/gradient_check.hpp"
#include "support/training.hpp"

#include <cmath>
#include <functional>
#include <vector>

namespace ddpm::test {

namespace {

/// Wants the head to be 1, beside the prediction's error: knows only networks with a head.
struct head_loss {
    template <NoiseSchedule Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<const S>> head, std::type_identity_t<batch_view<S>> d_predicted,
                      std::type_identity_t<batch_view<S>> d_head) const {
        const double loss = mse_loss{}(schedule, kind, noised, predicted, d_predicted);
        const batch<S> difference = head.array() - S(1);
        d_head.array() = difference * static_cast<S>(2.0 / static_cast<double>(head.size()));
        return loss + static_cast<double>(difference.square().mean());
    }
};

/// Knows both.
struct either_loss : head_loss {
    using head_loss::operator();
    template <NoiseSchedule Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        return mse_loss{}(schedule, kind, noised, predicted, d_predicted);
    }
};

/// mse_loss that shows what it gets.
struct seen_loss {
    std::function<void(const noised_batch<double>&)> look;

    template <NoiseSchedule Schedule>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<double>& noised,
                      batch_view<const double> predicted, batch_view<double> d_predicted) const {
        look(noised);
        return mse_loss{}(schedule, kind, noised, predicted, d_predicted);
    }
};

static_assert(VarianceLoss<head_loss, noise_schedule<>, float> && !TrainingLoss<head_loss, noise_schedule<>, float>);
static_assert(VarianceLoss<either_loss, noise_schedule<>, float> && TrainingLoss<either_loss, noise_schedule<>, float>);
static_assert(!VarianceLoss<mse_loss, noise_schedule<>, float>);

nn::mlp<double> net_with_head() {
    return nn::mlp<double>{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .variance_head = true, .seed = 5}};
}

/// What a network says of its variance for some samples.
template <class Net>
batch<typename Net::scalar> head_of(const Net& net, isize rows) {
    using S = typename Net::scalar;
    const batch<S> x = random_batch<S>(rows, 3, 8);
    batch<S> out(rows, 3), head(rows, 3);
    network_session(net, 3)(x, std::vector<double>{1, 2, 30}, model_output<S>{out, head});
    return head;
}

}  // namespace

TEST_CASE("a loss that knows of the variance head trains it", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<double> data = random_batch(4, 10, 1);
    const auto check = [&](auto loss, isize micro_batch) {
        auto net = net_with_head();
        disturb(net, 0.3, 2);
        auto start = net;
        double norm = 0, reported = 0;
        trainer trainer{net, schedule, {.batch = 6, .micro_batch = micro_batch, .seed = 9}, loss};
        static_cast<void>(trainer.fit(data, {.steps = 1, .progress = [&](const training_progress& p) {
                                                 norm = p.gradient_norm;
                                                 reported = p.loss;
                                                 return true;
                                             }}));
        // The same by hand.
        epoch_order order(9, 10);
        batch<double> x0(4, 6), eps(4, 6), both(8, 6), d_both(8, 6);
        std::vector<double> times;
        std::vector<isize> t;
        for (isize n = 0; n < 6; ++n) {
            x0.col(n) = data.col(order[n]);
            t.push_back(philox_noise(9, noise_stream::timestep).below(50, n, 0));
            times.push_back(static_cast<double>(t.back()));
        }
        philox_noise(9, noise_stream::training).normal(batch_view<double>(eps), 0);
        const batch<double> xt = q_sample(schedule, x0, t, eps);
        auto w = start.make_workspace(6, pass::backward);
        start.forward({xt, times}, both, w);
        double expected = 0;
        for (isize n = 0; n < 6; ++n) {
            for (isize i = 0; i < 4; ++i) {
                const double error = both(2 * i, n) - eps(i, n), off = both(2 * i + 1, n) - 1;
                expected += (error * error + off * off) / 24;
                d_both(2 * i, n) = 2 * error / 24;
                d_both(2 * i + 1, n) = 2 * off / 24;
            }
        }
        auto gradient = nn::zeros_like(start);
        start.backward({xt, times}, d_both, w, gradient);
        const auto gradients = nn::parameters(gradient);
        CHECK(std::abs(reported - expected) <= 1e-12 * expected);
        CHECK(std::abs(norm - gradient_norm<double>(gradients)(gradients)) <= 1e-12 * norm);
    };
    check(head_loss{}, 0);
    check(head_loss{}, 4);
    check(either_loss{}, 0);
    check(either_loss{}, 1);
}

TEST_CASE("another loss trains the prediction of a network with a head alone", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    auto net = net_with_head();
    auto without = small_net<double>();
    trainer trainer{net, schedule, {.batch = 8}};
    const batch<double> data = random_batch(4, 10, 1);
    const auto result = trainer.fit(data, {.steps = 30});
    CHECK(result.status == fit_status::finished);
    CHECK((head_of(net, 4) == 0).all());  // as at the start
    ddpm::trainer plain{without, schedule, {.batch = 8}};
    CHECK(std::abs(plain.fit(data, {.steps = 30}).loss - result.loss) <= 1e-9 * result.loss);
}

TEST_CASE("the head of a U-Net is trained too", "[train]") {
    using level = nn::unet_level;
    nn::unet<float> net({.height = 4,
                         .width = 4,
                         .in_channels = 2,
                         .out_channels = 4,
                         .down = {level::plain},
                         .up = {level::plain},
                         .channels = {8},
                         .layers = 1,
                         .groups = 4});
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<float> data = random_batch<float>(32, 10, 1);
    const float before = (head_of(net, 32) - 1).abs().mean();
    trainer trainer{net, schedule, {.batch = 8, .micro_batch = 3, .learning_rate = 1e-2}, head_loss{}};
    static_cast<void>(trainer.fit(data, {.steps = 60}));
    CHECK((head_of(net, 32) - 1).abs().mean() < 0.2f * before);
}

TEST_CASE("a loss that needs a head is refused by a network without one", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    auto net = small_net<double>();
    CHECK_THROWS_AS((trainer{net, schedule, {}, head_loss{}}), value_error);
    trainer trainer{net, schedule, {.batch = 4}, either_loss{}};
    CHECK(trainer.fit(two_points<double>(), {.steps = 2}).status == fit_status::finished);
}

TEST_CASE("importance sampling weighs samples and hears of their losses", "[train]") {
    const noise_schedule<> schedule{std::vector<double>{0.1, 0.2, 0.3, 0.4}};
    const time_sampling sampling = importance_times{.history = 3, .uniform_probability = 0.1};
    const auto run = [&](isize micro_batch) {
        time_sampler<noise_schedule<>, double> expected(sampling, schedule, 2);
        auto net = small_net<double>();
        std::vector<isize> t;
        std::vector<double> losses;
        isize step = 0, weighted = 0;
        const auto look = [&](const noised_batch<double>& noised) {
            REQUIRE(static_cast<isize>(noised.weight.size()) == noised.xt.columns());
            REQUIRE(static_cast<isize>(noised.losses.size()) == noised.xt.columns());
            for (isize n = 0; n < noised.xt.columns(); ++n) {
                const drawn_time<isize> drawn = expected(step, static_cast<isize>(t.size()) + n, 8);
                CHECK(noised.t[n] == drawn.t);
                CHECK(noised.weight_of(n) == drawn.weight);
                weighted += drawn.weight != 1 ? 1 : 0;
            }
        };
        // The same loss, and then what it reported.
        const auto loss = [&](const auto& s, prediction kind, const noised_batch<double>& noised, auto predicted,
                              auto d_predicted) {
            look(noised);
            const double value = mse_loss{}(s, kind, noised, predicted, d_predicted);
            for (isize n = 0; n < noised.xt.columns(); ++n) {
                t.push_back(noised.t[n]);
            }
            losses.insert(losses.end(), noised.losses.begin(), noised.losses.end());
            if (t.size() == 8) {
                expected.record(t, losses);
                t.clear();
                losses.clear();
                ++step;
            }
            return value;
        };
        trainer trainer{
            net, schedule, {.batch = 8, .micro_batch = micro_batch, .time_sampling = sampling, .seed = 2}, loss};
        CHECK(trainer.fit(two_points<double>(), {.steps = 20}).status == fit_status::finished);
        CHECK(weighted > 40);
        return net;
    };
    CHECK(largest_difference(run(0), run(3)) <= 1e-6);

    const auto silent = [](const auto& s, prediction kind, noised_batch<double> noised, auto predicted,
                           auto d_predicted) {
        noised.losses = {};
        return mse_loss{}(s, kind, noised, predicted, d_predicted);
    };
    auto net = small_net<double>();
    trainer trainer{net, schedule, {.batch = 8, .time_sampling = sampling}, silent};
    CHECK_THROWS_AS(trainer.fit(two_points<double>(), {.steps = 1}), value_error);
    CHECK(trainer.step() == 0);
    CHECK(largest_difference(net, small_net<double>()) == 0);
}

TEST_CASE("with zero terminal SNR a network is trained on epsilon wherever the weights have limits", "[train]") {
    const noise_schedule<> schedule{zero_terminal_snr(linear_beta{}, 5), 5};
    for (const loss_weighting& weighting : std::vector<loss_weighting>{
             uniform_weighting{}, snr_weighting{}, min_snr_weighting{}, soft_min_snr_weighting{}, p2_weighting{}}) {
        auto net = small_net<float>();
        trainer trainer{net, schedule, {.batch = 8}, mse_loss{.weighting = weighting}};
        CHECK(trainer.fit(two_points<float>(), {.steps = 20}).status == fit_status::finished);
        auto other = small_net<float>();
        ddpm::trainer robust{other, schedule, {.batch = 8}, huber_loss{.weighting = weighting}};
        CHECK(robust.fit(two_points<float>(), {.steps = 20}).status == fit_status::finished);
    }
}

TEST_CASE("a loss that has no value at some timestep is refused before the first step", "[train]") {
    const noise_schedule<> schedule{zero_terminal_snr(linear_beta{}, 1000), 1000};
    const auto refuses = [&](const auto& loss, const time_sampling& sampling) {
        nn::mlp<float> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .variance_head = true}};
        const auto before = net;
        trainer trainer{net, schedule, {.batch = 1, .time_sampling = sampling}, loss};
        CHECK_THROWS_AS(trainer.fit(two_points<float>(), {.steps = 3}), value_error);
        CHECK(largest_difference(net, before) == 0);
    };
    refuses(mse_loss{.space = prediction::x0}, {});
    refuses(mse_loss{.weighting = edm_weighting{}}, {});
    refuses(mse_loss{.space = prediction::epsilon, .weighting = min_snr_weighting{}}, {});
    refuses(mse_loss{.weighting = vdm_weighting{}}, {});
    refuses(mse_loss{.weighting = continuous_vdm_weighting{}}, {});
    refuses(mse_loss{.weighting = min_snr_weighting{-1}}, {});
    refuses(l1_loss{.space = prediction::x0}, {});
    refuses(huber_loss{.weighting = edm_weighting{}}, {});
    refuses(vlb_loss{}, {});
    refuses(hybrid_loss{}, antithetic_times{});
    refuses(kl_loss{}, {});
    // Log-normal timesteps leave out the one without signal.
    refuses(vlb_loss{.decoder = discretized_decoder{.levels = 1}}, log_normal_times{});
    refuses(vlb_loss{.scale = -1}, log_normal_times{});
    refuses(hybrid_loss{.lambda = std::nan("")}, log_normal_times{});
    nn::mlp<float> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8}};
    trainer trainer{
        net, schedule, {.batch = 8, .time_sampling = log_normal_times{}}, mse_loss{.weighting = edm_weighting{}}};
    CHECK(trainer.fit(two_points<float>(), {.steps = 3}).status == fit_status::finished);
}

TEST_CASE("the bound refuses to train on data that was not scaled", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    nn::mlp<float> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .variance_head = true}};
    trainer trainer{net, schedule, {.batch = 1}, hybrid_loss{}};
    batch<float> data = batch<float>::Zero(4, 1000);
    data(2, 900) = 255;
    try {
        static_cast<void>(trainer.fit(data, {.steps = 1}));
        FAIL("nothing was thrown");
    } catch (const value_error& e) {
        INFO(e.what());
        CHECK(contains(e.what(), "in [-1, 1]"));
        CHECK(contains(e.what(), "sample 900"));
        CHECK(contains(e.what(), "got 255"));
    }
    CHECK(trainer.step() == 0);
    data(2, 900) = 1.0001F;  // by rounding
    CHECK(trainer.fit(data, {.steps = 1}).step == 1);
    data(2, 900) = 255;
    ddpm::trainer density{net, schedule, {.batch = 1}, hybrid_loss{.decoder = gaussian_decoder{}}};
    CHECK(density.fit(data, {.steps = 1}).step == 1);
}

TEST_CASE("after setting up, a step of training allocates nothing", "[train]") {
    set_thread_count(1);
    const noise_schedule schedule{cosine_beta{}, 4};
    const batch<float> data = random_batch<float>(4, 37, 1);
    for (const time_sampling& sampling :
         {time_sampling{}, time_sampling{importance_times{.history = 3}}, time_sampling{stratified_times{}}}) {
        nn::mlp<float> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .variance_head = true}};
        const trainer_options options{.batch = 8, .micro_batch = 3, .time_sampling = sampling, .offset_noise = 0.1};
        trainer trainer{net, schedule, options, mse_loss{.weighting = min_snr_weighting{}}};
        std::size_t before = 0;
        static_cast<void>(trainer.fit(data, {.steps = 40, .progress = [&](const training_progress& p) {
                                                 const std::size_t now = allocations;
                                                 CHECK((p.step <= 2 || now == before));
                                                 before = allocations;
                                                 return true;
                                             }}));
    }
    set_thread_count(0);
}

TEST_CASE("strata span the batch, in however many parts it is trained", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 60};
    for (const bool one_offset : {false, true}) {
        std::vector<std::vector<isize>> seen;
        for (const isize micro_batch : {0, 7, 1}) {
            seen.emplace_back();
            const seen_loss loss{[&](const noised_batch<double>& noised) {
                CHECK(noised.weight.empty());
                CHECK(noised.losses.empty());
                for (isize n = 0; n < noised.xt.columns(); ++n) {
                    seen.back().push_back(noised.t[n]);
                }
            }};
            auto net = small_net<double>();
            trainer trainer{net,
                            schedule,
                            {.batch = 20, .micro_batch = micro_batch, .time_sampling = stratified_times{one_offset}},
                            loss};
            static_cast<void>(trainer.fit(two_points<double>(), {.steps = 3}));
            for (std::size_t i = 0; i < seen.back().size(); ++i) {
                CHECK((one_offset || seen.back()[i] / 3 == static_cast<isize>(i % 20)));
            }
        }
        CHECK(seen[0] == seen[1]);
        CHECK(seen[0] == seen[2]);
    }
}

TEST_CASE("offset noise moves all pixels of a channel alike, and the target with them", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 60};
    using level = nn::unet_level;
    const nn::unet<double> start({.height = 4,
                                  .width = 2,
                                  .in_channels = 2,
                                  .out_channels = 2,
                                  .down = {level::plain},
                                  .up = {level::plain},
                                  .channels = {4},
                                  .layers = 1,
                                  .middle = false,
                                  .groups = 2});
    const batch<double> data = random_batch(16, 10, 1);
    const isize runs = 60;
    const auto offsets_of = [&](isize micro_batch) {
        std::vector<double> offsets;
        isize step = 0, first = 0;
        const seen_loss loss{[&](const noised_batch<double>& noised) {
            const isize count = noised.xt.columns();
            batch<double> plain(16, count);
            philox_noise(4, noise_stream::training).normal(batch_view<double>(plain), step, first);
            std::vector<isize> t;
            for (isize n = 0; n < count; ++n) {
                t.push_back(noised.t[n]);
                for (isize i = 0; i < 16; ++i) {
                    const double offset = noised.eps(i, n) - plain(i, n);
                    CHECK(std::abs(offset - (noised.eps(i % 2, n) - plain(i % 2, n))) <= 1e-14);
                    if (i < 2) {
                        offsets.push_back(offset / 0.1);
                    }
                }
            }
            CHECK((q_sample(schedule, noised.x0, t, noised.eps) - noised.xt.array()).abs().maxCoeff() <= 1e-14);
            first = (first + count) % 8;
            step += first == 0 ? 1 : 0;
        }};
        auto net = start;
        trainer trainer{net, schedule, {.batch = 8, .micro_batch = micro_batch, .offset_noise = 0.1, .seed = 4}, loss};
        static_cast<void>(trainer.fit(data, {.steps = runs}));
        return offsets;
    };
    const std::vector<double> offsets = offsets_of(0);
    CHECK(offsets == offsets_of(3));
    double mean = 0, square = 0, product = 0;
    const double count = static_cast<double>(offsets.size());
    for (std::size_t i = 0; i < offsets.size(); i += 2) {
        mean += (offsets[i] + offsets[i + 1]) / count;
        square += (offsets[i] * offsets[i] + offsets[i + 1] * offsets[i + 1]) / count;
        product += 2 * offsets[i] * offsets[i + 1] / count;
    }
    CHECK(std::abs(mean) < 5 / std::sqrt(count));
    CHECK(std::abs(square - 1) < 5 * std::sqrt(2 / count));
    CHECK(std::abs(product) < 5 / std::sqrt(count / 2));
    auto net = start;
    for (const double strength : {-0.1, std::nan(""), HUGE_VAL}) {
        CHECK_THROWS_AS((trainer{net, schedule, {.offset_noise = strength}}), value_error);
    }
    CHECK_THROWS_AS((trainer{net, schedule, {.time_sampling = importance_times{.history = 0}}}), value_error);
}

}  // namespace ddpm::test
