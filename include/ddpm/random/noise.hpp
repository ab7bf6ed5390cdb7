// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/philox.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ddpm {

/// A source of standard normals: fills `out` for one step of a run, column n with those of sample first_sample + n. It
/// may compute them from that address (philox_noise), or ignore the address and draw from its own state (torch_noise).
///
/// An optional member makes it a NoisePath: `normal_between(batch_view<S> out, double from, double to, isize
/// first_sample)`, which a run calls in place of normal() for steps from one noise level to another. normal() then makes
/// the noise that belongs to no such step: that of the samples at the start, of the Langevin steps of
/// predictor_corrector, which stay at one level, and of the known region in `inpaint`.
template <class N, class S = float>
concept NoiseSource =
    Scalar<S> && requires(N& source, const batch_view<S> out, const isize step, const isize first_sample) {
        source.normal(out, step, first_sample);
        source.normal(batch_view<S>(out), isize(step), isize(first_sample));
    };

/// A noise source that is a stochastic process W in time, such as brownian_tree, so that runs with different steps can
/// follow the same path. For a step from one noise-to-signal ratio σ/α, `from`, to another, `to`, normal_between fills
/// `out`, D × N, with W(to) − W(from) divided by its standard deviation, column n for sample first_sample + n. The ratios
/// may be 0 or infinite.
template <class N, class S = float>
concept NoisePath = NoiseSource<N, S> && requires(N& source, const batch_view<S> out, const double from,
                                                  const double to, const isize first_sample) {
    source.normal_between(out, from, to, first_sample);
    source.normal_between(batch_view<S>(out), double(from), double(to), isize(first_sample));
};

namespace detail {

/// Has a public member of that name, which may be for another scalar if it is a template.
template <class N, class S>
concept NamesNormalBetween = requires(N& source, batch_view<S> out) {
    source.normal_between(out, 1.0, 0.5, isize{});
} || requires { &N::normal_between; };

}  // namespace detail

/// Checks the optional member of a noise source: one with another signature than NoisePath has would be ignored, and so
/// noise_members<N, S> does not compile then.
template <class N, class S = float>
struct noise_members {
    static_assert(!detail::NamesNormalBetween<N, S> || NoisePath<N, S>,
                  "ddpm: wanted as the member normal_between of a noise source is: "
                  "void normal_between(batch_view<S> out, double from, double to, isize first_sample)");
};

/// The purpose of random numbers: different streams are independent even with the same seed. Streams from
/// `first_user_stream` on are free for users.
enum class noise_stream : std::uint32_t {
    sampler,
    training,
    timestep,
    order,
    weights,
    dropout,
    brownian,
    probe,
    evaluation,
    condition,
};

/// static_cast<noise_stream>(first_user_stream + i) is a stream that the library does not use.
inline constexpr std::uint32_t first_user_stream = 1u << 16;

/// Random numbers addressed by (seed, stream, sample, step, element): each at the same cost, in any order, from any
/// thread. Philox4x32-10 with key = seed and counter = (element block, step, sample, stream). Element e of a sample is
/// word (e / 16) mod 4 of counter block (e / 64) · 16 + e mod 16. A pair of normals uses the words (0, 1) or (2, 3) of
/// one counter: the first normal goes to the element of the first word, the second to that of the second.
/// @determinism the same bits whatever the batch split, the thread count, the instruction set and the compiler; the
/// noise of a smaller sample equals the first elements of a larger one
class philox_noise {
public:
    /// The numbers of this seed and stream. Others have independent numbers.
    philox_noise(std::uint64_t seed, noise_stream stream) noexcept
        : seed_(seed), stream_(static_cast<std::uint32_t>(stream)) {}

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] noise_stream stream() const noexcept { return static_cast<noise_stream>(stream_); }

    /// Standard normals: column n of `out` is sample first_sample + n at that step. A double has the float's value.
    /// @shape out D × N, D ≤ 2³⁴
    /// @throws value_error unless 0 ≤ step < 2³² and all samples lie in [0, 2³²); shape_error if D > 2³⁴
    /// @accuracy see box_muller
    template <Scalar S>
    void normal(batch_view<S> out, isize step, isize first_sample = 0) const {
        kernels::philox_normal(address(out.rows(), out.columns(), step, first_sample), out);
    }

    /// The address of the normals of a D × N batch, for kernels that generate them on the fly.
    /// @throws as normal() does
    [[nodiscard]] kernels::normal_address address(isize rows, isize columns, isize step, isize first_sample = 0) const {
        require_word("philox_noise::normal", "step", step);
        require_word("philox_noise::normal", "sample", first_sample);
        if (columns > 0) {
            require_word("philox_noise::normal", "sample", first_sample + (columns - 1));
        }
        if (rows > largest_sample) {
            throw shape_error("philox_noise::normal", "too many elements in a sample",
                              detail::text("<= ", largest_sample), rows);
        }
        return {seed_, stream_, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(first_sample)};
    }

    /// The random word at an address.
    /// @throws value_error unless step and sample lie in [0, 2³²) and element in [0, 2³⁴)
    /// @accuracy exact
    [[nodiscard]] std::uint32_t bits(isize sample, isize step, isize element) const {
        require_word("philox_noise::bits", "sample", sample);
        require_word("philox_noise::bits", "step", step);
        if (element < 0 || element >= largest_sample) {
            throw value_error("philox_noise::bits", "element", detail::text("in [0, ", largest_sample, ")"), element);
        }
        return philox4x32(counter(sample, step, element), key())[static_cast<std::size_t>(element / 16 % 4)];
    }

    /// A uniform integer in [0, bound) from the word at an address: the high half of word · bound. The probabilities of
    /// two values differ by a relative bound / 2³² at most.
    /// @throws value_error unless 1 ≤ bound ≤ 2³², and as bits() does
    /// @accuracy exact
    [[nodiscard]] isize below(isize bound, isize sample, isize step, isize element = 0) const {
        if (bound < 1 || bound > words) {
            throw value_error("philox_noise::below", "bound", detail::text("in [1, ", words, "]"), bound);
        }
        return static_cast<isize>((std::uint64_t{bits(sample, step, element)} * static_cast<std::uint64_t>(bound)) >>
                                  32);
    }

private:
    static constexpr isize words = isize{1} << 32;           // the number of values of a counter word
    static constexpr isize largest_sample = isize{1} << 34;  // four elements for each value of the block word

    static void require_word(std::string_view where, std::string_view what, isize value) {
        if (value < 0 || value >= words) {
            throw value_error(where, what, detail::text("in [0, ", words, ")"), value);
        }
    }

    [[nodiscard]] std::array<std::uint32_t, 4> counter(isize sample, isize step, isize element) const noexcept {
        return {static_cast<std::uint32_t>(element / 64 * 16 + element % 16), static_cast<std::uint32_t>(step),
                static_cast<std::uint32_t>(sample), stream_};
    }

    [[nodiscard]] std::array<std::uint32_t, 2> key() const noexcept {
        return {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)};
    }

    std::uint64_t seed_;
    std::uint32_t stream_;
};

}  // namespace ddpm
