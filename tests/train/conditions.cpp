// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What a network is told in training: the conditions of its samples, now and then without one of the forms.

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/epoch_order.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

constexpr condition_forms bit_of(condition_form form) { return static_cast<condition_forms>(form); }

/// All that a network was told of one sample.
struct told_sample {
    double t;
    isize label, length;
    condition_forms absent;
    std::vector<double> vector, maps, sequence;

    friend bool operator==(const told_sample&, const told_sample&) = default;
};

/// Takes every form, learns one value whatever it is told, and remembers what it was told.
struct recording_network : constant_net<double> {
    std::vector<told_sample>* record;
    condition_forms learned;

    recording_network(std::vector<told_sample>& list, condition_forms learned_)
        : constant_net<double>(4), record(&list), learned(learned_) {}

    [[nodiscard]] sample_shape shape() const { return {1, 2, 2}; }
    [[nodiscard]] condition_shape takes() const {
        return {.classes = 5, .vector = 2, .map_channels = 3, .sequence = 2, .learned = learned};
    }
    void forward(const network_input<double>& in, batch_view<double> out, workspace& w) const {
        const auto column = [](batch_view<const double> of, isize n) {
            return of.size() == 0 ? std::vector<double>() : std::vector<double>(of.column(n), of.column(n) + of.rows());
        };
        const condition<double>& c = in.condition;
        for (isize n = 0; n < in.samples(); ++n) {
            const auto at = static_cast<std::size_t>(n);
            record->push_back({in.t[at], c.labels.empty() ? -1 : c.labels[at], c.lengths.empty() ? -1 : c.lengths[at],
                               c.absent.empty() ? condition_forms{0} : c.absent[at], column(c.vectors, n),
                               column(c.maps, n), column(c.sequences, n)});
        }
        constant_net<double>::forward(in, out, w);
    }
};

/// Fifty samples with every form, of values that tell the samples apart.
struct fifty_told {
    std::vector<isize> labels, lengths;
    batch<double> x0 = random_batch(4, 50, 1), vectors{2, 50}, maps{6, 50}, sequences{4, 50};

    fifty_told() {
        for (isize n = 0; n < 50; ++n) {
            labels.push_back(n % 4);
            lengths.push_back(n % 3);
            for (isize i = 0; i < 6; ++i) {
                const double value = static_cast<double>(100 * n + i);
                maps(i, n) = value;
                if (i < 4) {
                    sequences(i, n) = value + 0.25;
                }
                if (i < 2) {
                    vectors(i, n) = value + 0.5;
                }
            }
        }
    }
    [[nodiscard]] training_data<double> all() const {
        return {x0, {.labels = labels, .vectors = vectors, .maps = maps, .sequences = sequences, .lengths = lengths}};
    }
    [[nodiscard]] told_sample of(isize n) const {
        const auto column = [n](const batch<double>& of) {
            return std::vector<double>(of.col(n).begin(), of.col(n).end());
        };
        const auto at = static_cast<std::size_t>(n);
        return {0, labels[at], lengths[at], 0, column(vectors), column(maps), column(sequences)};
    }
};

constexpr std::uint64_t recorded_seed = 3;
constexpr isize recorded_batch = 20, recorded_timesteps = 50;

/// What the network is told in so many steps.
std::vector<told_sample> recorded(const training_data<double>& data, condition_forms learned,
                                  const condition_dropout& dropout, isize steps, isize micro_batch = 0) {
    std::vector<told_sample> record;
    recording_network net(record, learned);
    const noise_schedule schedule{cosine_beta{}, recorded_timesteps};
    trainer trainer{net, schedule, {.batch = recorded_batch, .micro_batch = micro_batch, .seed = recorded_seed}};
    CHECK(trainer.fit(data, {.steps = steps, .condition_dropout = dropout}).status == fit_status::finished);
    return record;
}

/// Whether a count of independent draws is within five standard errors of what its probability says.
void check_share(isize count, isize draws, double probability) {
    const double expected = static_cast<double>(draws) * probability;
    INFO(count << " of " << draws << " draws with probability " << probability);
    CHECK(std::abs(static_cast<double>(count) - expected) <= 5 * std::sqrt(expected * (1 - probability)));
}

}  // namespace

TEST_CASE("the network is told every form of the condition of each sample", "[train]") {
    const fifty_told data;
    const isize micro_batch = GENERATE(0, 6);
    const std::vector<told_sample> record = recorded(data.all(), 0, {}, 10, micro_batch);
    REQUIRE(record.size() == 200);
    epoch_order order(recorded_seed, 50);
    for (isize p = 0; p < 200; ++p) {
        told_sample got = record[static_cast<std::size_t>(p)];
        got.t = 0;
        REQUIRE(got == data.of(order[p]));
    }
}

