// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

struct golden_row {
    isize t;
    double beta, alpha_bar, sqrt_alpha_bar, sqrt_one_minus_alpha_bar;
    double posterior_variance, posterior_log_variance, x0, xt, snr, log_snr;
};

// The exact formulas in double: twelve digits, eight for the signal-to-noise ratios.
constexpr golden_row linear_1000[] = {
    {0, 0.0001, 0.9999, 0.99994999875, 0.01, 0, -9.8167251353, 1, 0, 9999, 9.2102404},
    {1, 0.00011991991992, 0.999780092072, 0.99989003999, 0.0148292929005, 5.4531876613e-05, -9.8167251353,
     0.54529149951, 0.454708498991, 4546.3577, 8.4220817},
    {2, 0.00013983983984, 0.999640282984, 0.999820125315, 0.0189662072086, 8.54891152309e-05, -9.36712149737,
     0.388706835867, 0.611293160288, 2778.963, 7.9298331},
    {10, 0.000299199199199, 0.997806572508, 0.998902684203, 0.0468340420224, 0.000258463620408, -8.26075560735,
     0.13627785977, 0.863722069287, 454.90748, 6.1200941},
    {100, 0.00209199199199, 0.895141590898, 0.946119226576, 0.323818481718, 0.00205455352997, -6.18769671499,
     0.0188954555855, 0.981076102553, 8.5366696, 2.144371},
    {250, 0.00507997997998, 0.521423030619, 0.722096275173, 0.691792576848, 0.00505171984409, -5.28802653049,
     0.00768442233046, 0.991907883274, 1.089528, 0.085744618},
    {500, 0.01005995996, 0.077796658365, 0.278920523384, 0.960314189021, 0.0100513357789, -4.60004973998,
     0.00305805707563, 0.994104350757, 0.084359549, -2.4726673},
    {750, 0.0150399399399, 0.00330015836157, 0.0574470048094, 0.998348557188, 0.0150391795367, -4.19709651403,
     0.000873453506759, 0.992401363121, 0.0033110855, -5.7104792},
    {998, 0.0199800800801, 4.11819363814e-05, 0.00641731535624, 0.99997940882, 0.0199800633042, -3.91302033739,
     0.00012952423623, 0.989958723491, 4.1183632e-05, -10.09747},
    {999, 0.02, 4.03582976538e-05, 0.00635281808757, 0.999979820648, 0.0199999835266, -3.9120238291, 0.000128351487172,
     0.989948678268, 4.0359927e-05, -10.117673},
};
constexpr golden_row cosine_1000[] = {
    {0, 4.1284224822e-05, 0.999958715775, 0.999979357675, 0.00642528013568, 0, -10.7340825325, 1, 0, 24221.327,
     10.094989},
    {1, 4.61417527367e-05, 0.999912575927, 0.999956287008, 0.0093500840976, 2.17894961457e-05, -10.7340825325,
     0.527781409334, 0.472218590427, 11437.497, 9.3446525},
    {10, 8.9871362453e-05, 0.999278903773, 0.999639386866, 0.0268532349384, 7.867762337e-05, -9.45015177118,
     0.124592235522, 0.875407757383, 1385.7775, 7.2340166},
    {100, 0.000531899155698, 0.971575681808, 0.985685386829, 0.168595130986, 0.00052222359272, -7.55741472325,
     0.0184498608049, 0.981548256864, 34.181143, 3.5316741},
    {500, 0.00315569144159, 0.492285172449, 0.701630367394, 0.712541105868, 0.00314600512546, -5.76162184515,
     0.00436786689953, 0.995356279455, 0.9696096, -0.030861759},
    {900, 0.0197418558724, 0.0236161087944, 0.153675335674, 0.988121394974, 0.0197322392353, -3.92550147146,
     0.00313834953864, 0.989597580631, 0.024187319, -3.7219268},
    {998, 0.749999392901, 2.42876690703e-06, 0.00155845016187, 0.999998785616, 0.749993928184, -0.287690168239,
     0.00233767618982, 0.499996963947, 2.4287728e-06, -12.928124},
    {999, 0.999, 2.42876690703e-09, 4.92825213137e-05, 0.999999998786, 0.998997576088, -0.00100292667467,
     0.00155689171549, 0.0316226998741, 2.4287669e-09, -19.835882},
};
constexpr golden_row cosine_4000[] = {
    {0, 9.86581881368e-06, 0.999990134181, 0.999995067078, 0.00314099010086, 0, -12.204537146, 1, 0, 101359.06,
     11.526425},
    {1, 1.01694148843e-05, 0.999979964867, 0.999989982383, 0.00447606226145, 5.00768339522e-06, -12.204537146,
     0.5075765922, 0.492423407789, 49911.321, 10.818003},
    {2000, 0.00078893555351, 0.493453979674, 0.702462795936, 0.711720465018, 0.000788328742336, -7.1455953694,
     0.00109450394461, 0.998836606089, 0.97415429, -0.026185577},
    {3999, 0.999, 1.51798046885e-10, 1.23206350033e-05, 0.999999999924, 0.998999848505, -0.00100065197984,
     0.000389223075672, 0.0316227718062, 1.5179805e-10, -22.60847},
};

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::max(1e-300, std::abs(expected));
}

