// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/channel_order.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

TEMPLATE_TEST_CASE("images change between torch's order and a batch's", "[core]", float, double) {
    using S = TestType;
    const sample_shape shape{2, 3, 2};
    batch<S> nchw(12, 2);
    for (ddpm::isize n = 0; n < 2; ++n) {
        for (ddpm::isize i = 0; i < 12; ++i) {
            nchw(i, n) = static_cast<S>(100 * n + i);  // channel i / 6, row i / 3 mod 2, column i mod 3
        }
    }
    const batch<S> images = nchw_to_batch(nchw, shape);
    for (ddpm::isize n = 0; n < 2; ++n) {
        for (ddpm::isize y = 0; y < 2; ++y) {
            for (ddpm::isize x = 0; x < 3; ++x) {
                for (ddpm::isize c = 0; c < 2; ++c) {
                    CHECK(images((y * 3 + x) * 2 + c, n) == static_cast<S>(100 * n + c * 6 + y * 3 + x));
                }
            }
        }
    }
    CHECK((batch_to_nchw(images, shape) == nchw).all());
    CHECK((nchw_to_batch(nchw * S{1}, shape) == images).all());
    CHECK((nchw_to_batch(batch_view<const S>(nchw.data(), 12, 2), shape) == images).all());
    CHECK_THROWS_AS(nchw_to_batch(nchw, sample_shape{2, 3, 1}), shape_error);
    CHECK_THROWS_AS(batch_to_nchw(nchw, sample_shape{-2, -3, 2}), shape_error);
    batch<S> small(12, 1);
    CHECK_THROWS_AS(nchw_to_batch(nchw, shape, small), shape_error);
}

}  // namespace ddpm::test
