// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/detail/loss_text.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

/// A loss of a user's that names itself, and one that does not.
struct named_loss {
    [[nodiscard]] std::string text() const { return "mine 3"; }
};
struct unnamed_loss {};

}  // namespace

TEST_CASE("losses with other names or options have other texts", "[train]") {
    using detail::loss_text;
    std::vector<std::string> texts{loss_text(kl_loss{}), loss_text(named_loss{})};
    const auto add_with_weightings = [&](auto loss) {
        for (const loss_weighting& weighting :
             {loss_weighting{}, loss_weighting{snr_weighting{}}, loss_weighting{truncated_snr_weighting{}},
              loss_weighting{truncated_snr_weighting{2}}, loss_weighting{min_snr_weighting{}},
              loss_weighting{min_snr_weighting{4}}, loss_weighting{soft_min_snr_weighting{}},
              loss_weighting{p2_weighting{}}, loss_weighting{p2_weighting{2}}, loss_weighting{p2_weighting{1, 2}},
              loss_weighting{edm_weighting{}}, loss_weighting{edm_weighting{1}}, loss_weighting{vdm_weighting{}},
              loss_weighting{continuous_vdm_weighting{}}}) {
            loss.weighting = weighting;
            texts.push_back(loss_text(loss));
        }
    };
    for (const std::optional<prediction> space : {std::optional<prediction>{}, std::optional{prediction::x0}}) {
        add_with_weightings(mse_loss{.space = space});
        add_with_weightings(l1_loss{.space = space});
        add_with_weightings(huber_loss{.space = space});
    }
    texts.push_back(loss_text(huber_loss{.delta = 0.5}));
    for (const auto& loss :
         {vlb_loss{}, vlb_loss{.variance = reverse_variance::learned}, vlb_loss{.decoder = gaussian_decoder{}},
          vlb_loss{.decoder = discretized_decoder{.levels = 16}},
          vlb_loss{.decoder = discretized_decoder{.cdf = normal_cdf::exact}},
          vlb_loss{.decoder = discretized_decoder{.smallest_probability = 0}}, vlb_loss{.scale = 1.0}}) {
        texts.push_back(loss_text(loss));
    }
    for (const auto& loss :
         {hybrid_loss{}, hybrid_loss{.variance = reverse_variance::learned},
          hybrid_loss{.simple = {.space = prediction::x0}}, hybrid_loss{.decoder = gaussian_decoder{}},
          hybrid_loss{.lambda = 0.5}, hybrid_loss{.clip_denoised = true}, hybrid_loss{.reports_bound = true}}) {
        texts.push_back(loss_text(loss));
    }
    texts.push_back(loss_text(basic_hybrid_loss<l1_loss>{}));
    texts.push_back(loss_text(basic_hybrid_loss<named_loss>{}));
    CHECK(std::set<std::string>(texts.begin(), texts.end()).size() == texts.size());
}

TEST_CASE("the text of a loss gives its options exactly", "[train]") {
    CHECK(detail::loss_text(mse_loss{}) == "mse default uniform");
    CHECK(detail::loss_text(huber_loss{.delta = 0.1, .space = prediction::v, .weighting = p2_weighting{0.5, 1}}) ==
          "huber 0.1 v p2 0.5 1");
    CHECK(detail::loss_text(named_loss{}) == "mine 3");
    CHECK(detail::loss_text(unnamed_loss{}).empty());
    struct derived_loss : vlb_loss {};
    CHECK(detail::loss_text(derived_loss{}).empty());
}

}  // namespace ddpm::test