template <std::size_t N>
void check_rows(const noise_schedule<>& schedule, const golden_row (&rows)[N]) {
    for (const golden_row& row : rows) {
        INFO("t = " << row.t);
        const auto& entry = schedule[row.t];
        CHECK(near(entry.beta, row.beta, 1e-10));
        CHECK(near(entry.alpha, 1 - row.beta, 1e-10));
        CHECK(near(entry.alpha_bar, row.alpha_bar, 1e-10));
        CHECK(near(entry.sqrt_alpha_bar, row.sqrt_alpha_bar, 1e-10));
        CHECK(near(entry.sqrt_one_minus_alpha_bar, row.sqrt_one_minus_alpha_bar, 1e-10));
        CHECK(near(entry.posterior.variance, row.posterior_variance, 1e-10));
        CHECK(near(entry.posterior_log_variance, row.posterior_log_variance, 1e-10));
        CHECK(near(entry.posterior.x0, row.x0, 1e-10));
        CHECK(near(entry.posterior.xt, row.xt, 1e-10));
        CHECK(near(entry.snr, row.snr, 6e-8));
        CHECK(near(entry.log_snr, row.log_snr, 6e-8));
        CHECK(schedule.beta(row.t) == entry.beta);
        CHECK(schedule.alpha_bar(row.t) == entry.alpha_bar);
    }
}

