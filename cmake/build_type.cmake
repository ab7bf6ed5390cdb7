# Says, once, that a build without a build type is not optimized. Installed too: find_package(ddpm) includes it.

function(ddpm_check_build_type)
    get_property(several GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    get_property(said GLOBAL PROPERTY ddpm_build_type_said)
    if(several OR said OR CMAKE_BUILD_TYPE OR CMAKE_CXX_FLAGS MATCHES "(^| )-O")
        return()
    endif()
    set_property(GLOBAL PROPERTY ddpm_build_type_said TRUE)
    message(NOTICE "ddpm: CMAKE_BUILD_TYPE is empty, so the compiler does not optimize, and ddpm runs some 13 times slower. "
        "Configure with -DCMAKE_BUILD_TYPE=Release.")
endfunction()

ddpm_check_build_type()
