// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Every call on files that saving or loading makes fails once, in every format.

#include "support/file_faults.hpp"
#include "diffusers/every_format.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include "support/file_faults.inl.hpp"

#include <cerrno>
#include <exception>
#include <filesystem>
#include <string>

namespace ddpm::test {
namespace {

/// "done", or what a typed error says, or "untyped: …".
template <class F>
std::string outcome(F&& f) {
    try {
        f();
        return "done";
    } catch (const io_error& e) {
        return e.what();
    } catch (const std::exception& e) {
        return std::string("untyped: ") + e.what();
    }
}

std::ptrdiff_t temporaries(const std::string& folder) {
    const std::filesystem::recursive_directory_iterator entries(folder);
    return std::count_if(begin(entries), end(entries),
                         [](const auto& entry) { return entry.path().filename().string().starts_with(".ddpm-"); });
}

void save_without_sync(const file_format& format, const std::string& folder, int version) {
    constexpr int never = -1;
    const file_fault_at none(file_fault::error, never, 0);
    format.save(folder, version);
}

struct scenario {
    file_fault kind;
    int code;
};

TEST_CASE("a fault at any call of a save leaves the old file or the new one, in every format", "[diffusers]") {
    constexpr scenario scenarios[] = {{file_fault::error, ENOSPC},      {file_fault::error, EIO},
                                      {file_fault::error, EACCES},      {file_fault::short_call, 0},
                                      {file_fault::interrupted, EINTR}, {file_fault::crash, EIO}};
    int points = 0;
    for (const file_format& format : every_format()) {
        for (const auto& [kind, code] : scenarios) {
            const temporary_folder folder;
            save_without_sync(format, folder / ".", 1);
            bool met = true;
            for (int call = 0; met; ++call, ++points) {
                CAPTURE(format.name, static_cast<int>(kind), code, call);
                std::string said;
                {
                    const file_fault_at fault(kind, call, code);
                    said = outcome([&] { format.save(folder / ".", 2); });
                    met = fault.was_met();
                }
                CAPTURE(said);
                CHECK_FALSE(said.starts_with("untyped"));
                const int version = format.load(folder / ".");
                CHECK((version == 1 || version == 2));
                if (said == "done" || said.find("in place") != said.npos) {
                    CHECK(version == 2);
                } else if (kind != file_fault::crash && format.files.size() == 1) {
                    CHECK(version == 1);
                }
                if (kind == file_fault::short_call || kind == file_fault::interrupted) {
                    CHECK(said == "done");
                }
                if (kind != file_fault::crash) {
                    CHECK(temporaries(folder / ".") == 0);
                }
                save_without_sync(format, folder / ".", 1);
                CHECK(format.load(folder / ".") == 1);
                CHECK(temporaries(folder / ".") == 0);
            }
        }
    }
    CHECK(points > 7 * 6 * 13);
}

TEST_CASE("a fault at any call leaves the weights of an index or the new ones", "[diffusers]") {
    bool met = true, index_stayed = false;
    for (int call = 0; met; ++call) {
        CAPTURE(call);
        const temporary_folder folder;
        const std::string index_file = folder / "diffusion_pytorch_model.safetensors.index.json";
        auto net = version_layers();
        fill_parameters(net, 1);
        save_parameters(folder / "shard.safetensors", net);
        write_text(index_file, R"({"weight_map": {"conv_in.weight": "shard.safetensors", "scale": "shard.safetensors",
                              "time_embedding.linear_1.weight": "shard.safetensors"}})");
        fill_parameters(net, 2);
        std::string said;
        {
            const file_fault_at fault(file_fault::error, call, EACCES);
            said = outcome([&] { diffusers::save_weights(folder / ".", net); });
            met = fault.was_met();
        }
        CAPTURE(said);
        CHECK_FALSE(said.starts_with("untyped"));
        diffusers::load_weights(folder / ".", net);
        CHECK(parameters_value(net) == (std::filesystem::exists(index_file) ? 1 : 2));
        CHECK((said != "done" || parameters_value(net) == 2));
        index_stayed =
            index_stayed || said.find("this index, which is preferred to them, cannot be removed") != said.npos;
    }
    CHECK(index_stayed);
}

TEST_CASE("a fault at any call of a load is an io_error or no matter, in every format", "[diffusers]") {
    constexpr scenario scenarios[] = {{file_fault::error, EIO},
                                      {file_fault::error, EACCES},
                                      {file_fault::short_call, 0},
                                      {file_fault::interrupted, EINTR}};
    for (const file_format& format : every_format()) {
        const temporary_folder folder;
        format.save(folder / ".", 1);
        for (const auto& [kind, code] : scenarios) {
            bool met = true;
            for (int call = 0; met; ++call) {
                CAPTURE(format.name, static_cast<int>(kind), code, call);
                int version = 0;
                const file_fault_at fault(kind, call, code);
                const std::string said = outcome([&] { version = format.load(folder / "."); });
                met = fault.was_met();
                CAPTURE(said);
                CHECK_FALSE(said.starts_with("untyped"));
                CHECK((said == "done") == (version == 1));
                if (kind == file_fault::short_call || kind == file_fault::interrupted) {
                    CHECK(said == "done");
                }
            }
        }
    }
}

}  // namespace
}  // namespace ddpm::test
