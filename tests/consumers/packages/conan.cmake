# Conan makes a package of the recipe, and builds and runs its test package. Eigen's package is one that names the system's
# headers, so that nothing is fetched. Takes `source`, `compiler`, `generator`, `eigen`, the folder of Eigen's headers, and
# `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

find_program(conan conan)
if(NOT conan)
    message("SKIPPED: there is no conan")
    return()
endif()

make_empty("${work}")
set(ENV{CONAN_HOME} "${work}/home")
set(ENV{CXX} "${compiler}")
run("the profile" "${conan}" profile detect)
file(WRITE "${work}/eigen/conanfile.py" "from conan import ConanFile

class Eigen(ConanFile):
    name = 'eigen'
    version = '3.4.0'
    package_type = 'header-library'

    def package_info(self):
        self.cpp_info.set_property('cmake_file_name', 'Eigen3')
        self.cpp_info.set_property('cmake_target_name', 'Eigen3::Eigen')
        self.cpp_info.includedirs = ['${eigen}']
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
")
run("the package of Eigen" "${conan}" create "${work}/eigen" --no-remote)
run("the package" "${conan}" create "${source}/cmake/packaging/conan" --no-remote -s compiler.cppstd=20
    -c "tools.cmake.cmaketoolchain:generator=${generator}")

include("${source}/cmake/version.cmake")
ddpm_read_version("${source}/include/ddpm/version.hpp" version)
if(NOT output MATCHES "\n${version}\n")
    message(FATAL_ERROR "the test package did not print ${version}:\n${output}")
endif()
