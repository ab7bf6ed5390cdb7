# ddpm_read_version(header variable): sets the variable to the version in include/ddpm/version.hpp, its only source.

function(ddpm_read_version header variable)
    # A new version configures anew.
    if(NOT CMAKE_SCRIPT_MODE_FILE)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
    endif()
    set(version "")
    foreach(part IN ITEMS MAJOR MINOR PATCH)
        file(STRINGS "${header}" line REGEX "^#define DDPM_VERSION_${part} [0-9]+$")
        if(NOT line)
            message(FATAL_ERROR "${header} defines no DDPM_VERSION_${part}")
        endif()
        string(REGEX REPLACE ".* " "" number "${line}")
        list(APPEND version "${number}")
    endforeach()
    list(JOIN version "." version)
    set(${variable} "${version}" PARENT_SCOPE)
endfunction()
