// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/model_folder.hpp>
#include <ddpm/io/safetensors_file.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

/// Whether a tensor belongs to an attention layer.
[[nodiscard]] inline bool is_of_attention(std::string_view name) noexcept {
    return name.starts_with("attentions.") || name.find(".attentions.") != name.npos;
}

/// The current name of a tensor in diffusers. Before 2023 the dense layers of attention had other names.
[[nodiscard]] inline std::string current_name(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> renamed{
        {{".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}}};
    std::string current(name);
    if (is_of_attention(name)) {
        for (const auto& [old, now] : renamed) {
            if (const std::size_t at = current.find(old); at != current.npos) {
                current.replace(at, old.size(), now);
            }
        }
    }
    return current;
}

/// A tensor of one of the files.
struct stored_tensor {
    const io::safetensors_file* file;
    const std::string* name;  ///< in the file
    const io::tensor_info* info;
};

/// The open safetensors files of a model, and their tensors by current names.
class weight_files {
public:
    /// @throws value_error if the variant cannot be part of a file name; io_error if there are no safetensors files of
    /// it, or a file or the index is invalid
    weight_files(const std::string& folder, std::string_view variant) : where_(folder) {
        if (variant.find_first_of(std::string_view("/\0", 2)) != variant.npos) {
            throw value_error("load_weights", "variant", "a part of a file's name", ddpm::detail::quoted(variant));
        }
        for (const std::string& name : {weights_index_name(variant), old_weights_index_name(variant)}) {
            if (const std::string path = path_in(folder, name); files_.empty() && exists(path)) {
                where_ = path;
                open_shards(folder);
            }
        }
        if (const std::string path = path_in(folder, weights_name(variant)); where_ == folder && exists(path)) {
            where_ = path;
            files_.push_back(io::safetensors_file::open(path));
        }
        if (where_ == folder) {
            throw io_error(folder, "no weights",
                           ddpm::detail::text(weights_name(variant), " or ", weights_index_name(variant)),
                           other_weights_in(folder));
        }
        for (const io::safetensors_file& file : files_) {
            add_tensors_of(file);
        }
    }

    /// One file, which must outlive this.
    explicit weight_files(const io::safetensors_file& file) : where_(file.path()) { add_tensors_of(file); }

    weight_files(const weight_files&) = delete;
    weight_files& operator=(const weight_files&) = delete;

    /// The path for messages: of the only file, or of the index.
    [[nodiscard]] const std::string& where() const noexcept { return where_; }
    [[nodiscard]] const std::map<std::string, stored_tensor, std::less<>>& tensors() const noexcept { return tensors_; }

    /// Tensors that are stored twice or missing in their file.
    [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

private:
    void add_tensors_of(const io::safetensors_file& file) {
        for (const auto& [name, info] : file.tensors()) {
            if (!tensors_.emplace(current_name(name), stored_tensor{&file, &name, &info}).second) {
                problems_.push_back(name + " comes twice");
            }
        }
    }

    void open_shards(const std::string& folder) {
        config_reader reader(read_json_file(where_), where_);
        const std::optional<json> map = reader.take("weight_map");
        if (!map || map->kind != json_kind::object) {
            reader.fail("weight_map", "an object", map ? "another kind of value" : "none");
        }
        std::map<std::string, std::size_t> position;
        for (const json& entry : map->items) {
            const std::string& shard = reader.text_of("weight_map", entry);
            if (shard.empty() || shard.find_first_of("/\\") != shard.npos || shard.find('\0') != shard.npos ||
                !shard.ends_with(".safetensors")) {
                reader.fail("weight_map", "names of safetensors files in the same folder", ddpm::detail::quoted(shard));
            }
            if (position.emplace(shard, files_.size()).second) {
                if (files_.size() == config_limits::shards) {
                    reader.fail("weight_map", ddpm::detail::text("at most ", config_limits::shards, " files"),
                                "one more");
                }
                files_.push_back(io::safetensors_file::open(path_in(folder, shard)));
            }
        }
        for (const json& entry : map->items) {
            if (files_[position.at(entry.text)].find(entry.key) == nullptr) {
                problems_.push_back(entry.key + " is missing in " + entry.text);
            }
        }
    }

    std::string where_;
    std::vector<io::safetensors_file> files_;
    std::map<std::string, stored_tensor, std::less<>> tensors_;
    std::vector<std::string> problems_;
};

}  // namespace ddpm::diffusers::detail