TEST_CASE("each form is dropped as often as asked, independently of the others, for what is named or learned",
          "[train]") {
    const bool names = GENERATE(true, false);
    const fifty_told data;
    const std::array<double, 2> null_vector{-1, -2};
    const std::array<double, 3> null_map{-3, -4, -5};
    const condition_forms learned =
        names ? condition_forms{0}
              : static_cast<condition_forms>(bit_of(condition_form::label) | bit_of(condition_form::vector) |
                                             bit_of(condition_form::map));
    condition_dropout dropout{.label = 0.3, .vector = 0.2, .map = 0.5};
    if (names) {
        dropout.null_label = 4;
        dropout.null_vector = null_vector;
        dropout.null_map = null_map;
    }
    const isize draws = 8000;
    const std::vector<told_sample> record = recorded(data.all(), learned, dropout, draws / recorded_batch);
    REQUIRE(static_cast<isize>(record.size()) == draws);
    epoch_order order(recorded_seed, 50);
    isize alone[3] = {}, early[3] = {}, label_vector = 0, label_map = 0, vector_map = 0, all = 0;
    for (isize p = 0; p < draws; ++p) {
        told_sample got = record[static_cast<std::size_t>(p)];
        told_sample expected = data.of(order[p]);
        bool dropped[3];
        if (names) {
            REQUIRE(got.absent == 0);
            dropped[0] = got.label == 4;
            dropped[1] = got.vector == std::vector<double>{-1, -2};
            dropped[2] = got.maps == std::vector<double>{-3, -4, -5, -3, -4, -5};
            expected.label = dropped[0] ? got.label : expected.label;
            expected.vector = dropped[1] ? got.vector : expected.vector;
            expected.maps = dropped[2] ? got.maps : expected.maps;
        } else {
            dropped[0] = has_form(got.absent, condition_form::label);
            dropped[1] = has_form(got.absent, condition_form::vector);
            dropped[2] = has_form(got.absent, condition_form::map);
            expected.absent = got.absent;
            REQUIRE((got.absent & ~learned) == 0);
        }
        for (int f = 0; f < 3; ++f) {
            alone[f] += dropped[f] ? 1 : 0;
            early[f] += dropped[f] && got.t < recorded_timesteps / 2 ? 1 : 0;
        }
        label_vector += dropped[0] && dropped[1] ? 1 : 0;
        label_map += dropped[0] && dropped[2] ? 1 : 0;
        vector_map += dropped[1] && dropped[2] ? 1 : 0;
        all += dropped[0] && dropped[1] && dropped[2] ? 1 : 0;
        got.t = 0;
        REQUIRE(got == expected);  // what is kept is the sample's own
    }
    const double rates[] = {0.3, 0.2, 0.5};
    for (int f = 0; f < 3; ++f) {
        check_share(alone[f], draws, rates[f]);
        check_share(early[f], draws, rates[f] / 2);  // whatever the time
    }
    check_share(label_vector, draws, 0.3 * 0.2);
    check_share(label_map, draws, 0.3 * 0.5);
    check_share(vector_map, draws, 0.2 * 0.5);
    check_share(all, draws, 0.3 * 0.2 * 0.5);

    // Whatever the parts of a batch.
    const std::vector<told_sample> parts = recorded(data.all(), learned, dropout, 20, 6);
    REQUIRE(parts.size() == 20 * recorded_batch);
    CHECK(std::equal(parts.begin(), parts.end(), record.begin()));
}

TEST_CASE("a rate of 0 drops nothing, a rate of 1 everything", "[train]") {
    const fifty_told data;
    const condition_forms learned = bit_of(condition_form::vector);
    for (const told_sample& got : recorded(data.all(), learned, {.vector = 1}, 10)) {
        REQUIRE(got.absent == learned);
    }
    for (const told_sample& got :
         recorded(data.all(), learned, {.map = 1, .null_map = std::array{0.0, 0.0, 0.0}}, 10)) {
        REQUIRE(got.absent == 0);
        REQUIRE(got.maps == std::vector<double>(6));
    }
    for (const told_sample& got : recorded(data.all(), learned, {}, 10)) {
        REQUIRE(got.absent == 0);
    }
}

TEST_CASE("a sequence is dropped for what the network has learned, independently of the other forms", "[train]") {
    const fifty_told data;
    const condition_forms learned = bit_of(condition_form::sequence) | bit_of(condition_form::vector);
    const condition_dropout dropout{.vector = 0.5, .sequence = 0.25};
    epoch_order order(recorded_seed, 50);
    const std::vector<told_sample> record = recorded(data.all(), learned, dropout, 400);
    isize dropped = 0, both = 0;
    for (isize p = 0; p < 8000; ++p) {
        told_sample got = record[static_cast<std::size_t>(p)], expected = data.of(order[p]);
        dropped += has_form(got.absent, condition_form::sequence) ? 1 : 0;
        both += got.absent == learned ? 1 : 0;
        expected.absent = got.absent;
        got.t = 0;
        REQUIRE((got.absent & ~learned) == 0);
        REQUIRE(got == expected);
    }
    check_share(dropped, 8000, 0.25);
    check_share(both, 8000, 0.125);
}