std::string message_of(const std::vector<double>& betas) {
    try {
        noise_schedule<> schedule{betas};
    } catch (const value_error& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("linear and cosine schedules have the published values", "[schedule]") {
    check_rows(noise_schedule{linear_beta{}, 1000}, linear_1000);
    check_rows(noise_schedule{cosine_beta{}, 1000}, cosine_1000);
    check_rows(noise_schedule{cosine_beta{}, 4000}, cosine_4000);
}

TEST_CASE("only the last beta of the cosine schedule is capped", "[schedule]") {
    for (const isize steps : {1000, 4000}) {
        const noise_schedule schedule{cosine_beta{}, steps};
        isize capped = 0;
        for (const auto& entry : schedule.entries()) {
            capped += entry.beta == 0.999 ? 1 : 0;
        }
        CHECK(capped == 1);
        CHECK(schedule.beta(steps - 1) == 0.999);
    }
}

TEST_CASE("a schedule is made from a table, a span or a callable", "[schedule]") {
    const std::vector<double> betas{0.1, 0.2, 0.3};
    const noise_schedule<> from_span{betas};
    const noise_schedule from_table{beta_table{betas}, 3};
    const noise_schedule from_callable{[](isize t, isize) { return 0.1 * static_cast<double>(t + 1); }, 3};
    for (isize t = 0; t < 3; ++t) {
        CHECK(from_span.beta(t) == betas[static_cast<std::size_t>(t)]);
        CHECK(from_table.beta(t) == from_span.beta(t));
        CHECK(near(from_callable.beta(t), from_span.beta(t), 1e-15));
    }
    CHECK(from_span.steps() == 3);
    CHECK(near(from_span.alpha_bar(2), 0.9 * 0.8 * 0.7, 1e-15));
}

TEST_CASE("a schedule of one step, and one that ends in pure noise", "[schedule]") {
    const noise_schedule one{linear_beta{}, 1};
    CHECK(one.beta(0) == 1e-4);
    CHECK(near(one[0].posterior_log_variance, std::log(1e-20), 1e-15));

    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK(noise.alpha_bar(1) == 0);
    CHECK(noise[1].log_snr == -std::numeric_limits<double>::infinity());
    CHECK(noise[1].posterior.xt == 0);
}

TEST_CASE("float32-compatible tables round as torch does", "[schedule]") {
    const noise_schedule<float32_tables> schedule{linear_beta{}, 1000};
    static_assert(std::same_as<decltype(schedule.alpha_bar(0)), float>);
    CHECK(schedule.beta(0) == 1e-4F);
    CHECK(schedule.beta(999) == 0.02F);
    const float increment = (0.02F - 1e-4F) / 999.0F;
    double product = 1;
    for (isize t = 0; t < 1000; ++t) {
        // Exact in double, so that there is one rounding, as of torch's fused multiply-add.
        const double beta =
            t < 500 ? static_cast<double>(1e-4F) + static_cast<double>(t) * static_cast<double>(increment)
                    : static_cast<double>(0.02F) - static_cast<double>(999 - t) * static_cast<double>(increment);
        REQUIRE(schedule.beta(t) == static_cast<float>(beta));
        product *= static_cast<double>(1.0F - schedule.beta(t));
        REQUIRE(schedule.alpha_bar(t) == static_cast<float>(product));
    }
}

TEST_CASE("construction names the index and the value of what is wrong", "[schedule]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(message_of({}) == "noise_schedule: number of steps; expected >= 1, got 0");
    CHECK(message_of({0.1, 0.0}) == "noise_schedule: beta at t = 1; expected 0 < beta <= 1, got 0");
    CHECK(message_of({-0.5}) == "noise_schedule: beta at t = 0; expected 0 < beta <= 1, got -0.5");
    CHECK(message_of({0.1, 0.2, 1.5}) == "noise_schedule: beta at t = 2; expected 0 < beta <= 1, got 1.5");
    CHECK(message_of({0.1, nan}).find("beta at t = 1") != std::string::npos);
    CHECK(message_of({0.1, infinity}).find("beta at t = 1") != std::string::npos);
    // ᾱ must fall: a β below the rounding of 1, or anything after ᾱ = 0, leaves it where it was.
    CHECK(message_of({0.1, 1e-20}).find("alpha_bar at t = 1; expected less than 0.9") != std::string::npos);
    CHECK(
        message_of({1.0, 0.5}) ==
        "noise_schedule: alpha_bar at t = 0; expected at least 2.2250738585072014e-308 before the last timestep, which "
        "alone may be 0 (beta is too large for so many steps), got 0");
    // β up to 1, whose last alone would be allowed: the product underflows long before.
    std::vector<double> to_one(1000);
    for (std::size_t t = 0; t < to_one.size(); ++t) {
        to_one[t] = linear_beta{1e-4, 1}(static_cast<isize>(t), 1000);
    }
    CHECK(message_of(to_one).find("before the last timestep, which alone may be 0") != std::string::npos);
    CHECK(noise_schedule(linear_beta{1e-4, 1}, 20).alpha_bar(19) == 0);
    CHECK_THROWS_AS((noise_schedule{linear_beta{}, 0}), value_error);
    CHECK_THROWS_AS((noise_schedule{linear_beta{}, -5}), value_error);
    CHECK_THROWS_AS((noise_schedule{beta_table{{0.1, 0.2}}, 3}), value_error);
}

TEST_CASE("reading outside the table is an error", "[schedule]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    CHECK_THROWS_AS(schedule[10], value_error);
    CHECK_THROWS_AS(schedule.beta(-1), value_error);
    CHECK_THROWS_AS(schedule.alpha_bar(10), value_error);
}

TEMPLATE_TEST_CASE("tables keep their bounds of roundings", "[schedule]", exact_tables, float32_tables) {
    using real = typename TestType::real;
    const auto near = [](real got, long double exact, long double count) {
        return within(got, exact, roundings<real>(count) * std::abs(exact));
    };
    const auto check = [&](const noise_schedule<TestType>& schedule) {
        long double product = 1, previous = 1;
        for (isize t = 0; t < schedule.steps(); ++t) {
            const auto& entry = schedule[t];
            const long double beta = entry.beta, alpha = entry.alpha, alpha_bar = entry.alpha_bar;
            product *= 1 - beta;
            INFO("t = " << t);
            CHECK(near(entry.alpha, 1 - beta, 1));
            CHECK(near(entry.alpha_bar, product, 2 * static_cast<long double>(t + 1)));
            CHECK(near(entry.sqrt_alpha_bar, std::sqrt(alpha_bar), 1));
            CHECK(near(entry.sqrt_one_minus_alpha_bar, std::sqrt(1 - alpha_bar), 2));
            CHECK(near(entry.snr, alpha_bar / (1 - alpha_bar), 3));
            const long double log_snr = std::log(alpha_bar / (1 - alpha_bar));
            CHECK(within(entry.log_snr, log_snr, roundings<real>(3) * (1 + std::abs(log_snr))));
            const long double ratio = (1 - previous) / (1 - alpha_bar);
            CHECK(near(entry.posterior.x0, std::sqrt(previous) * beta / (1 - alpha_bar), 6));
            CHECK(near(entry.posterior.xt, std::sqrt(alpha) * ratio, 6));
            CHECK(near(entry.posterior.variance, ratio * beta, 6));
            const real variance = schedule[std::max(t, isize{1})].posterior.variance;
            CHECK(near(entry.posterior_log_variance, std::log(static_cast<long double>(variance)), 2));
            previous = alpha_bar;
        }
    };
    check({linear_beta{}, 1000});
    check({cosine_beta{}, 100});
    check({scaled_linear_beta{}, 300});
}

}  // namespace ddpm::test
