// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// PyTorch's C++ library as the predictor: a U-Net of diffusers, saved as TorchScript, computes the prediction; the
// library samples.
#include "support/console.hpp"
#include "support/engine_check.hpp"

#include <ddpm/predictor/concept.hpp>

#include <torch/script.h>

#include <span>
#include <string>

namespace {

using ddpm::isize;

/// A module called with a sample (N × C × H × W) and timesteps (N), which returns a prediction as the sample. Calls may
/// be concurrent.
class torch_model {
public:
    torch_model(const std::string& path, ddpm::sample_shape shape) : module_(torch::jit::load(path)), shape_(shape) {
        module_.eval();
    }

    [[nodiscard]] ddpm::sample_shape shape() const { return shape_; }

    void operator()(ddpm::batch_view<const float> xt, std::span<const double> t,
                    const ddpm::model_output<float>& out) const {
        const c10::InferenceMode no_gradients;
        const at::Tensor sample = as_nchw(const_cast<float*>(xt.data()), xt.columns(), xt.stride());
        const at::Tensor times = torch::from_blob(const_cast<double*>(t.data()), {xt.columns()}, at::kDouble);
        const at::Tensor prediction = module_.forward({sample, times.to(at::kFloat)}).toTensor();
        // A module returns memory of its own: the prediction is written once into the library's.
        as_nchw(out.prediction.data(), xt.columns(), out.prediction.stride()).copy_(prediction);
    }

private:
    /// The library's memory, N × H × W × C, seen as N × C × H × W: torch's format "channels last". Nothing is copied.
    [[nodiscard]] at::Tensor as_nchw(float* data, isize samples, isize stride) const {
        return torch::from_blob(data, {samples, shape_.channels, shape_.height, shape_.width},
                                {stride, 1, shape_.width * shape_.channels, shape_.channels}, at::kFloat);
    }

    mutable torch::jit::Module module_;  // forward() is not const, but thread-safe in inference
    ddpm::sample_shape shape_;
};

int run(bool) {
    const torch_model model(examples::engine_folder + "unet.torchscript", examples::engine_shape);
    return examples::compare_engine("libtorch", model);
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
