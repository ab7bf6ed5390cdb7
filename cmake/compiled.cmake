# ddpm::compiled: the kernels, and what else the headers list with DDPM_INSTANCE, compiled once into a static library. A program
# that links it instead of ddpm::ddpm compiles no instance of them anew. The sources are made in the build folder: one for
# each header that lists instances.

add_library(ddpm_compiled STATIC EXCLUDE_FROM_ALL)
add_library(ddpm::compiled ALIAS ddpm_compiled)
target_link_libraries(ddpm_compiled PUBLIC ddpm::ddpm)
target_compile_definitions(ddpm_compiled PRIVATE DDPM_COMPILE_INSTANCES INTERFACE DDPM_COMPILED)
# In a debug build too: what is compiled here is what takes the time.
target_compile_options(ddpm_compiled PRIVATE -O2)

get_target_property(ddpm_header_folders ddpm::ddpm INTERFACE_INCLUDE_DIRECTORIES)
foreach(folder IN LISTS ddpm_header_folders)
    string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" folder "${folder}")
    file(GLOB_RECURSE headers RELATIVE "${folder}" CONFIGURE_DEPENDS "${folder}/ddpm/*.hpp")
    foreach(header IN LISTS headers)
        file(STRINGS "${folder}/${header}" instances REGEX "^DDPM_(KERNEL_)?INSTANCE" LIMIT_COUNT 1)
        if(instances)
            string(REGEX REPLACE "\\.hpp$" ".cpp" source "${CMAKE_CURRENT_BINARY_DIR}/ddpm_compiled/${header}")
            file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n")
            target_sources(ddpm_compiled PRIVATE "${source}")
        endif()
    endforeach()
endforeach()
