// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/time_sampling.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace ddpm::test {
namespace {

std::string time_sampling_error(const time_sampling& sampling) {
    try {
        detail::require_valid(sampling);
        return {};
    } catch (const value_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("times are uniform unless another strategy is asked for, and each has its name in checkpoints", "[train]") {
    CHECK(std::holds_alternative<uniform_times>(time_sampling{}));
    const auto name_of = [](const time_sampling& sampling) {
        return std::visit([](const auto& strategy) { return std::string(strategy.name); }, sampling);
    };
    CHECK(name_of(uniform_times{}) == "uniform");
    CHECK(name_of(antithetic_times{}) == "antithetic");
    CHECK(name_of(stratified_times{}) == "stratified");
    CHECK(name_of(importance_times{}) == "importance");
    CHECK(name_of(log_normal_times{}) == "log_normal");
    CHECK(name_of(logit_normal_times{}) == "logit_normal");
    CHECK(std::variant_size_v<time_sampling> == 6);
}

TEST_CASE("strategies have the defaults of their sources", "[train]") {
    CHECK(importance_times{}.history == 10);
    CHECK(importance_times{}.uniform_probability == 0.001);
    CHECK(log_normal_times{}.mean == -1.2);
    CHECK(log_normal_times{}.deviation == 1.2);
    CHECK(logit_normal_times{}.mean == 0);
    CHECK(logit_normal_times{}.deviation == 1);
    CHECK_FALSE(log_normal_times{}.unbiased);
    CHECK_FALSE(logit_normal_times{}.unbiased);
    CHECK_FALSE(stratified_times{}.one_offset);
}

TEST_CASE("the two normal strategies have the same options", "[train]") {
    const auto sigma = detail::normal_of(log_normal_times{0.5, 2, true, 0.25});
    REQUIRE(sigma.has_value());
    CHECK(sigma->of_log_ratio);
    CHECK(sigma->mean == 0.5);
    CHECK(sigma->deviation == 2);
    CHECK(sigma->unbiased);
    CHECK(sigma->uniform_probability == 0.25);
    CHECK(sigma->standardized(4.5) == 2);
    const auto position = detail::normal_of(logit_normal_times{-1, 4, true, 0.5});
    REQUIRE(position.has_value());
    CHECK_FALSE(position->of_log_ratio);
    CHECK(position->mean == -1);
    CHECK(position->deviation == 4);
    CHECK(position->unbiased);
    CHECK(position->uniform_probability == 0.5);
    for (const time_sampling& other :
         std::vector<time_sampling>{uniform_times{}, antithetic_times{}, stratified_times{}, importance_times{}}) {
        CHECK_FALSE(detail::normal_of(other).has_value());
    }
}

TEST_CASE("options of a strategy outside their domain are refused by name", "[train]") {
    for (const time_sampling& valid : std::vector<time_sampling>{
             uniform_times{}, antithetic_times{}, stratified_times{true}, importance_times{},
             importance_times{.history = 1, .uniform_probability = 1e-12}, importance_times{.uniform_probability = 1},
             log_normal_times{}, log_normal_times{.mean = -40, .deviation = 1e-300},
             logit_normal_times{.uniform_probability = 0}, logit_normal_times{.uniform_probability = 1}}) {
        CHECK(time_sampling_error(valid).empty());
    }
    const auto refuses = [](const char* what, const time_sampling& sampling) {
        const std::string error = time_sampling_error(sampling);
        INFO(error);
        CHECK(contains(error, std::string("time_sampling: ") + what + "; expected "));
    };
    constexpr double endless_time = std::numeric_limits<double>::infinity();
    refuses("history", importance_times{.history = 0});
    for (const double p : {0.0, 1e-13, -0.1, 1.1, std::nan("")}) {
        refuses("uniform_probability", importance_times{.uniform_probability = p});
    }
    for (const double p : {-0.1, 1.5, std::nan("")}) {
        refuses("uniform_probability", log_normal_times{.uniform_probability = p});
        refuses("uniform_probability", logit_normal_times{.uniform_probability = p});
    }
    for (const double deviation : {0.0, -1.0, endless_time, std::nan("")}) {
        refuses("normal", log_normal_times{.deviation = deviation});
        refuses("normal", logit_normal_times{.deviation = deviation});
    }
    for (const double mean : {endless_time, -endless_time, std::nan("")}) {
        refuses("normal", log_normal_times{.mean = mean});
        refuses("normal", logit_normal_times{.mean = mean});
    }
}

}  // namespace ddpm::test
