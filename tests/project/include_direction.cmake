# A header includes its own room and lower ones, never higher; detail/ is included by its own room only, but a kernel in
# kernels/detail/ by one other room too, the one that uses it. A header in detail/ opens only namespaces with a component
# detail. What is in core/detail/ is open to all rooms. Examples include nothing from detail/; benchmarks nothing but
# kernels, and their installed headers also what reads and writes JSON.
cmake_minimum_required(VERSION 3.25)

# What a room may include, beside itself.
set(may_include_core "")
set(may_include_kernels core)
set(may_include_random core kernels)
set(may_include_schedule core kernels random)
set(may_include_grid core kernels random schedule)
set(may_include_process core kernels random schedule)
set(may_include_predictor core kernels random schedule grid process)
set(may_include_loss core kernels random schedule grid process predictor)
set(may_include_sampler core kernels random schedule grid process predictor)
set(may_include_likelihood core kernels random schedule grid process predictor loss sampler)
set(may_include_nn core kernels random)
set(may_include_metrics core kernels)
set(may_include_io core kernels)
set(may_include_train core kernels random schedule grid process predictor loss nn io)
set(may_include_diffusers core kernels random schedule grid process predictor sampler nn io)

# Internals that other rooms share: "<includer's room> <header>".
set(shared_details
    "likelihood loss/detail/bound_term.hpp"
    "train io/detail/checksum.hpp"
    "diffusers io/detail/bytes.hpp"
    "diffusers io/detail/input_file.hpp"
    "diffusers io/detail/json.hpp"
    "diffusers io/detail/posix_files.hpp"
    "diffusers io/detail/read_converted.hpp"
    "diffusers io/detail/staging_memory.hpp")

function(check_header header)
    string(REGEX MATCH "^[a-z0-9_]+" room "${header}")
    if(NOT DEFINED may_include_${room})
        message(SEND_ERROR "${header}: the room ${room} has no place in the order of rooms")
        return()
    endif()
    file(STRINGS "${source}/include/ddpm/${header}" includes REGEX "^[ \t]*#[ \t]*include[ \t]")
    foreach(line IN LISTS includes)
        if(line MATCHES "#[ \t]*include[ \t]+\"")
            message(SEND_ERROR "${header}: includes by a relative path: ${line}")
        elseif(line MATCHES "<ddpm/([^>]+)>")
            set(included "${CMAKE_MATCH_1}")
            string(REGEX MATCH "^[a-z0-9_]+" included_room "${included}")
            if(NOT EXISTS "${source}/include/ddpm/${included}")
                message(SEND_ERROR "${header}: includes ddpm/${included}, which does not exist")
            elseif(NOT included_room STREQUAL room AND NOT included_room IN_LIST may_include_${room})
                message(SEND_ERROR "${header}: includes ddpm/${included}, which is not in a lower room")
            elseif(included MATCHES "^kernels/detail/" AND NOT room STREQUAL "kernels")
                get_property(user GLOBAL PROPERTY "user of ${included}")
                if(user AND NOT user STREQUAL room)
                    message(SEND_ERROR "${header}: includes ddpm/${included}, which ${user} uses too: it is no detail")
                endif()
                set_property(GLOBAL PROPERTY "user of ${included}" ${room})
            elseif(included MATCHES "/detail/" AND NOT included_room STREQUAL room AND
                   NOT included_room STREQUAL "core" AND NOT "${room} ${included}" IN_LIST shared_details)
                message(SEND_ERROR "${header}: includes ddpm/${included}, the inside of another room")
            endif()
        endif()
    endforeach()
    if(header MATCHES "/detail/")
        file(STRINGS "${source}/include/ddpm/${header}" namespaces REGEX "^[ \t]*(inline[ \t]+)?namespace[ \t]")
        list(FILTER namespaces EXCLUDE REGEX "[ :]detail[ :]")
        if(namespaces)
            message(SEND_ERROR "${header}: a header in detail/ opens a namespace outside detail: ${namespaces}")
        endif()
    endif()
endfunction()

file(GLOB_RECURSE headers RELATIVE "${source}/include/ddpm" "${source}/include/ddpm/*/*.hpp")
foreach(header IN LISTS headers)
    check_header("${header}")
endforeach()

file(GLOB_RECURSE programs RELATIVE "${source}" "${source}/examples/*.[ch]pp" "${source}/bench/*.[ch]pp")
foreach(program IN LISTS programs)
    file(STRINGS "${source}/${program}" includes REGEX "include[ \t]+<ddpm/.*/detail/")
    if(program MATCHES "^bench/")
        list(FILTER includes EXCLUDE REGEX "<ddpm/kernels/detail/")
    endif()
    if(program MATCHES "^bench/include/")
        list(FILTER includes EXCLUDE REGEX "<ddpm/io/detail/(json|json_writer|input_file)\\.hpp>")
    endif()
    if(includes)
        message(SEND_ERROR "${program}: includes internals: ${includes}")
    endif()
endforeach()
