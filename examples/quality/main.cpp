// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// How good are generated samples? Compares a samples.npy with the images that the model was trained on.
#include "support/program.hpp"

#include <ddpm/io/idx.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/metrics/frechet_distance.hpp>
#include <ddpm/metrics/nearest_neighbour.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <limits>
#include <string>

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

struct settings {
    std::string samples;
    std::string data;
    double largest_frechet = unlimited;
    double least_nearest = 0;
    double largest_nearest = unlimited;
};

/// One line of the report; whether the figure keeps within its limits.
bool report(const char* what, double figure, double least, double largest) {
    const bool good = figure >= least && figure <= largest;
    std::printf("%-58s %8.3f%s\n", what, figure, good ? "" : "   outside its limits");
    return good;
}

int compare(const settings& chosen) {
    const ddpm::batch<float> samples = ddpm::io::read_npy<float>(chosen.samples);
    const ddpm::batch<float> real = ddpm::io::to_batch<float>(ddpm::io::read_idx_images(chosen.data));
    std::printf("%td samples, %td real images, %td pixels in [-1, 1]\n", samples.cols(), real.cols(), real.rows());

    bool good = report("Frechet distance, raw pixels",  //
                       ddpm::frechet_distance(samples, real), 0, chosen.largest_frechet);
    good &= report("mean distance of a sample to the nearest real image",
                   ddpm::mean_nearest_neighbour_distance(samples, real), chosen.least_nearest, chosen.largest_nearest);
    report("the same of the real images among themselves",  //
           ddpm::mean_nearest_neighbour_distance(real), 0, unlimited);
    return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Compares generated samples with real images. Ends with 1 if a figure is outside the limits given.",
                 "quality"};
    app.add_option("samples", chosen.samples, "generated samples: a .npy file, one sample per row")->required();
    app.add_option("data", chosen.data, "real images: an IDX file")->required();
    app.add_option("--max-frechet", chosen.largest_frechet, "largest Frechet distance that is good");
    app.add_option("--min-nearest", chosen.least_nearest, "least mean nearest-neighbour distance: below it, copies");
    app.add_option("--max-nearest", chosen.largest_nearest, "largest mean nearest-neighbour distance: above it, blurs");
    return examples::run_program(app, argc, argv, [&] { return compare(chosen); });
}
