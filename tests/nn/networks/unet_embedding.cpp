// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet_embedding.hpp>

#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/gradient_check.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ddpm::test {
namespace {

/// Of width 2 and 6 outputs.
nn::unet_options embedding_options(nn::unet_time time, nn::unet_classes classes, isize vector = 0) {
    return {.time = time,
            .time_embedding_dim = 6,
            .channels = {2},
            .act = nn::activation::gelu,
            .classes = classes,
            .class_count = 5,
            .vector = vector,
            .train_timesteps = 20};
}

/// Every kind of time with every kind of class, with a vector where the classes are none.
std::vector<nn::unet_options> all_embeddings() {
    std::vector<nn::unet_options> all;
    for (const auto time : {nn::unet_time::positional, nn::unet_time::fourier, nn::unet_time::learned}) {
        for (const auto classes : {nn::unet_classes::table, nn::unet_classes::timestep, nn::unet_classes::identity}) {
            all.push_back(embedding_options(time, classes));
        }
        all.push_back(embedding_options(time, nn::unet_classes::none, 3));
        all.push_back(embedding_options(time, nn::unet_classes::none));
        all.push_back(embedding_options(time, nn::unet_classes::table, 3));
    }
    return all;
}

const std::vector<double> embedding_times{1, 7, 19};

/// What an embedding takes, of three samples. Labels are also timesteps.
template <Scalar S>
some_conditions<S> embedding_conditions(const nn::unet_embedding<S>& embedding) {
    return {{.classes = std::min<isize>(embedding.classes(), 5), .vector = embedding.vector()}, 1, 3};
}

/// A copy of the inner layer of that type and name, if there is one.
template <class L>
std::optional<L> inner_layer(const nn::unet_embedding<typename L::scalar>& embedding, std::string_view name) {
    std::optional<L> found;
    nn::unet_embedding<typename L::scalar>::visit(embedding, [&](const char* at, const auto& layer) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(layer)>, L>) {
            if (at == name) {
                found = layer;
            }
        }
    });
    return found;
}

/// f(mlp(time) + class + mlp(vector)), by the inner layers.
template <Scalar S>
batch<S> embedding_by_layers(const nn::unet_options& o, const nn::unet_embedding<S>& embedding,
                             const condition<S>& given) {
    nn::arena<S> memory;
    const auto projected = [&](const std::vector<double>& t) {
        if (const auto fourier = inner_layer<nn::fourier_embedding<S>>(embedding, "time_proj")) {
            batch<S> out(4, 3);
            fourier->forward(t, batch_view<S>(out));
            return out;
        }
        batch<S> out(2, 3);
        if (const auto table = inner_layer<nn::embedding_table<S>>(embedding, "time_proj")) {
            const std::vector<isize> steps(t.begin(), t.end());
            table->forward(steps, out);
        } else {
            nn::time_embedding{.dim = 2, .order = nn::embedding_order::cos_sin, .freq_shift = 0, .float_angles = true}
                .forward(t, batch_view<S>(out));
        }
        return out;
    };
    const auto through = [&](const char* mlp, const batch<S>& x) {
        typename nn::embedding_mlp<S>::activations a;
        batch<S> out(6, 3);
        inner_layer<nn::embedding_mlp<S>>(embedding, mlp).value().forward(x, a, out, memory);
        return out;
    };
    batch<S> sum = through("time_embedding", projected(embedding_times));
    if (o.classes == nn::unet_classes::table) {
        batch<S> vectors(6, 3);
        inner_layer<nn::embedding_table<S>>(embedding, "class_embedding").value().forward(given.labels, vectors);
        sum += vectors;
    } else if (o.classes == nn::unet_classes::timestep) {
        sum += through("class_embedding", projected({given.labels.begin(), given.labels.end()}));
    } else if (o.classes == nn::unet_classes::identity) {
        sum += given.vectors.array();
    }
    if (o.vector != 0) {
        typename nn::vector_embedding<S>::activations a;
        const auto layer = inner_layer<nn::vector_embedding<S>>(embedding, "vector_embedding");
        layer.value().forward(given, a, sum, memory);
    }
    return sum.unaryExpr([](S x) {
        const double y = static_cast<double>(x);
        return static_cast<S>(y / 2 * (1 + std::erf(y / std::sqrt(2.0))));
    });
}

}  // namespace

TEMPLATE_TEST_CASE("the embedding is the activation of the sum of time, class and vector", "[nn]", float, double) {
    using S = TestType;
    for (const nn::unet_options& o : all_embeddings()) {
        CAPTURE(static_cast<int>(o.time), static_cast<int>(o.classes), o.vector);
        nn::unet_embedding<S> embedding(o);
        disturb(embedding, 0.5, 3);
        const some_conditions<S> given = embedding_conditions(embedding);
        nn::arena<S> memory;
        typename nn::unet_embedding<S>::activations a;
        const batch<S> got = embedding.forward(embedding_times, given.all(), a, memory).array();
        CHECK(got.rows() == 6);
        CHECK((a.active.array() == got).all());
        CHECK((got - embedding_by_layers(o, embedding, given.all())).abs().maxCoeff() < static_cast<S>(ulps<S>(64)));
    }
}

