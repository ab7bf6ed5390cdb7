# ddpm_add_compiled(name): a static library of the instances that the headers list: those of the kernels, of the networks'
# layers, of training and of sampling. A program that links it declares them and compiles none of them. It has one source, made
# in the build folder: were there one for each header, each would compile the instances of all headers that it includes.

function(ddpm_add_compiled name)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include <ddpm/ddpm.hpp>\n")
    add_library(${name} STATIC EXCLUDE_FROM_ALL "${source}")
    target_link_libraries(${name} PUBLIC ddpm::ddpm)
    target_compile_definitions(${name} PRIVATE DDPM_COMPILE_INSTANCES INTERFACE DDPM_COMPILED)
endfunction()
