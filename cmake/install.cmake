# Installs the headers and what find_package(ddpm) and pkg-config need; with DDPM_BUILD_BENCH also the component "bench".

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ddpm_config_folder "${CMAKE_INSTALL_DATADIR}/cmake/ddpm")

install(TARGETS ddpm EXPORT ddpm-targets FILE_SET HEADERS FILE_SET ddpm_fragments)
install(EXPORT ddpm-targets NAMESPACE ddpm:: DESTINATION "${ddpm_config_folder}")
if(TARGET ddpm_bench_headers)
    install(TARGETS ddpm_bench_headers EXPORT ddpm-bench-targets FILE_SET HEADERS FILE_SET ddpm_fragments)
    install(EXPORT ddpm-bench-targets NAMESPACE ddpm:: DESTINATION "${ddpm_config_folder}")
endif()

configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/ddpm-config.cmake.in" "${PROJECT_BINARY_DIR}/ddpm-config.cmake"
    INSTALL_DESTINATION "${ddpm_config_folder}")
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/ddpm-config-version.cmake"
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(
    FILES "${PROJECT_BINARY_DIR}/ddpm-config.cmake" "${PROJECT_BINARY_DIR}/ddpm-config-version.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/build_type.cmake" "${CMAKE_CURRENT_LIST_DIR}/compiled.cmake"
    DESTINATION "${ddpm_config_folder}")

# The paths in it are relative to the file, so that the installed tree can be moved.
set(ddpm_pc_folder "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig")
file(RELATIVE_PATH ddpm_pc_to_prefix "${ddpm_pc_folder}" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH ddpm_pc_to_include "${ddpm_pc_folder}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/packaging/ddpm.pc.in" "${PROJECT_BINARY_DIR}/ddpm.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ddpm.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/ddpm")