TEST_CASE("the gradient of an embedding is the central differences, of all that learns", "[nn]") {
    const batch<double> dout = random_batch(6, 3, 8);
    for (const nn::unet_options& o : all_embeddings()) {
        CAPTURE(static_cast<int>(o.time), static_cast<int>(o.classes), o.vector);
        nn::unet_embedding<double> embedding(o), d(o);
        disturb(embedding, 0.5, 3);
        d = nn::zeros_like(embedding);
        const some_conditions<double> given = embedding_conditions(embedding);
        nn::arena<double> memory;
        nn::unet_embedding<double>::activations a;
        const auto loss = [&] {
            memory.clear();
            return (embedding.forward(embedding_times, given.all(), a, memory).array() * dout).sum();
        };
        static_cast<void>(loss());
        embedding.backward(given.all(), a, dout, d, memory);
        const auto once = nn::parameters(d);
        const auto values = nn::parameters(embedding);
        for (std::size_t p = 0; p < values.size(); ++p) {
            INFO(values[p].name);
            if (values[p].name == "time_proj.weight" && o.time == nn::unet_time::fourier) {
                CHECK(std::count(once[p].values.begin(), once[p].values.end(), 0.0) == 2);
                continue;
            }
            CHECK(gradient_error(values[p].values, once[p].values, loss) < 1e-6);
        }
        // Gradients are added to those before.
        nn::unet_embedding<double> twice = d;
        static_cast<void>(loss());
        embedding.backward(given.all(), a, dout, twice, memory);
        const auto sums = nn::parameters(twice);
        for (std::size_t p = 0; p < sums.size(); ++p) {
            for (std::size_t i = 0; i < sums[p].values.size(); ++i) {
                CHECK(std::abs(sums[p].values[i] - 2 * once[p].values[i]) < 1e-12);
            }
        }
    }
}

TEST_CASE("an embedding refuses the gradient of another", "[nn]") {
    const batch<double> dout = random_batch(6, 3, 8);
    const auto alike = [](const nn::unet_embedding<double>& one, const nn::unet_embedding<double>& other) {
        return std::ranges::equal(nn::parameters(one), nn::parameters(other),
                                  [](const auto& a, const auto& b) { return a.name == b.name && a.shape == b.shape; });
    };
    for (const nn::unet_options& o : all_embeddings()) {
        const nn::unet_embedding<double> embedding(o);
        const some_conditions<double> given = embedding_conditions(embedding);
        nn::arena<double> memory;
        nn::unet_embedding<double>::activations a;
        static_cast<void>(embedding.forward(embedding_times, given.all(), a, memory));
        isize refused = 0;
        for (const nn::unet_options& other : all_embeddings()) {
            nn::unet_embedding<double> d(other);
            CAPTURE(static_cast<int>(o.time), static_cast<int>(o.classes), static_cast<int>(other.time),
                    static_cast<int>(other.classes));
            if (alike(embedding, d)) {
                CHECK_NOTHROW(embedding.backward(given.all(), a, dout, d, memory));
            } else {
                CHECK_THROWS_AS(embedding.backward(given.all(), a, dout, d, memory), shape_error);
                ++refused;
            }
        }
        CHECK(refused > 0);
    }
}

TEST_CASE("an embedding says how large it is, and what it takes", "[nn]") {
    using nn::unet_classes;
    using nn::unet_time;
    const auto made = [](nn::unet_options o) { return nn::unet_embedding<float>(o); };
    const auto positional = embedding_options(unet_time::positional, unet_classes::none);
    CHECK(made(positional).outputs() == 6);
    nn::unet_options by_width = positional;
    by_width.time_embedding_dim = 0;
    CHECK(made(by_width).outputs() == 8);
    CHECK(made(positional).classes() == 0);
    CHECK(made(positional).vector() == 0);
    CHECK(made(embedding_options(unet_time::positional, unet_classes::none, 3)).vector() == 3);
    CHECK(made(embedding_options(unet_time::positional, unet_classes::table)).classes() == 5);
    const auto identity = made(embedding_options(unet_time::positional, unet_classes::identity));
    CHECK(identity.classes() == 0);
    CHECK(identity.vector() == 6);
    // A label that is embedded as a time may be any that has an embedding.
    CHECK(made(embedding_options(unet_time::learned, unet_classes::timestep)).classes() == 20);
    CHECK(made(embedding_options(unet_time::fourier, unet_classes::timestep)).classes() ==
          std::numeric_limits<isize>::max());
}

TEST_CASE("an embedding's parameters have the names of diffusers", "[nn]") {
    const auto names = [](const nn::unet_options& o) {
        std::string all;
        const nn::unet_embedding<float> embedding(o);
        for (const auto& p : nn::parameters(embedding)) {
            all += p.name.ends_with("weight") ? p.name + " " : "";
        }
        return all;
    };
    CHECK(names(embedding_options(nn::unet_time::positional, nn::unet_classes::none)) ==
          "time_embedding.linear_1.weight time_embedding.linear_2.weight ");
    CHECK(names(embedding_options(nn::unet_time::learned, nn::unet_classes::table, 3)) ==
          "time_proj.weight time_embedding.linear_1.weight time_embedding.linear_2.weight class_embedding.weight "
          "vector_embedding.linear_1.weight vector_embedding.linear_2.weight ");
    CHECK(names(embedding_options(nn::unet_time::fourier, nn::unet_classes::timestep)) ==
          "time_proj.weight time_embedding.linear_1.weight time_embedding.linear_2.weight "
          "class_embedding.linear_1.weight class_embedding.linear_2.weight ");
}

TEST_CASE("a learned embedding has no vector for a time out of range", "[nn]") {
    const nn::unet_embedding<float> embedding(embedding_options(nn::unet_time::learned, nn::unet_classes::none));
    nn::arena<float> memory;
    nn::unet_embedding<float>::activations a;
    CHECK_NOTHROW(embedding.forward(std::vector<double>{0, 19}, {}, a, memory));
    CHECK_THROWS_AS(embedding.forward(std::vector<double>{0, 20}, {}, a, memory), value_error);
    CHECK_THROWS_AS(embedding.forward(std::vector<double>{-1, 0}, {}, a, memory), value_error);
}

}  // namespace ddpm::test
