// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/detail/stored_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace ddpm::nn::detail {

/// How the input of a convolution lies in the staged memory of a task, which computes some rows of an image, and which
/// segments its products have.
///
/// Products compute positions: `pitch` for each row of the output, of which the first `width` are its pixels. Staged
/// memory has planes, each with `chunk` channels of pixels. In a plane the pixels that a tap of the kernel multiplies
/// have the order of the positions, so that a segment is a place in a plane:
///
/// - "rows": a plane has the rows of the input with zeros around them, and the pixels of a tap begin `down` rows and
///   `across` pixels after its first. Rows share the zeros between them, so that a row has few positions more than
///   pixels. Narrow images would have too many; there each column of the kernel has a plane of its own, without zeros
///   between the rows.
/// - "taps", for a stride: each tap has a plane with the pixels that it multiplies.
/// - "patches", for few channels: a pixel of the only plane has the input of all taps.
///
/// The planes of a shortcut, a convolution of another input with kernel 1, follow.
///
/// After an upsampling, where every pixel stands for four, the pixels of the output whose row and column are even or odd
/// are four phases: each is a convolution of the small image, with a smaller kernel, whose weights are sums of those of
/// taps that read the same pixel. A 3 × 3 kernel becomes four of 2 × 2.
template <class T>
class convolution_staging {
public:
    convolution_staging() = default;

    /// @param before rows and columns of zeros before the image
    /// @param up whether the image is upsampled before; then stride is 1
    convolution_staging(isize kernel, isize stride, isize before, isize inputs, isize shortcut_inputs, bool up)
        : kernel_(kernel),
          stride_(stride),
          before_(before),
          inputs_(inputs),
          shortcut_inputs_(shortcut_inputs),
          phases_(up ? 4 : 1),
          window_(up ? kernel / 2 + 1 + kernel / 2 % 2 : kernel),
          window_before_(up ? (before + 1) / 2 : before),
          segment_kernel_(up ? kernel / 2 + 1 : kernel) {
        constexpr isize few = 16;  // channels
        way_ = kernel > 1 && inputs < few && !up ? way::patches : stride == 1 ? way::rows : way::taps;
        const isize k = way_ == way::patches ? kernel * kernel * inputs : inputs;
        constexpr isize least = kernels::detail::packed_depth<T>;
        chunk_ = sizeof(T) == 2 && way_ != way::patches ? least : ddpm::detail::rounded_up(k, least);
        chunks_ = ddpm::detail::divided_up(k, chunk_);
    }

    [[nodiscard]] const char* algorithm() const noexcept {
        return way_ == way::patches ? "gathered patches"
               : phases_ > 1        ? "four phases"
               : kernel_ == 1       ? "pointwise"
               : way_ == way::rows  ? "shifted rows"
                                    : "rows by tap";
    }

    /// Whether a pixel has the input of all taps: channel i of a tap is k = tap · inputs + i of the only segment.
    [[nodiscard]] bool gathers_patches() const noexcept { return way_ == way::patches; }

    /// Height or width of the output for that of the image, which is not upsampled yet.
    [[nodiscard]] isize output_size(isize size) const noexcept {
        return phases_ > 1 ? 2 * size
                           : (size + (before_ > 0 || kernel_ == 1 ? 2 * before_ : 1) - kernel_) / stride_ + 1;
    }

    [[nodiscard]] isize inputs() const noexcept { return inputs_; }
    [[nodiscard]] isize shortcut_inputs() const noexcept { return shortcut_inputs_; }

    /// 4 after an upsampling, otherwise 1.
    [[nodiscard]] isize phases() const noexcept { return phases_; }

    /// Channels of a segment.
    [[nodiscard]] isize chunk() const noexcept { return chunk_; }
    [[nodiscard]] isize shortcut_chunks() const noexcept { return ddpm::detail::divided_up(shortcut_inputs_, chunk_); }
    [[nodiscard]] isize segments() const noexcept { return chunks_ * segment_taps() + shortcut_chunks(); }

    /// The taps that a phase has, and which of them a tap of the kernel is part of.
    [[nodiscard]] isize phase_taps() const noexcept { return segment_kernel_ * segment_kernel_; }
    [[nodiscard]] isize phase_tap(isize phase, isize tap) const noexcept {
        if (phases_ == 1) {
            return tap;
        }
        const auto along = [&](isize odd, isize at) { return low_row(odd + at) - low_row(odd); };
        return along(phase / 2, tap / kernel_) * segment_kernel_ + along(phase % 2, tap % kernel_);
    }

