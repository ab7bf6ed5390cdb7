// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/config_writer.hpp>
#include <ddpm/diffusers/detail/model_folder.hpp>
#include <ddpm/diffusers/scheduler_classes.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/nn/networks/unet_options.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers {

/// The files of a diffusers folder, and the classes of its components.
struct pipeline_folder {
    std::string folder;
    std::string class_name;        ///< empty if the folder has no model_index.json
    std::string unet_class;        ///< UNet2DModel
    std::string scheduler_class;   ///< empty if model_index.json has none
    std::string unet_config;       ///< the path of the U-Net's config.json
    std::string scheduler_config;  ///< the path of scheduler_config.json; empty if there is none
    std::vector<std::string> notes;
};

/// Finds the components of a folder that a pipeline of diffusers or UNet2DModel.save_pretrained wrote: in the
/// sub-folders unet/ and scheduler/, or, as in early repositories, in the folder itself.
/// @throws io_error if the folder has no config of a U-Net, or if its model_index.json is invalid or names another
/// class of network
[[nodiscard]] inline pipeline_folder read_pipeline(const std::string& folder) {
    pipeline_folder found;
    found.folder = folder;
    const std::string index_path = detail::path_in(folder, "model_index.json");
    if (detail::exists(index_path)) {
        detail::config_reader reader(detail::read_json_file(index_path), index_path);
        const auto class_of = [&](std::string_view key) {
            std::vector<std::string> names;
            if (const auto value = reader.take(key)) {
                for (const detail::json& name : reader.elements(key, *value)) {
                    names.push_back(reader.text_of(key, name));
                }
            }
            if (names.size() != 2) {
                reader.fail(key, "[library, class]", ddpm::detail::text(names.size(), " names"));
            }
            return names[1];
        };
        if (!reader.has("_class_name")) {
            reader.fail("_class_name", "the class of a pipeline", "none");
        }
        found.class_name = reader.text("_class_name");
        static_cast<void>(reader.take("_diffusers_version"));
        found.unet_class = class_of("unet");
        if (found.unet_class != "UNet2DModel") {
            reader.fail("unet", "UNet2DModel", found.unet_class);
        }
        if (reader.has("scheduler")) {
            found.scheduler_class = class_of("scheduler");
        }
        for (const auto& [pipeline, made] :
             {std::pair<std::string_view, std::string_view>{"DDIMPipeline", "DDIMScheduler"},
              {"PNDMPipeline", "PNDMScheduler"}}) {
            if (found.class_name == pipeline && !found.scheduler_class.empty() && found.scheduler_class != made) {
                found.notes.push_back(ddpm::detail::text("diffusers' ", pipeline, " samples with a ", made,
                                                         ", not with the ", found.scheduler_class,
                                                         " that the folder names"));
            }
        }
        static_cast<void>(reader.rest(found.notes));
    } else {
        found.notes.push_back("the folder has no model_index.json");
        found.unet_class = "UNet2DModel";
    }
    found.unet_config = detail::path_in(detail::part_folder(folder, "unet"), "config.json");
    if (!detail::exists(found.unet_config)) {
        throw io_error(folder, "no U-Net of diffusers", found.unet_config, "no such file");
    }
    const std::string scheduler = detail::path_in(detail::part_folder(folder, "scheduler"), "scheduler_config.json");
    if (detail::exists(scheduler)) {
        found.scheduler_config = scheduler;
    } else {
        found.notes.push_back("the folder has no scheduler_config.json");
    }
    return found;
}

/// A network with a member options().
template <class N>
concept UnetLike = Layer<N> && requires(const N& net) {
    { net.options() } -> std::convertible_to<const nn::unet_options&>;
};

/// Writes a folder that DiffusionPipeline.from_pretrained and, from its sub-folder unet/, UNet2DModel.from_pretrained
/// load; creates it if needed. Its model_index.json names the pipeline for the scheduler's class: DDPMPipeline,
/// DDIMPipeline for DDIMScheduler, and others. `unet` holds the config's content other than the network's options.
/// @throws before anything is written, value_error as scheduler_config_text and unet_config_text, or if diffusers has
/// no pipeline for a UNet2DModel with a scheduler of that class (`write_scheduler_config`, `write_unet_config` and
/// `save_weights` then write the components for a custom loop); io_error if writing fails
template <UnetLike Net>
void write_pipeline(const std::string& folder, const Net& net, const scheduler_config& scheduler,
                    unet_config unet = {}) {
    unet.options = net.options();
    const std::string_view scheduler_class = detail::class_of(scheduler.kind).name;
    const std::string_view pipeline_class = detail::class_of(scheduler.kind).pipeline;
    if (pipeline_class.empty()) {
        throw value_error("write_pipeline", "class of the scheduler", "one that a pipeline of a UNet2DModel runs",
                          scheduler_class);
    }
    const std::string unet_text = unet_config_text(unet), scheduler_text = scheduler_config_text(scheduler);
    detail::json index;
    detail::add_member(index, "_class_name", detail::json_of(pipeline_class));
    detail::add_member(index, "_diffusers_version", detail::json_of(detail::written_version));
    for (const auto& [part, name] :
         {std::pair<std::string_view, std::string_view>{"scheduler", scheduler_class}, {"unet", "UNet2DModel"}}) {
        detail::add_member(index, part, detail::json::array({detail::json_of("diffusers"), detail::json_of(name)}));
    }
    for (const std::string_view part : {"unet", "scheduler"}) {
        detail::make_folders(detail::path_in(folder, part));
    }
    save_weights(folder, net);
    detail::write_text_file(detail::path_in(folder, "unet/config.json"), unet_text);
    detail::write_text_file(detail::path_in(folder, "scheduler/scheduler_config.json"), scheduler_text);
    detail::write_text_file(detail::path_in(folder, "model_index.json"), detail::config_text(std::move(index), {}));
}

}  // namespace ddpm::diffusers
