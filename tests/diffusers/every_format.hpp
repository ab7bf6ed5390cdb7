// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "diffusers/named_tensors.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {

/// One of the formats that the library writes and reads, in a folder of its own.
struct file_format {
    std::string_view name;
    std::vector<std::string> files;  ///< the first is the one that holds the version

    /// Writes a content that depends on a number from 1 on, some of its sizes above a thousand.
    std::function<void(const std::string& folder, int version)> save;

    /// Reads that number back; throws if anything of the content is not as it was saved.
    std::function<int(const std::string& folder)> load;
};

/// The one value that all numbers of a tensor or a batch have.
template <class Values>
[[nodiscard]] int only_value(const Values& values) {
    for (const auto value : values) {
        if (value != *values.begin()) {
            throw std::runtime_error("the numbers of two versions in one file");
        }
    }
    return static_cast<int>(*values.begin());
}

template <class Net>
void fill_parameters(Net& net, int version) {
    for (const auto& p : nn::parameters(net)) {
        std::fill(p.values.begin(), p.values.end(), static_cast<typename Net::scalar>(version));
    }
}

template <class Net>
[[nodiscard]] int parameters_value(const Net& net) {
    const auto list = nn::parameters(net);
    for (const auto& p : list) {
        if (only_value(p.values) != only_value(list.front().values)) {
            throw std::runtime_error("parameters of two versions in one file");
        }
    }
    return only_value(list.front().values);
}

[[nodiscard]] inline nn::mlp<float> version_mlp() {
    return nn::mlp<float>{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .seed = 5}};
}

[[nodiscard]] inline named_tensors<float> version_layers() {
    named_tensors<float> net;
    net.add("conv_in.weight", {8, 5, 3, 3});
    net.add("time_embedding.linear_1.weight", {3, 1200});
    net.add("scale", {2000});
    return net;
}

/// Every format that is written.
[[nodiscard]] inline std::vector<file_format> every_format() {
    static const noise_schedule<> schedule{linear_beta{}, 1000};
    static const trainer_options options{.batch = 4, .learning_rate = 1.5e-3, .seed = 123456789};
    const auto batch_of = [](int version) {
        return batch<float>::Constant(12, 1200, static_cast<float>(version)).eval();
    };
    const auto value_of = [](const auto& x) {
        return only_value(std::span(x.data(), static_cast<std::size_t>(x.size())));
    };
    return {
        {"npy",
         {"a.npy"},
         [=](const std::string& folder, int version) { io::write_npy(folder + "/a.npy", batch_of(version)); },
         [=](const std::string& folder) { return value_of(io::read_npy<float>(folder + "/a.npy")); }},
        {"npy images",
         {"a.npy"},
         [=](const std::string& folder, int version) {
             io::write_npy(folder + "/a.npy", batch_of(version), {2, 3, 2}, channel_order::first);
         },
         [=](const std::string& folder) {
             const auto images = io::read_npy_images<float>(folder + "/a.npy", channel_order::first);
             if (images.shape != sample_shape{2, 3, 2}) {
                 throw std::runtime_error("another shape");
             }
             return value_of(images.samples);
         }},
        {"safetensors",
         {"a.safetensors"},
         [=](const std::string& folder, int version) {
             const batch<float> values = batch_of(version);
             const std::span<const float> span(values.data(), static_cast<std::size_t>(values.size()));
             const std::vector<io::tensor_source> tensors{{"a", {1200, 12}, span}, {"b", {14400}, span}};
             io::write_safetensors(folder + "/a.safetensors", tensors, {{"note", "1.5"}}, {.checksum = true});
         },
         [=](const std::string& folder) {
             const auto file = io::safetensors_file::open(folder + "/a.safetensors");
             file.verify_checksum();
             std::vector<float> a(14400), b(14400);
             file.read<float>("a", a);
             file.read<float>("b", b);
             if (a != b || file.metadata().at("note") != "1.5") {
                 throw std::runtime_error("two versions in one file");
             }
             return only_value(a);
         }},
        {"parameters",
         {"net.safetensors"},
         [](const std::string& folder, int version) {
             auto net = version_mlp();
             fill_parameters(net, version);
             save_parameters(folder + "/net.safetensors", net);
         },
         [](const std::string& folder) {
             auto net = version_mlp();
             load_parameters(folder + "/net.safetensors", net);
             return parameters_value(net);
         }},
        {"checkpoint",
         {"run.safetensors"},
         [](const std::string& folder, int version) {
             auto net = version_mlp();
             fill_parameters(net, version);
             trainer{net, schedule, options}.save(folder + "/run.safetensors");
         },
         [](const std::string& folder) {
             auto net = version_mlp();
             trainer run{net, schedule, options};
             run.load(folder + "/run.safetensors");
             return parameters_value(net);
         }},
        {"weights",
         {"diffusion_pytorch_model.safetensors"},
         [](const std::string& folder, int version) {
             auto net = version_layers();
             fill_parameters(net, version);
             diffusers::save_weights(folder, net);
         },
         [](const std::string& folder) {
             auto net = version_layers();
             diffusers::load_weights(folder, net);
             return parameters_value(net);
         }},
        {"pipeline",
         {"unet/diffusion_pytorch_model.safetensors", "unet/config.json", "scheduler/scheduler_config.json",
          "model_index.json"},
         [](const std::string& folder, int version) {
             auto net = version_layers();
             // No more parameters than the weights have, as reading asks for.
             net.made_by = {.height = 1024,
                            .width = 1024,
                            .down = {nn::unet_level::plain},
                            .up = {nn::unet_level::plain},
                            .channels = {4},
                            .layers = 1,
                            .middle = false,
                            .groups = 4};
             fill_parameters(net, version);
             auto config = diffusers::default_scheduler_config(diffusers::scheduler_kind::ddpm);
             diffusers::write_pipeline(folder, net, config);
         },
         [](const std::string& folder) {
             const auto found = diffusers::read_pipeline(folder);
             auto net = version_layers();
             diffusers::load_weights(folder, net);
             const auto config = diffusers::read_scheduler_config(found.scheduler_config);
             if (diffusers::read_unet_config(found.unet_config).options.height != 1024 ||
                 diffusers::scheduler_config_text(config) !=
                     diffusers::scheduler_config_text(
                         diffusers::default_scheduler_config(diffusers::scheduler_kind::ddpm))) {
                 throw std::runtime_error("another config");
             }
             return parameters_value(net);
         }},
    };
}

}  // namespace ddpm::test
