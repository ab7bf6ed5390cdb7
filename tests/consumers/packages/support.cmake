# What the scripts share that compile a program as users without a build system of their own do.

# run(what command...): runs it; ends the script with its output if it fails. Sets `output`.
function(run what)
    execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE failed)
    if(NOT failed STREQUAL "0")
        message(FATAL_ERROR "${what} failed: ${ARGN}\n${text}")
    endif()
    set(output "${text}" PARENT_SCOPE)
endfunction()

# An empty folder.
function(make_empty folder)
    file(REMOVE_RECURSE "${folder}")
    file(MAKE_DIRECTORY "${folder}")
endfunction()
