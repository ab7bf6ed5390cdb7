# All packages have the version of include/ddpm/version.hpp. Takes `source`.
cmake_minimum_required(VERSION 3.25)
include("${source}/cmake/version.cmake")

ddpm_read_version("${source}/include/ddpm/version.hpp" version)
file(READ "${source}/cmake/packaging/vcpkg/vcpkg.json" port)
string(JSON of_port GET "${port}" version)
if(NOT of_port STREQUAL version)
    message(SEND_ERROR "cmake/packaging/vcpkg/vcpkg.json has version ${of_port}, version.hpp ${version}")
endif()

# The recipe for Conan reads the header itself.
file(READ "${source}/cmake/packaging/conan/conanfile.py" recipe)
if(recipe MATCHES "\n    version = " OR NOT recipe MATCHES "DDPM_VERSION_\\(\\?:MAJOR\\|MINOR\\|PATCH\\) ")
    message(SEND_ERROR "cmake/packaging/conan/conanfile.py does not read the version from version.hpp")
endif()
