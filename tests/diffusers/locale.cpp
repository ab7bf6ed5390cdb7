// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// What is written and read does not depend on the locale.

#include "diffusers/data_folder.hpp"
#include "diffusers/every_format.hpp"
#include "support/catch.hpp"
#include "support/grouping_locale.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

TEST_CASE("the locale of these tests groups digits", "[diffusers]") {
    const grouping_locale german;
    std::ostringstream out;
    out << 1234567 << ' ' << 1.5;
    CHECK(out.str() == "1.234.567 1,5");
}

TEST_CASE("every format is written and read in the same bytes, whatever the locale", "[diffusers]") {
    for (const file_format& format : every_format()) {
        CAPTURE(format.name);
        const temporary_folder plain, grouped;
        format.save(plain / ".", 7);
        {
            const grouping_locale german;
            format.save(grouped / ".", 7);
            CHECK(format.load(plain / ".") == 7);
            CHECK(format.load(grouped / ".") == 7);
        }
        for (const std::string& file : format.files) {
            CAPTURE(file);
            CHECK((read_text(plain / file) == read_text(grouped / file)));
            CHECK_FALSE(read_text(plain / file).empty());
        }
    }
}

TEST_CASE("a grouped locale does not reach the shape of an npy file", "[diffusers]") {
    const grouping_locale german;
    const temporary_folder folder;
    io::write_npy(folder / "a.npy", batch<float>::Zero(2, 1200).eval());
    CHECK(read_text(folder / "a.npy").find("'shape': (1200, 2), }") != std::string::npos);
    io::write_npy(folder / "a.npy", batch<float>::Zero(1200, 2).eval());
    CHECK(read_text(folder / "a.npy").find("'shape': (2, 1200), }") != std::string::npos);
}

TEST_CASE("files of other programs are read whatever the locale", "[diffusers]") {
    const grouping_locale german;
    const auto config = diffusers::read_scheduler_config(data_folder + "/pipeline/scheduler/scheduler_config.json");
    CHECK(diffusers::scheduler_config_text(config).find("\"beta_start\": 0.0001,") != std::string::npos);
    auto net = zeros_like_file<float>(data_folder + "/pipeline/unet/diffusion_pytorch_model.safetensors");
    diffusers::load_weights(data_folder + "/sharded", net);
}

TEST_CASE("an error's numbers do not depend on the locale", "[diffusers]") {
    const grouping_locale german;
    CHECK(std::string(base_error("here", "size", 1234567, 0.5).what()) == "here: size; expected 1234567, got 0.5");
    CHECK(ddpm::detail::text(true, ' ', -1.5f, ' ', std::uint8_t{200}, ' ', std::size_t{1} << 40) ==
          "1 -1.5 200 1099511627776");
    CHECK(ddpm::detail::exact_text(0.1) == "0.1");
    CHECK(nn::tensor_shape{1200, 3}.text() == "[1200, 3]");
}

}  // namespace
}  // namespace ddpm::test
