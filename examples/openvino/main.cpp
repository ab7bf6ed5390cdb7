// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// OpenVINO as the predictor: a U-Net of diffusers, exported to ONNX, computes the prediction; the library samples.
#include "support/console.hpp"
#include "support/engine_check.hpp"

#include <ddpm/core/error.hpp>
#include <ddpm/predictor/concept.hpp>

#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace {

using ddpm::isize;

/// A model with the inputs "sample" (N × C × H × W) and "timestep" (N), and one output as the sample. It only holds the
/// compiled model: a session owns what one run changes, so runs may be concurrent.
class openvino_model {
public:
    openvino_model(const std::string& path, ddpm::sample_shape shape) : shape_(shape) {
        ov::Core core;
        // The library's batches are N × H × W × C, and its times are doubles: the compiled model converts both.
        ov::preprocess::PrePostProcessor convert(core.read_model(path));
        convert.input("sample").tensor().set_layout("NHWC");
        convert.input("sample").model().set_layout("NCHW");
        convert.input("timestep").tensor().set_element_type(ov::element::f64);
        convert.output().tensor().set_layout("NHWC");
        convert.output().model().set_layout("NCHW");
        // On processors with instructions for bfloat16, OpenVINO computes in it unless told otherwise.
        compiled_ = core.compile_model(convert.build(), "CPU", ov::hint::inference_precision(ov::element::f32),
                                       ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
    }

    [[nodiscard]] ddpm::sample_shape shape() const { return shape_; }

    class session_type {
    public:
        session_type(ov::InferRequest request, ddpm::sample_shape shape)
            : request_(std::move(request)), shape_(shape) {}

        /// The tensors are the library's memory: nothing is copied.
        void operator()(ddpm::batch_view<const float> xt, std::span<const double> t,
                        const ddpm::model_output<float>& out) {
            if (!xt.contiguous() || !out.prediction.contiguous()) {
                throw ddpm::value_error("openvino_model", "columns of a batch", "one after another", "gaps");
            }
            const auto size = [](isize value) { return static_cast<std::size_t>(value); };
            const ov::Shape images{size(xt.columns()), size(shape_.height), size(shape_.width), size(shape_.channels)};
            request_.set_tensor("sample", ov::Tensor(ov::element::f32, images, const_cast<float*>(xt.data())));
            request_.set_tensor("timestep",
                                ov::Tensor(ov::element::f64, ov::Shape{t.size()}, const_cast<double*>(t.data())));
            request_.set_output_tensor(ov::Tensor(ov::element::f32, images, out.prediction.data()));
            request_.infer();
        }

    private:
        ov::InferRequest request_;
        ddpm::sample_shape shape_;
    };

    [[nodiscard]] session_type session(isize) const { return {compiled_.create_infer_request(), shape_}; }

private:
    ddpm::sample_shape shape_;
    mutable ov::CompiledModel compiled_;  // create_infer_request() is not const, but thread-safe
};

int run(bool) {
    const openvino_model model(examples::engine_folder + "unet.onnx", examples::engine_shape);
    return examples::compare_engine("OpenVINO", model);
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
