# An overlay port that installs the source tree in which it lies:
#     vcpkg install ddpm --overlay-ports=FOLDER_OF_DDPM/cmake/packaging/vcpkg
# vcpkg's cache knows the port's files only: after a change of the headers, add --no-binarycaching.

cmake_path(SET SOURCE_PATH NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../../..")
set(VCPKG_BUILD_TYPE release)  # headers are the same in a debug build

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS -DDDPM_BUILD_TESTS=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_BUILD_BENCH=OFF -DDDPM_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/ddpm)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/licenses")
