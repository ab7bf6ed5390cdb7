// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// Runs tasks in order; says of its concurrency one thing, then the next, and begins again.
class says final : public executor {
public:
    explicit says(std::vector<isize> answers) : answers_(std::move(answers)) { set_executor(this); }
    ~says() override { set_executor(nullptr); }
    void run(isize count, function_ref<void(isize)> task) override {
        for (isize i = 0; i < count; ++i) {
            task(i);
        }
    }
    [[nodiscard]] isize concurrency() const override { return answers_[calls_++ % answers_.size()]; }

private:
    std::vector<isize> answers_;
    mutable std::size_t calls_ = 0;
};

const std::vector<std::vector<isize>> all_answers{{0}, {-7}, {1, 5}, {5, 1}, {0, 3, 64, 1}, {isize{1} << 62}};

}  // namespace

TEST_CASE("a session and its Jacobian need no executor that knows its concurrency, nor one that keeps it",
          "[predictor]") {
    nn::mlp<float> mlp{{.dim = 16, .hidden = 24, .blocks = 1}};
    nn::unet<float> unet({.height = 4,
                          .width = 4,
                          .in_channels = 1,
                          .out_channels = 1,
                          .time_embedding_dim = 4,
                          .down = {nn::unet_level::plain, nn::unet_level::attention},
                          .up = {nn::unet_level::attention, nn::unet_level::plain},
                          .channels = {4, 8},
                          .layers = 1,
                          .groups = 2});
    disturb(mlp, 0.1, 3);
    disturb(unet, 0.1, 3);
    const batch<float> x = random_batch<float>(16, 300, 4), v = random_batch<float>(16, 300, 5);
    const std::vector<double> t(300, 3.0);
    const auto results = [&](const auto& net) {
        batch<float> out(16, 300), gradient(16, 300);
        auto session = network_session(net, 300);
        session(x, t, model_output<float>{out, {}});
        session(x, t, model_output<float>{out, {}});
        session.vector_jacobian(x, t, v, gradient);
        return std::pair(out, gradient);
    };
    const auto expected_mlp = results(mlp);
    const auto expected_unet = results(unet);
    for (const std::vector<isize>& answers : all_answers) {
        const says mine(answers);
        const auto of_mlp = results(mlp);
        const auto of_unet = results(unet);
        CHECK((of_mlp.first == expected_mlp.first).all());
        CHECK((of_mlp.second == expected_mlp.second).all());
        CHECK((of_unet.first == expected_unet.first).all());
        CHECK((of_unet.second == expected_unet.second).all());
    }
}

}  // namespace ddpm::test
