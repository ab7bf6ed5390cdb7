// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp), for philox_normal.cpp: the normals of given words, whole packs of them.
inline void box_muller_words(const std::uint32_t* radius_words, const std::uint32_t* angle_words, float* first,
                             float* second, isize size) {
    for (isize i = 0; i + lanes<float> <= size; i += lanes<float>) {
        const normal_packs normals = box_muller(load(radius_words + i), load(angle_words + i));
        store(first + i, normals.first);
        store(second + i, normals.second);
    }
}
