# A recipe for Conan 2 that packages the source tree in which it lies: conan create cmake/packaging/conan

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout
from conan.tools.scm import Version


class DdpmRecipe(ConanFile):
    name = "ddpm"
    description = "Denoising diffusion models, header-only"
    license = "MIT"
    topics = ("diffusion-models", "machine-learning", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    @property
    def _source_tree(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir, os.pardir)

    def set_version(self):
        header = load(self, os.path.join(self._source_tree, "include", "ddpm", "version.hpp"))
        numbers = re.findall(r"^#define DDPM_VERSION_(?:MAJOR|MINOR|PATCH) ([0-9]+)$", header, re.MULTILINE)
        self.version = ".".join(numbers)

    def export_sources(self):
        copy(self, "*.hpp", os.path.join(self._source_tree, "include"), os.path.join(self.export_sources_folder, "include"))
        copy(self, "LICENSE", self._source_tree, self.export_sources_folder)

    def layout(self):
        basic_layout(self, src_folder=".")

    def requirements(self):
        self.requires("eigen/[>=3.4.0 <4]")

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        oldest = {"gcc": "12", "clang": "14"}
        compiler, version = str(self.settings.compiler), Version(self.settings.compiler.version)
        if compiler == "msvc" or (compiler in oldest and version < oldest[compiler]):
            raise ConanInvalidConfiguration("ddpm needs GCC 12 or newer, or Clang 14 or newer")

    def package(self):
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.get_safe("os") in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
