# ddpm::ddpm: the headers, Eigen and threads. Nothing else reaches the user's target.

find_package(Threads REQUIRED)
# Some packages of Eigen refuse every version range, so any version is taken and compared here.
if(NOT TARGET Eigen3::Eigen)
    find_package(Eigen3 REQUIRED)
    if(Eigen3_VERSION VERSION_LESS 3.4)
        message(FATAL_ERROR "ddpm needs Eigen 3.4 or newer, found ${Eigen3_VERSION} in ${Eigen3_DIR}")
    endif()
endif()

add_library(ddpm INTERFACE)
add_library(ddpm::ddpm ALIAS ddpm)
target_compile_features(ddpm INTERFACE cxx_std_20)
target_link_libraries(ddpm INTERFACE Eigen3::Eigen Threads::Threads)

# A fragment is included several times, by a header that defines macros for it, and does not stand alone.
file(GLOB_RECURSE ddpm_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.hpp")
set(ddpm_fragments ${ddpm_headers})
set(ddpm_fragment_names "(\\.inl|/foreach_target)\\.hpp$")
list(FILTER ddpm_headers EXCLUDE REGEX "${ddpm_fragment_names}")
list(FILTER ddpm_fragments INCLUDE REGEX "${ddpm_fragment_names}")
target_sources(ddpm INTERFACE
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${ddpm_headers}
    FILE_SET ddpm_fragments TYPE HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${ddpm_fragments})
