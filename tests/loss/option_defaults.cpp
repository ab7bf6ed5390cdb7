// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/hybrid.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/loss/weighting.hpp>

#include "support/catch.hpp"

// A changed default changes what programs compute that do not name the option.
namespace ddpm::test {

TEST_CASE("options that are not given have the published defaults: losses", "[loss]") {
    CHECK_FALSE(mse_loss{}.space);
    CHECK(huber_loss{}.delta == 1);
    CHECK(truncated_snr_weighting{}.least == 1);
    CHECK(min_snr_weighting{}.gamma == 5);
    CHECK(soft_min_snr_weighting{}.gamma == 4);
    CHECK(p2_weighting{}.gamma == 1);
    CHECK(p2_weighting{}.k == 1);
    CHECK(edm_weighting{}.sigma_data == 0.5);
    CHECK(discretized_decoder{}.levels == 256);
    CHECK(discretized_decoder{}.cdf == normal_cdf::tanh);
    CHECK(discretized_decoder{}.smallest_probability == 1e-12);
    CHECK(hybrid_loss{}.variance == reverse_variance::learned_range);
    CHECK_FALSE(hybrid_loss{}.lambda);
    CHECK_FALSE(hybrid_loss{}.clip_denoised);
    CHECK_FALSE(hybrid_loss{}.reports_bound);
    CHECK(vlb_loss{}.variance == reverse_variance::learned_range);
    CHECK_FALSE(vlb_loss{}.scale);
}

}  // namespace ddpm::test
