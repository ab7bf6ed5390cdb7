// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/difference_list.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/write_safetensors.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/torch_order.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// Adds the parameters to the list, with `prefix` before their names.
template <class T, class From>
void append_group(std::vector<nn::parameter<T>>& list, std::string_view prefix,
                  std::span<const nn::parameter<From>> group) {
    for (const nn::parameter<From>& p : group) {
        list.push_back({std::string(prefix) + p.name, p.shape, p.values, p.order});
    }
}

/// Writes the parameters to a safetensors file with a checksum.
template <Scalar S>
void write_parameters(const std::string& path, const std::vector<nn::parameter<const S>>& list,
                      const io::safetensors_metadata& metadata) {
    std::vector<io::tensor_source> tensors;
    std::deque<std::vector<S>> reordered;
    for (const nn::parameter<const S>& p : list) {
        std::span<const S> values = p.values;
        if (p.order != nn::tensor_order::last_fastest) {
            nn::to_torch_order(p, std::span(reordered.emplace_back(p.values.size())));
            values = reordered.back();
        }
        tensors.emplace_back(p.name, std::vector<isize>(p.shape.begin(), p.shape.end()), values);
    }
    io::write_safetensors(path, tensors, metadata, {.checksum = true});
}

/// The values of a file's tensors, checked against the parameters, which are not changed before commit().
template <Scalar S>
class staged_parameters {
public:
    /// Reads the tensors of the list. A tensor that is not in the list is an error if is_ours(name).
    /// @throws io_error that names the first missing or unexpected tensors and those of the wrong shape or type, and
    /// their number; or, with reject_nonfinite, a tensor with a value that is not finite
    template <class IsOurs>
    staged_parameters(const io::safetensors_file& file, std::vector<nn::parameter<S>> list, IsOurs&& is_ours,
                      bool exact_type, const load_options& options)
        : list_(std::move(list)) {
        difference_list differences;
        std::map<std::string_view, const nn::parameter<S>*> expected;
        std::size_t size = 0;
        for (const nn::parameter<S>& p : list_) {
            expected.emplace(p.name, &p);
            size += p.values.size();
            const io::tensor_info* const found = file.find(p.name);
            if (found == nullptr) {
                differences.add(p.name, " is missing");
            } else if (!std::equal(found->shape.begin(), found->shape.end(), p.shape.begin(), p.shape.end())) {
                differences.add(p.name, " has shape ", shape_text(found->shape), " instead of ", p.shape.text());
            } else if (exact_type ? found->type != io::dtype_of<S>() : !io::converts_to_scalar(found->type)) {
                differences.add(p.name, " has type ", io::name_of(found->type), " instead of ",
                                exact_type ? io::name_of(io::dtype_of<S>()) : "a floating-point one");
            }
        }
        for (const auto& [name, info] : file.tensors()) {
            if (is_ours(name) && !expected.contains(name)) {
                differences.add(name, " is unexpected");
            }
        }
        if (!differences.empty()) {
            throw io_error(file.path(), text("not the tensors of this network: ", differences.text()));
        }
        values_.resize(size);
        std::size_t begin = 0;
        for (const nn::parameter<S>& p : list_) {
            const std::span<S> values = std::span(values_).subspan(begin, p.values.size());
            file.read(p.name, values);
            if (options.reject_nonfinite) {
                require_finite<S>(file.path(), p.name, values);
            }
            begin += p.values.size();
        }
    }

    /// Copies the values to the parameters.
    void commit() const {
        auto from = values_.begin();
        for (const nn::parameter<S>& p : list_) {
            const auto to = from + static_cast<std::ptrdiff_t>(p.values.size());
            from_torch_order(std::span(from, to), p);
            from = to;
        }
    }

private:
    std::vector<nn::parameter<S>> list_;
    std::vector<S> values_;
};

}  // namespace ddpm::detail
