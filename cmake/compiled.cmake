# ddpm_add_compiled(name folder): a static library of the instances that the headers in `folder` list: those of the kernels and
# of the networks' layers. A program that links it declares them and compiles none of them. The sources are made in the build
# folder, one for each header that lists instances.

function(ddpm_add_compiled name folder)
    add_library(${name} STATIC EXCLUDE_FROM_ALL)
    target_link_libraries(${name} PUBLIC ddpm::ddpm)
    target_compile_definitions(${name} PRIVATE DDPM_COMPILE_INSTANCES INTERFACE DDPM_COMPILED)
    file(GLOB_RECURSE headers RELATIVE "${folder}" CONFIGURE_DEPENDS "${folder}/ddpm/*.hpp")
    foreach(header IN LISTS headers)
        file(STRINGS "${folder}/${header}" instances REGEX "^DDPM_([A-Z]+_)?INSTANCE" LIMIT_COUNT 1)
        if(instances)
            string(REGEX REPLACE "\\.hpp$" ".cpp" source "${CMAKE_CURRENT_BINARY_DIR}/${name}/${header}")
            file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n")
            target_sources(${name} PRIVATE "${source}")
        endif()
    endforeach()
endfunction()
