// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <cstddef>

// The smallest networks: they have the members that the documentation of `Network` names, and no others.
namespace ddpm::test {

/// Learns a line for each element of a sample.
template <Scalar S>
struct line_network : network_base {
    using scalar = S;
    struct workspace {};

    nn::tensor<S> slope{{4}}, offset{{4}};

    [[nodiscard]] sample_shape shape() const { return 4; }
    [[nodiscard]] workspace make_workspace(ddpm::isize, pass) const { return {}; }

    void forward(const network_input<S>& in, batch_view<S> out, workspace&) const {
        for (ddpm::isize n = 0; n < in.samples(); ++n) {
            for (ddpm::isize i = 0; i < 4; ++i) {
                out(i, n) = slope[i] * in.xt(i, n) + offset[i];
            }
        }
    }

    void backward(const network_input<S>& in, batch_view<const S> dout, workspace&, line_network& d,
                  batch_view<S> dx) const {
        for (ddpm::isize n = 0; n < in.samples(); ++n) {
            for (ddpm::isize i = 0; i < 4; ++i) {
                d.slope[i] += dout(i, n) * in.xt(i, n);
                d.offset[i] += dout(i, n);
                if (dx.size() != 0) {
                    dx(i, n) = slope[i] * dout(i, n);
                }
            }
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("slope", self.slope);
        visitor("offset", self.offset);
    }
};

/// The same with what it is told: one of three classes, a vector of two elements, and maps of some channels, beside
/// samples of two pixels with two channels.
template <Scalar S>
struct told_network : network_base {
    using scalar = S;
    struct workspace {};

    static constexpr ddpm::isize classes = 3, elements = 2;
    ddpm::isize channels;  // of the maps
    nn::tensor<S> slope{{4}}, table{{4, classes}}, vector{{4, elements}}, map;

    explicit told_network(ddpm::isize map_channels = 1) : channels(map_channels), map({4, map_channels}) {}

    [[nodiscard]] sample_shape shape() const { return {1, 2, 2}; }
    [[nodiscard]] condition_shape takes() const {
        return {.classes = classes, .vector = elements, .map_channels = channels};
    }
    [[nodiscard]] workspace make_workspace(ddpm::isize, pass) const { return {}; }

    void forward(const network_input<S>& in, batch_view<S> out, workspace&) const {
        for (ddpm::isize n = 0; n < in.samples(); ++n) {
            for (ddpm::isize i = 0; i < 4; ++i) {
                S sum = slope[i] * in.xt(i, n) + table[i * classes + label(in, n)];
                for (ddpm::isize e = 0; e < elements; ++e) {
                    sum += vector[i * elements + e] * in.condition.vectors(e, n);
                }
                for (ddpm::isize c = 0; c < channels; ++c) {
                    sum += map[i * channels + c] * in.condition.maps(i / 2 * channels + c, n);
                }
                out(i, n) = sum;
            }
        }
    }

    void backward(const network_input<S>& in, batch_view<const S> dout, workspace&, told_network& d,
                  batch_view<S> dx) const {
        for (ddpm::isize n = 0; n < in.samples(); ++n) {
            for (ddpm::isize i = 0; i < 4; ++i) {
                d.slope[i] += dout(i, n) * in.xt(i, n);
                d.table[i * classes + label(in, n)] += dout(i, n);
                for (ddpm::isize e = 0; e < elements; ++e) {
                    d.vector[i * elements + e] += dout(i, n) * in.condition.vectors(e, n);
                }
                for (ddpm::isize c = 0; c < channels; ++c) {
                    d.map[i * channels + c] += dout(i, n) * in.condition.maps(i / 2 * channels + c, n);
                }
                if (dx.size() != 0) {
                    dx(i, n) = slope[i] * dout(i, n);
                }
            }
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("slope", self.slope);
        visitor("table", self.table);
        visitor("vector", self.vector);
        visitor("map", self.map);
    }

private:
    static ddpm::isize label(const network_input<S>& in, ddpm::isize n) {
        return in.condition.labels[static_cast<std::size_t>(n)];
    }
};

}  // namespace ddpm::test