TEST_CASE("what the data say is absent stays so, beside what is dropped", "[train]") {
    const fifty_told data;
    const condition_forms learned = bit_of(condition_form::vector) | bit_of(condition_form::map);
    std::vector<condition_forms> absent(50);
    for (std::size_t n = 0; n < 50; n += 3) {
        absent[n] = bit_of(condition_form::map);
    }
    training_data<double> with = data.all();
    with.condition.absent = absent;
    epoch_order order(recorded_seed, 50);
    const std::vector<told_sample> record = recorded(with, learned, {.vector = 0.5}, 200);
    isize dropped = 0;
    for (isize p = 0; p < 4000; ++p) {
        const condition_forms got = record[static_cast<std::size_t>(p)].absent;
        REQUIRE((got & ~bit_of(condition_form::vector)) == absent[static_cast<std::size_t>(order[p])]);
        dropped += has_form(got, condition_form::vector) ? 1 : 0;
    }
    check_share(dropped, 4000, 0.5);

    // A form that is learned need not be told at all.
    with.condition.maps = {};
    with.condition.vectors = {};
    with.condition.absent = {};
    for (const told_sample& got : recorded(with, learned, {}, 10)) {
        REQUIRE(got.maps.empty());
        REQUIRE(got.vector.empty());
        REQUIRE(got.label >= 0);
    }
}

TEST_CASE("a condition that does not fit is refused before the first step", "[train]") {
    const fifty_told data;
    std::vector<told_sample> record;
    const condition_forms vector_learned = bit_of(condition_form::vector);
    recording_network net(record, vector_learned);
    const auto start = net;
    const noise_schedule schedule{cosine_beta{}, 10};
    trainer trainer{net, schedule, {.batch = 4}};
    const auto misfits = [&](auto change) {
        training_data<double> wrong = data.all();
        change(wrong.condition);
        CHECK_THROWS_AS(trainer.fit(wrong, {.steps = 1}), shape_error);
    };
    const auto is_no_value = [&](auto change) {
        training_data<double> wrong = data.all();
        change(wrong.condition);
        CHECK_THROWS_AS(trainer.fit(wrong, {.steps = 1}), value_error);
    };
    const batch<double> three_rows = random_batch(3, 50, 1), five_rows = random_batch(5, 50, 1);
    const std::vector<isize> fives(50, 5), negative(50, -1);
    const std::vector<condition_forms> map_absent(50, bit_of(condition_form::map)), some(3);
    misfits([](auto& c) { c.labels = {}; });
    misfits([](auto& c) { c.labels = c.labels.first(49); });
    misfits([&](auto& c) { c.vectors = three_rows; });
    misfits([](auto& c) { c.vectors = c.vectors.middle(0, 49); });
    misfits([](auto& c) { c.maps = {}; });
    misfits([&](auto& c) { c.maps = three_rows; });
    misfits([](auto& c) { c.maps = c.maps.middle(1, 49); });
    misfits([](auto& c) { c.sequences = {}; });
    misfits([&](auto& c) { c.sequences = five_rows; });
    misfits([](auto& c) { c.lengths = c.lengths.first(1); });
    misfits([&](auto& c) { c.absent = some; });
    is_no_value([&](auto& c) { c.labels = fives; });
    is_no_value([&](auto& c) { c.labels = negative; });
    is_no_value([&](auto& c) { c.lengths = fives; });
    is_no_value([&](auto& c) { c.absent = map_absent; });  // for which nothing is learned

    const auto drops = [&](const condition_dropout& dropout) {
        CHECK_THROWS_AS(trainer.fit(data.all(), {.steps = 1, .condition_dropout = dropout}), value_error);
    };
    const std::array<double, 2> two{};
    const std::array<double, 3> three{};
    drops({.label = 0.1});  // nothing in its place
    drops({.map = 0.1});
    drops({.sequence = 0.1});
    drops({.sequence = 1.1});
    drops({.label = 0.1, .null_label = 5});
    drops({.label = 0.1, .null_label = -1});
    drops({.vector = -0.1});
    drops({.vector = 1.1});
    drops({.vector = NAN});
    drops({.map = 2, .null_map = three});
    const auto names = [&](const condition_dropout& dropout) {
        CHECK_THROWS_AS(trainer.fit(data.all(), {.steps = 1, .condition_dropout = dropout}), shape_error);
    };
    names({.vector = 0.1, .null_vector = three});
    names({.map = 0.1, .null_map = two});
    names({.null_map = two});
    training_data<double> without = data.all();
    without.condition.vectors = {};
    CHECK_THROWS_AS(trainer.fit(without, {.steps = 1, .condition_dropout = {.vector = 0.1}}), value_error);

    auto plain = small_net<double>();
    ddpm::trainer of_plain{plain, schedule, {.batch = 4}};
    CHECK_THROWS_AS(of_plain.fit(data.all(), {.steps = 1}), shape_error);
    CHECK_THROWS_AS(of_plain.fit(data.x0, {.steps = 1, .condition_dropout = {.map = 0.1, .null_map = two}}),
                    value_error);
    CHECK_THROWS_AS(of_plain.fit(data.x0, {.steps = 1, .condition_dropout = {.null_vector = two}}), shape_error);

    CHECK(record.empty());
    CHECK(trainer.step() == 0);
    CHECK(largest_difference(net, start) == 0);
    CHECK(trainer.fit(data.all(), {.steps = 1, .condition_dropout = {.vector = 0.5}}).step == 1);
}