    /// The segment and the k in it that a channel of a tap of a phase, or of the shortcut, has.
    struct place {
        isize segment, k;
    };
    [[nodiscard]] place place_of(isize tap, isize channel) const noexcept {
        return way_ == way::patches ? place{0, tap * inputs_ + channel}
                                    : place{channel / chunk_ * phase_taps() + tap, channel % chunk_};
    }
    [[nodiscard]] place place_of_shortcut(isize channel) const noexcept {
        return {chunks_ * segment_taps() + channel / chunk_, channel % chunk_};
    }

    /// The sizes of a task: some rows of one image, or all rows of some images.
    struct layout {
        isize images, rows, width;  ///< of the output, or of a phase of it
        isize columns;              ///< planes for the columns of the window
        isize pitch;                ///< positions of a row
        isize image;                ///< positions of an image
        isize plane;                ///< pixels
        isize positions;            ///< that are computed
        isize length;               ///< of the staged memory
    };
    [[nodiscard]] layout layout_of(isize images, isize rows, isize width) const noexcept {
        constexpr isize narrow = 16;
        layout of{images, rows, width, way_ == way::rows && width < narrow ? window_ : 1, width, 0, 0, 0, 0};
        const isize border = way_ == way::rows ? std::max(window_before_, window_ - 1 - window_before_) : 0;
        const isize gap = of.columns == 1 ? border : 0;
        of.pitch += gap;
        of.image = (rows + border) * of.pitch;
        const isize before_last = (images - 1) * of.image;
        of.plane = before_last + (way_ == way::rows ? rows + window_ - 1 : rows) * of.pitch + gap;
        of.positions = ddpm::detail::rounded_up(before_last + rows * of.pitch - gap, kernels::detail::packed_pixels);
        constexpr isize beyond = kernels::detail::packed_beyond + kernels::detail::packed_pixels;
        of.length = (planes(of) * of.plane + beyond) * chunk_;
        return of;
    }

    /// The layout of all tasks but the last ones, which may have fewer rows or images. Results do not depend on it.
    template <class X>
    [[nodiscard]] layout task_layout(isize height, isize width, isize block, isize samples, isize threads) const {
        // Enough pixels that few rows are read by two tasks and weights are read for many; few enough that they fit the
        // second-level cache.
        constexpr isize most_pixels = 512, most_bytes = isize{512} << 10, least_pixels = 128;
        const auto fits = [&](isize images, isize rows) {
            return layout_of(images, rows, width).length * isize{sizeof(X)} <= most_bytes;
        };
        isize rows = std::clamp<isize>(most_pixels / width, 1, height);
        while (rows > 1 && !fits(1, rows)) {
            --rows;
        }
        isize tasks = ddpm::detail::divided_up(height, rows);
        // The threads should have equal shares if there are few tasks.
        while (tasks * samples < 4 * threads && tasks * samples % threads != 0 &&
               height * width / (tasks + 1) >= least_pixels) {
            ++tasks;
        }
        rows = ddpm::detail::rounded_up(ddpm::detail::divided_up(height, tasks), block);
        isize images = 1;
        if (rows >= height) {
            rows = height;
            images = std::clamp<isize>(most_pixels / (height * width), 1, ddpm::detail::divided_up(samples, threads));
            while (images > 1 && !fits(images, rows)) {
                --images;
            }
        }
        return layout_of(images, rows, width);
    }

    /// Sets offsets[s] of all segments of a phase.
    void find_offsets(const layout& of, isize phase, isize* offsets) const noexcept {
        const isize first_down = phases_ == 1 ? 0 : low_row(phase / 2) + window_before_;
        const isize first_across = phases_ == 1 ? 0 : low_row(phase % 2) + window_before_;
        for (isize chunk = 0; chunk < chunks_; ++chunk) {
            for (isize tap = 0; tap < segment_taps(); ++tap, ++offsets) {
                if (way_ == way::rows) {
                    const isize down = first_down + tap / segment_kernel_,
                                across = first_across + tap % segment_kernel_;
                    const bool own = of.columns > 1;
                    const isize plane = chunk * of.columns + (own ? across : 0);
                    *offsets = (plane * of.plane + down * of.pitch + (own ? 0 : across)) * chunk_;
                } else {
                    *offsets = (chunk * segment_taps() + tap) * of.plane * chunk_;
                }
            }
        }
        for (isize chunk = 0; chunk < shortcut_chunks(); ++chunk) {
            *offsets++ = (input_planes(of) + chunk) * of.plane * chunk_;
        }
    }

