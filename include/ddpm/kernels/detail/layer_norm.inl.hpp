// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of layer_norm.hpp. Sums are kept per lane of a pack; the lanes are then added in order.

template <class S>
DDPM_INLINE S sum_of_lanes(pack<S> v) {
    S sum = v[0];
    DDPM_UNROLL
    for (isize lane = 1; lane < lanes<S>; ++lane) {
        sum += v[lane];
    }
    return sum;
}

/// y = (x − mean) / σ · weight + bias of one sample; moments = {mean, 1/σ}.
template <class S>
void layer_norm(isize size, const S* x, const S* weight, const S* bias, S eps, S inverse_size, S* y, S* moments) {
    const isize whole = size - size % lanes<S>;
    pack<S> sums{};
    for (isize i = 0; i < whole; i += lanes<S>) {
        sums += load(x + i);
    }
    S sum = sum_of_lanes<S>(sums);
    for (isize i = whole; i < size; ++i) {
        sum += x[i];
    }
    const S mean = sum * inverse_size;
    pack<S> squares{};
    for (isize i = 0; i < whole; i += lanes<S>) {
        const pack<S> centred = load(x + i) - mean;
        squares = multiply_add(centred, centred, squares);
    }
    S square = sum_of_lanes<S>(squares);
    for (isize i = whole; i < size; ++i) {
        square += (x[i] - mean) * (x[i] - mean);
    }
    const S inverse_deviation = S(1) / sqrt(splat(square * inverse_size + eps))[0];
    for (isize i = 0; i < whole; i += lanes<S>) {
        store(y + i, multiply_add((load(x + i) - mean) * inverse_deviation, load(weight + i), load(bias + i)));
    }
    for (isize i = whole; i < size; ++i) {
        y[i] = (x[i] - mean) * inverse_deviation * weight[i] + bias[i];
    }
    moments[0] = mean;
    moments[1] = inverse_deviation;
}

/// With g = dy · weight and z = (x − mean) / σ: dx = (g − Σg/D − z · Σ(g·z)/D) / σ of one sample.
template <class S>
void layer_norm_backward(isize size, const S* x, const S* weight, const S* moments, S inverse_size, const S* dy,
                         S* dx) {
    const isize whole = size - size % lanes<S>;
    const S mean = moments[0], inverse_deviation = moments[1];
    pack<S> sums{}, products{};
    for (isize i = 0; i < whole; i += lanes<S>) {
        const pack<S> g = load(dy + i) * load(weight + i);
        sums += g;
        products = multiply_add(g, (load(x + i) - mean) * inverse_deviation, products);
    }
    S sum = sum_of_lanes<S>(sums), product = sum_of_lanes<S>(products);
    for (isize i = whole; i < size; ++i) {
        const S g = dy[i] * weight[i];
        sum += g;
        product += g * ((x[i] - mean) * inverse_deviation);
    }
    sum *= inverse_size;
    product *= inverse_size;
    for (isize i = 0; i < whole; i += lanes<S>) {
        const pack<S> g = load(dy + i) * load(weight + i);
        const pack<S> z = (load(x + i) - mean) * inverse_deviation;
        store(dx + i, inverse_deviation * (g - sum - z * product));
    }
    for (isize i = whole; i < size; ++i) {
        const S g = dy[i] * weight[i];
        const S z = (x[i] - mean) * inverse_deviation;
        dx[i] = inverse_deviation * (g - sum - z * product);
    }
}

/// dweight(i) += Σ_n dy(i, n) · z(i, n) and dbias(i) += Σ_n dy(i, n), for a range of rows.
template <class S>
void layer_norm_parameters(isize rows, isize columns, const S* x, isize x_stride, const S* moments,
                           isize moments_stride, const S* dy, isize dy_stride, S* dweight, S* dbias) {
    isize i = 0;
    for (; i + lanes<S> <= rows; i += lanes<S>) {
        pack<S> weight = load(dweight + i), bias = load(dbias + i);
        for (isize n = 0; n < columns; ++n) {
            const S* moment = moments + n * moments_stride;
            const pack<S> d = load(dy + n * dy_stride + i);
            weight = multiply_add(d, (load(x + n * x_stride + i) - moment[0]) * moment[1], weight);
            bias += d;
        }
        store(dweight + i, weight);
        store(dbias + i, bias);
    }
    for (; i < rows; ++i) {
        for (isize n = 0; n < columns; ++n) {
            const S* moment = moments + n * moments_stride;
            const S d = dy[n * dy_stride + i];
            dweight[i] += d * ((x[n * x_stride + i] - moment[0]) * moment[1]);
            dbias[i] += d;
        }
    }
}
