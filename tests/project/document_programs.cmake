# The C++ programs of the documents, written to a folder.
#
# The first block of README.md must be a program; first_block.cpp is that alone. Blocks without a main function go on in its main
# function, each on its own: blocks.cpp is the first program with the blocks of all documents, each in braces. A block that reads
# a network from elsewhere is only compiled. The other blocks with a main function are program_2.cpp, program_3.cpp … All but
# first_block.cpp take at most 20 steps and 4 samples, and end with 1 if a sample lies far from the data. The folder gets a link to
# the examples, so that the programs find the bundled data as from the top level.

function(write_if_changed path content)
    if(EXISTS "${path}")
        file(READ "${path}" old)
        if(old STREQUAL content)
            return()
        endif()
    endif()
    file(WRITE "${path}" "${content}")
endfunction()

# Sets `out` to the program with more at the end of its main function, which must be the last there is in it.
function(append_to_main program more out)
    string(FIND "${program}" "}" end REVERSE)
    string(SUBSTRING "${program}" 0 ${end} head)
    set(${out} "${head}${more}}\n" PARENT_SCOPE)
endfunction()

function(shorten program out)
    string(REGEX REPLACE "\\.steps = [0-9']+" ".steps = 20" program "${program}")
    string(REGEX REPLACE "\\.count = [0-9']+" ".count = 4" program "${program}")
    string(REGEX REPLACE "x0\\.rightCols\\([0-9']+\\)" "x0.rightCols(20)" program "${program}")
    set(${out} "${program}" PARENT_SCOPE)
endfunction()

# Sets `out` to a call of the check for each batch that the block samples.
function(checks_of block out)
    set(checks "")
    string(REGEX MATCHALL "batch<float> [a-z]+ =[ \n]+(ddpm::)?sample\\(" samples "${block}")
    foreach(sample IN LISTS samples)
        string(REGEX REPLACE "batch<float> ([a-z]+) .*" "\\1" name "${sample}")
        string(APPEND checks "require_near_data(${name});\n")
    endforeach()
    set(${out} "${checks}" PARENT_SCOPE)
endfunction()

# Sets `programs` to the names of the programs that can be run.
function(extract_document_programs folder programs)
    set(check "#include <ddpm/ddpm.hpp>

#include <cstdlib>
#include <iostream>

namespace {
[[maybe_unused]] void require_near_data(const ddpm::batch<float>& drawn) {
    if (drawn.size() == 0 || !(drawn.abs() < 20).all()) {
        std::cerr << \"samples far from the data\" << std::endl;
        std::exit(1);
    }
}
}  // namespace

")
    set(count 0)
    set(blocks "")
    set(names blocks)
    foreach(document IN LISTS ARGN)
        file(READ "${document}" text)
        while(TRUE)
            string(FIND "${text}" "```cpp\n" start)
            if(start EQUAL -1)
                break()
            endif()
            math(EXPR start "${start} + 7")
            string(SUBSTRING "${text}" ${start} -1 text)
            string(FIND "${text}" "```" end)
            string(SUBSTRING "${text}" 0 ${end} block)
            string(SUBSTRING "${text}" ${end} -1 text)
            string(FIND "${block}" "int main(" main)
            checks_of("${block}" checks)
            if(NOT main EQUAL -1)
                math(EXPR count "${count} + 1")
                append_to_main("${block}" "${checks}" checked)
                shorten("${check}${checked}" short)
                if(count EQUAL 1)
                    set(first "${short}")
                    write_if_changed("${folder}/first_block.cpp" "${block}")
                else()
                    write_if_changed("${folder}/program_${count}.cpp" "${short}")
                    list(APPEND names program_${count})
                endif()
            elseif(count EQUAL 0)
                message(FATAL_ERROR "${document}: the first C++ block has no main function, so it cannot be compiled")
            elseif(block MATCHES "load_weights|read_scheduler_config\\(")
                string(APPEND blocks "[[maybe_unused]] const auto only_compiled = [&] {\n${block}};\n")
            else()
                string(APPEND blocks "{\n${block}${checks}}\n")
            endif()
        endwhile()
    endforeach()
    if(count EQUAL 0)
        message(FATAL_ERROR "no C++ program in ${ARGN}")
    endif()
    shorten("${blocks}" blocks)
    append_to_main("${first}" "${blocks}" all)
    write_if_changed("${folder}/blocks.cpp" "${all}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/examples" "${folder}/examples" SYMBOLIC)
    set(${programs} ${names} PARENT_SCOPE)
endfunction()