    /// Copies what products read for the rows from `first` on of the samples from n on; shortcut is null if there is
    /// none. Inputs are a packed_input or float_input.
    template <class X, class In>
    void stage(const In& x, const In* shortcut, isize n, isize first, const layout& of, X* staged) const {
        for (isize image = 0; image < of.images; ++image) {
            X* const to = staged + image * of.image * chunk_;
            stage_input(x, n + image, first, of, to);
            if (shortcut != nullptr) {
                stage_shortcut(*shortcut, n + image, first, of, to + input_planes(of) * of.plane * chunk_);
            }
        }
        if (way_ == way::rows) {  // zeros after the last row
            const isize end = (of.images - 1) * of.image + (of.rows + window_ - 1) * of.pitch;
            for (isize plane = 0; plane < input_planes(of); ++plane) {
                std::fill_n(staged + (plane * of.plane + end) * chunk_, (of.plane - end) * chunk_, X{});
            }
        }
    }

private:
    enum class way { rows, taps, patches };

    struct row_tag {};  // for thread_scratch

    /// The row or column of the small image that one of the upsampled image reads, counted from the first zeros before it.
    [[nodiscard]] isize low_row(isize row) const noexcept {
        return (row - before_ + 2 * window_before_) / 2 - window_before_;
    }

    [[nodiscard]] isize segment_taps() const noexcept { return way_ == way::patches ? 1 : phase_taps(); }
    [[nodiscard]] isize input_planes(const layout& of) const noexcept {
        return chunks_ * (way_ == way::rows ? of.columns : segment_taps());
    }
    [[nodiscard]] isize planes(const layout& of) const noexcept { return input_planes(of) + shortcut_chunks(); }

    /// A row of the input in the order of planes: for each chunk `length` pixels of `pixel` channels, the first `before`
    /// and the last ones zeros. The rows of the input are read into it one after another.
    template <class X>
    struct padded_row {
        X* data;
        isize pixel, length, before;

        [[nodiscard]] X* at(isize index) const noexcept { return data + index * length * pixel; }
        template <class In>
        void read(const In& in, isize n, isize y, isize channels) const {
            read_row(in, n, y, 0, channels, row_place<X>{data + before * pixel, pixel, length * pixel, pixel});
        }
    };

    template <class X>
    [[nodiscard]] static padded_row<X> make_row(isize chunks, isize pixel, isize length, isize before) {
        X* const data = staged_memory<row_tag, X>(chunks * length * pixel);
        std::fill_n(data, chunks * length * pixel, X{});
        return {data, pixel, length, before};
    }

    template <class X, class In>
    void stage_input(const In& in, isize n, isize first, const layout& of, X* staged) const {
        DDPM_ASSERT(!in.upsampled);  // phases take its place
        if (way_ == way::rows && of.columns == 1 && inputs_ % chunk_ == 0) {
            stage_rows(in, n, first, of, staged);
            return;
        }
        const isize length = std::max(in.width() + window_ - 1, (of.width - 1) * stride_ + window_);
        const auto row = make_row<X>(chunks_, way_ == way::patches ? inputs_ : chunk_, length, window_before_);
        const isize top = first * stride_ - window_before_, bottom = top + (of.rows - 1) * stride_ + window_ - 1;
        for (isize y = top; y <= bottom; ++y) {
            const bool inside = y >= 0 && y < in.height();
            if (inside) {
                row.read(in, n, y, inputs_);
            }
            if (way_ == way::rows) {
                copy_row(inside, row, y - top, of, staged);
                continue;
            }
            for (isize down = 0; down < kernel_; ++down) {
                const isize distance = y - top - down;
                if (distance >= 0 && distance % stride_ == 0 && distance / stride_ < of.rows) {
                    way_ == way::taps ? copy_taps(inside, row, down, distance / stride_, of, staged)
                                      : copy_patches(inside, row, down, distance / stride_, of, staged);
                }
            }
        }
    }

