// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/text.hpp>
#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/hybrid.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/loss/weighting.hpp>
#include <ddpm/process/parameterization.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace ddpm::detail {

// Structured bindings name all members of each loss, so that a new member does not compile until it is handled here.

template <class T>
    requires std::is_arithmetic_v<T>
[[nodiscard]] std::string option_word(T value) {
    return exact_text(+value);  // + of a bool: 0 or 1
}

template <class T>
    requires std::is_enum_v<T>
[[nodiscard]] std::string option_word(T value) {
    if constexpr (std::same_as<T, prediction>) {
        return std::string(name_of(value));
    } else {
        return exact_text(static_cast<int>(value));
    }
}

template <class T>
[[nodiscard]] std::string option_word(const std::optional<T>& value) {
    return value ? option_word(*value) : "default";
}

[[nodiscard]] inline std::string option_word(const std::string& text) { return text; }

/// The name and the options, separated by blanks.
template <class... Options>
[[nodiscard]] std::string words(std::string_view name, const Options&... options) {
    std::string out(name);
    ((out += ' ' + option_word(options)), ...);
    return out;
}

[[nodiscard]] inline std::string text_of(const uniform_weighting&) { return "uniform"; }
[[nodiscard]] inline std::string text_of(const snr_weighting&) { return "snr"; }
[[nodiscard]] inline std::string text_of(const truncated_snr_weighting& weighting) {
    const auto& [least] = weighting;
    return words("truncated_snr", least);
}
[[nodiscard]] inline std::string text_of(const min_snr_weighting& weighting) {
    const auto& [gamma] = weighting;
    return words("min_snr", gamma);
}
[[nodiscard]] inline std::string text_of(const soft_min_snr_weighting& weighting) {
    const auto& [gamma] = weighting;
    return words("soft_min_snr", gamma);
}
[[nodiscard]] inline std::string text_of(const p2_weighting& weighting) {
    const auto& [gamma, k] = weighting;
    return words("p2", gamma, k);
}
[[nodiscard]] inline std::string text_of(const edm_weighting& weighting) {
    const auto& [sigma_data] = weighting;
    return words("edm", sigma_data);
}
[[nodiscard]] inline std::string text_of(const vdm_weighting&) { return "vdm"; }
[[nodiscard]] inline std::string text_of(const continuous_vdm_weighting&) { return "continuous_vdm"; }

[[nodiscard]] inline std::string text_of(const gaussian_decoder&) { return "gaussian"; }
[[nodiscard]] inline std::string text_of(const discretized_decoder& decoder) {
    const auto& [levels, cdf, smallest_probability] = decoder;
    return words("discretized", levels, cdf, smallest_probability);
}

template <class... Kinds>
[[nodiscard]] std::string text_of(const std::variant<Kinds...>& kinds) {
    return std::visit([](const auto& kind) { return text_of(kind); }, kinds);
}

[[nodiscard]] inline std::string text_of(const mse_loss& loss) {
    const auto& [space, weighting] = loss;
    return words("mse", space, text_of(weighting));
}
[[nodiscard]] inline std::string text_of(const l1_loss& loss) {
    const auto& [space, weighting] = loss;
    return words("l1", space, text_of(weighting));
}
[[nodiscard]] inline std::string text_of(const huber_loss& loss) {
    const auto& [delta, space, weighting] = loss;
    return words("huber", delta, space, text_of(weighting));
}
[[nodiscard]] inline std::string text_of(const kl_loss&) { return "kl"; }
[[nodiscard]] inline std::string text_of(const vlb_loss& loss) {
    const auto& [variance, decoder, scale] = loss;
    return words("vlb", variance, text_of(decoder), scale);
}

/// One of this library's losses itself: a class derived from one may compute anything.
template <class L>
concept LossWithKnownText = std::same_as<L, mse_loss> || std::same_as<L, l1_loss> || std::same_as<L, huber_loss> ||
                            std::same_as<L, kl_loss> || std::same_as<L, vlb_loss>;

/// The name and the options of a loss, by which a checkpoint tells losses apart: its own member text(), or what is
/// written here for the losses of this library; empty for others.
/// @throws value_error if its own text is not UTF-8, in which a checkpoint holds it
template <class Loss>
[[nodiscard]] std::string loss_text(const Loss& loss) {
    if constexpr (LossWithText<Loss>) {
        std::string own(loss.text());
        if (first_invalid_utf8(own) != own.size()) {
            throw value_error("trainer", "the loss's text() is not UTF-8");
        }
        return own;
    } else if constexpr (LossWithKnownText<Loss>) {
        return detail::text_of(loss);
    } else {
        return {};
    }
}

template <class Simple>
[[nodiscard]] std::string loss_text(const basic_hybrid_loss<Simple>& loss) {
    const auto& [variance, simple, decoder, lambda, clip_denoised, reports_bound] = loss;
    return words("hybrid", variance, loss_text(simple), text_of(decoder), lambda, clip_denoised, reports_bound);
}

}  // namespace ddpm::detail