namespace {

nn::mlp<float> every_form_mlp() {
    return nn::mlp<float>{{.dim = 4,
                           .hidden = 16,
                           .blocks = 1,
                           .embedding = 8,
                           .classes = 4,
                           .vector = 2,
                           .map_channels = 2,
                           .learned_null = true,
                           .seed = 5}};
}

/// Of every_form_mlp, whose last map is for the estimate where `estimates`.
struct every_form_data {
    bool estimates;
    batch<float> x0 = random_batch<float>(4, 30, 1);
    some_conditions<float> given{{.classes = 3, .vector = 2, .map_channels = estimates ? 1 : 2}, 4, 30};

    [[nodiscard]] training_data<float> all() const { return {x0, given.all()}; }
    [[nodiscard]] trainer_options options() const {
        return {.batch = 12, .micro_batch = 5, .self_conditioning = estimates ? 0.5 : 0.0, .seed = 6};
    }
    [[nodiscard]] condition_dropout dropout() const {
        static const std::array<double, 1> null_map{0};
        condition_dropout all{.label = 0.2, .vector = 0.3, .map = 0.3, .null_label = 3};
        if (estimates) {
            all.null_map = null_map;
        }
        return all;
    }
};

}  // namespace

TEST_CASE("a run with conditions, dropout and self-conditioning goes on as if it had not been cut", "[train]") {
    const every_form_data data{GENERATE(false, true)};
    const noise_schedule schedule{cosine_beta{}, 50};
    nn::mlp<float> net = every_form_mlp(), cut = every_form_mlp(), resumed = every_form_mlp(), other = every_form_mlp();
    trainer whole{net, schedule, data.options()};
    static_cast<void>(whole.fit(data.all(), {.steps = 25, .condition_dropout = data.dropout()}));
    const temporary_folder folder;
    const std::string path = folder / "checkpoint.safetensors";
    trainer before{cut, schedule, data.options()};
    static_cast<void>(before.fit(data.all(), {.steps = 11, .condition_dropout = data.dropout()}));
    before.save(path);
    trainer after{resumed, schedule, data.options()};
    after.load(path);
    static_cast<void>(after.fit(data.all(), {.steps = 14, .condition_dropout = data.dropout()}));
    CHECK(largest_difference(net, resumed) == 0);
    static_cast<void>(before.fit(data.all(), {.steps = 14, .condition_dropout = data.dropout()}));
    CHECK(largest_difference(net, cut) == 0);
    for (const isize threads : {1, 3}) {
        set_thread_count(threads);
        other = every_form_mlp();
        trainer again{other, schedule, data.options()};
        static_cast<void>(again.fit(data.all(), {.steps = 25, .condition_dropout = data.dropout()}));
        CHECK(largest_difference(net, other) == 0);
    }
    set_thread_count(0);
}

TEST_CASE("steps with every form, dropout and self-conditioning allocate nothing after the first", "[train]") {
    const every_form_data data{GENERATE(false, true)};
    set_thread_count(1);  // others have scratch of their own
    const noise_schedule schedule{cosine_beta{}, 50};
    nn::mlp<float> net = every_form_mlp();
    trainer trainer{net, schedule, data.options()};
    std::size_t after_first = 0, at_end = 0;
    static_cast<void>(trainer.fit(
        data.all(), {.steps = 30, .condition_dropout = data.dropout(), .progress = [&](const training_progress& p) {
                         if (p.step == 1) {
                             after_first = allocations;
                         }
                         at_end = allocations;
                         return true;
                     }}));
    CHECK((after_first > 0) == allocations_are_counted);
    CHECK(at_end == after_first);
    set_thread_count(0);
}

}  // namespace ddpm::test