    /// stage_input for "rows" in one plane for all columns of the kernel and whole chunks: reads rows to where they belong.
    template <class X, class In>
    void stage_rows(const In& in, isize n, isize first, const layout& of, X* staged) const {
        const isize top = first - window_before_, end = window_before_ + in.width();
        for (isize at = 0; at < of.rows + window_ - 1; ++at) {
            const isize y = top + at;
            const bool inside = y >= 0 && y < in.height();
            X* const row = staged + at * of.pitch * chunk_;
            for (isize chunk = 0; chunk < chunks_; ++chunk) {
                X* const to = row + chunk * of.plane * chunk_;
                if (inside) {  // zeros before the row, and after it
                    std::fill_n(to, window_before_ * chunk_, X{});
                    std::fill_n(to + end * chunk_, (of.pitch - end) * chunk_, X{});
                } else {
                    std::fill_n(to, of.pitch * chunk_, X{});
                }
            }
            if (inside) {
                read_row(in, n, y, 0, inputs_,
                         row_place<X>{row + window_before_ * chunk_, chunk_, of.plane * chunk_, chunk_});
            }
        }
    }

    template <class X>
    void copy_row(bool inside, const padded_row<X>& row, isize at, const layout& of, X* staged) const {
        for (isize plane = 0; plane < input_planes(of); ++plane) {
            X* const to = staged + (plane * of.plane + at * of.pitch) * chunk_;
            copy(inside, row.at(plane / of.columns) + plane % of.columns * chunk_, of.pitch * chunk_, to);
        }
    }

    template <class X>
    void copy_taps(bool inside, const padded_row<X>& row, isize down, isize at, const layout& of, X* staged) const {
        for (isize chunk = 0; chunk < chunks_; ++chunk) {
            for (isize across = 0; across < kernel_; ++across) {
                const isize plane = chunk * phase_taps() + down * kernel_ + across;
                X* const to = staged + (plane * of.plane + at * of.pitch) * chunk_;
                for (isize p = 0; p < of.width; ++p) {
                    copy(inside, row.at(chunk) + (p * stride_ + across) * chunk_, chunk_, to + p * chunk_);
                }
            }
        }
    }

    template <class X>
    void copy_patches(bool inside, const padded_row<X>& row, isize down, isize at, const layout& of, X* staged) const {
        const isize count = kernel_ * inputs_;
        for (isize p = 0; p < of.width; ++p) {
            X* const pixel = staged + (at * of.pitch + p) * chunk_;
            copy(inside, row.data + p * stride_ * inputs_, count, pixel + down * count);
            if (down == 0) {
                std::fill_n(pixel + kernel_ * count, chunk_ - kernel_ * count, X{});
            }
        }
    }

    template <class X, class In>
    void stage_shortcut(const In& in, isize n, isize first, const layout& of, X* staged) const {
        const auto row = make_row<X>(shortcut_chunks(), chunk_, of.pitch, 0);
        isize read = -1;
        for (isize at = 0; at < of.rows; ++at) {
            const isize y = first + at, wanted = in.upsampled ? y >> 1 : y;
            if (wanted != read) {
                row.read(in, n, wanted, shortcut_inputs_);
                read = wanted;
            }
            for (isize chunk = 0; chunk < shortcut_chunks(); ++chunk) {
                copy(true, row.at(chunk), of.pitch * chunk_, staged + (chunk * of.plane + at * of.pitch) * chunk_);
            }
        }
    }

    /// Copies numbers, or zeros for what is outside of the image.
    template <class X>
    static void copy(bool inside, const X* from, isize count, X* to) {
        if (inside) {
            std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(X));
        } else {
            std::fill_n(to, count, X{});
        }
    }

    isize kernel_ = 1, stride_ = 1, before_ = 0;
    isize inputs_ = 0, shortcut_inputs_ = 0;
    isize phases_ = 1;
    isize window_ = 1, window_before_ = 0;  // rows and columns of the image that all phases read, as kernel and before
    isize segment_kernel_ = 1;              // of a phase
    isize chunk_ = 1, chunks_ = 0;
    way way_ = way::rows;
};

}  // namespace ddpm::nn::detail
