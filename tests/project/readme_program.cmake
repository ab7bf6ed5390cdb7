# Writes the C++ programs of a README, the blocks that have a main function, to program.cpp, program_2.cpp … in a folder, and to
# short_program.cpp, short_program_2.cpp … the same with at most 20 steps and 4 samples. The first block must be a program. The
# blocks without a main function go on from it: they stand one after another at the end of its main function. Those that read a
# network from elsewhere are left out of the short program, which ends with 1 if a sample lies far from the data. The folder gets
# a link to the examples, so that the programs find the bundled data as from the top level. first_block.cpp is the first block
# alone.

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

# Sets `count` to the number of programs.
function(extract_readme_programs readme folder count)
    file(READ "${readme}" text)
    set(programs 0)
    set(fragments "")
    set(runnable_fragments "")
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
        if(NOT main EQUAL -1)
            math(EXPR programs "${programs} + 1")
            set(program_${programs} "${block}")
        elseif(programs EQUAL 0)
            message(FATAL_ERROR
                "README.md: the first C++ program has no main function, so it cannot be compiled as it stands")
        else()
            string(APPEND fragments "${block}")
            if(NOT block MATCHES "load_weights")
                string(APPEND runnable_fragments "${block}")
            endif()
        endif()
    endwhile()
    if(programs EQUAL 0)
        message(FATAL_ERROR "README.md: no C++ program")
    endif()

    set(check "
    for (const ddpm::batch<float>* drawn : {&images, &x, &y, &z}) {
        if (drawn->size() == 0 || !(drawn->abs() < 20).all()) {
            std::cerr << \"samples far from the data\" << std::endl;
            return 1;
        }
    }
")
    write_if_changed("${folder}/first_block.cpp" "${program_1}")
    append_to_main("${program_1}" "${runnable_fragments}${check}" short_1)
    append_to_main("${program_1}" "${fragments}" program_1)
    foreach(number RANGE 1 ${programs})
        set(suffix "")
        set(short "${program_${number}}")
        if(number GREATER 1)
            set(suffix "_${number}")
        else()
            set(short "${short_1}")
        endif()
        write_if_changed("${folder}/program${suffix}.cpp" "${program_${number}}")
        shorten("${short}" short)
        write_if_changed("${folder}/short_program${suffix}.cpp" "${short}")
    endforeach()
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/examples" "${folder}/examples" SYMBOLIC)
    set(${count} ${programs} PARENT_SCOPE)
endfunction()
