# The benchmarks' comparison with a stored run: rows that are as fast, slower, missing and new, rows whose call does other
# work, another processor, a file of something else; and a baseline that the program itself has written. Takes `source`, `bench`, the program, and `work`.
cmake_minimum_required(VERSION 3.25)

set(stored "${source}/tests/project/bench_compare.json")
file(READ "${stored}" text)
file(REMOVE_RECURSE "${work}")

# Writes the stored run with other texts to NAME.json: variant(NAME old new...).
function(variant name)
    set(changed "${text}")
    while(ARGN)
        list(POP_FRONT ARGN old new)
        string(FIND "${changed}" "${old}" at)
        if(at EQUAL -1)
            message(FATAL_ERROR "${stored} does not hold ${old}")
        endif()
        string(REPLACE "${old}" "${new}" changed "${changed}")
    endwhile()
    file(WRITE "${work}/${name}.json" "${changed}")
endfunction()

# expect(CODE REGEX argument...): what the program ends with and prints; it is in `printed` then.
function(expect code pattern)
    execute_process(COMMAND "${bench}" ${ARGN} OUTPUT_VARIABLE printed ERROR_VARIABLE printed RESULT_VARIABLE result)
    set(printed "${printed}" PARENT_SCOPE)
    if(NOT result STREQUAL code OR NOT printed MATCHES "${pattern}")
        message(SEND_ERROR "ddpm_bench ${ARGN}: ended with ${result}, expected ${code} and ${pattern} in:\n${printed}")
    endif()
endfunction()

function(expect_variant code pattern name)
    expect(${code} "${pattern}" "--compare=${stored}" "--measured=${work}/${name}.json" ${ARGN})
    set(printed "${printed}" PARENT_SCOPE)
endfunction()

variant(equal)
expect_variant(0 "0 of 3 rows are more than 1.1 times as slow as stored; 0 are missing" equal)

# A row with a share of the limit is judged by it, whatever the time; one without by the time.
variant(slower_machine "6.0e+04" "9.0e+04")
expect_variant(0 "array/ema/67108864 +60.0 ms, 90 % +90.0 ms, 90 % +1.00 x +share" slower_machine)
variant(smaller_share "9.0e-01" "6.0e-01")
expect_variant(1 "slower: array/ema/67108864, 1.50 x\n1 of 3 rows" smaller_share)
expect_variant(0 "0 of 3 rows" smaller_share --threshold=1.6)
expect_variant(0 "0 of 1 rows" smaller_share --filter=^schedule/)
variant(longer "6.25e+00" "12.5e+00")
expect_variant(1 "slower: schedule/linear/100, 2.00 x\n1 of 3 rows" longer)

variant(renamed "sum_of_squares" "sum_of_cubes")
expect_variant(1 "missing: array/sum_of_squares/67108864\nnot in the baseline: array/sum_of_cubes/67108864\n" renamed)
expect_variant(0 "0 of 1 rows" renamed --filter=ema)
expect_variant(2 "no benchmark in common" equal --filter=^nothing)

# Adding a benchmark does not go unnoticed: the stored run wants to be measured again.
variant(fewer "array/sum_of_squares/" "schedule/none/")
expect(1 "not in the baseline: array/sum_of_squares/67108864\n0 of 1 rows .*, 1 not in the baseline"
    "--compare=${work}/fewer.json" "--measured=${stored}" --filter=^array/)

# A row whose call does other work is named, and not judged by time or share.
set(one_array "\"bytes_per_call\": 2.68435456e+08")
variant(other_work "${one_array}" "\"bytes_per_call\": 5.36870912e+08" "3.5e+04" "7.0e+04")
string(CONCAT not_comparable "not comparable: array/sum_of_squares/67108864: one call does 67108864 items, 536870912 bytes and "
    "0 flops; stored: 67108864 items, 268435456 bytes and 0 flops\n"
    "0 of 2 rows are more than 1.1 times as slow as stored; 0 are missing, 1 not comparable, 0 not in the baseline")
expect_variant(1 "${not_comparable}" other_work)
if(printed MATCHES "slower: ")
    message(SEND_ERROR "a row that is not comparable was compared:\n${printed}")
endif()
expect_variant(1 "0 of 0 rows .*1 not comparable" other_work --filter=sum_of_squares)
variant(more_steps "\"items_per_call\": 1.0e+02" "\"items_per_call\": 4.0e+02")
expect_variant(1 "not comparable: schedule/linear/100: one call does 400 items" more_steps)
variant(no_work "\"flops_per_call\"" "\"flops_of_call\"")
expect_variant(2 "is not a report of benchmarks: it lacks flops_per_call" no_work)

variant(other_processor "model 1" "model 17")
expect_variant(2 "is of another processor; expected AMD EPYC, cpu family 25, model 17, got AMD EPYC, cpu family 25, model 1"
    other_processor)
variant(other_instructions "avx2" "avx512")
expect_variant(2 "is of another instruction set; expected avx512, got avx2" other_instructions)
variant(other_threads "threads\": \"1\"" "threads\": \"2\"")
expect_variant(2 "is of another number of threads; expected 2, got 1" other_threads)
variant(other_unit "\"us\"" "\"ns\"")
expect_variant(2 "has times in another unit; expected us, got ns" other_unit)
file(WRITE "${work}/no_report.json" "{\"context\": {}}")
expect_variant(2 "is not a report of benchmarks: it lacks cpu" no_report)
expect(2 "--measured: needs --compare" "--measured=${stored}")
expect(2 "has no baseline of this processor, instruction set and number of threads; expected [^\n]+none/amd_epyc_cpu_family_25_model_1_avx2_1_threads.json"
    "--compare=${work}/none" "--measured=${stored}")

# What the program has written compares with itself, and tells nothing of the machine but its processor.
set(short --filter=^schedule/linear --only-ours --benchmark_min_time=0.01)
expect(0 "schedule/linear/1000" ${short} "--baseline=${work}/baseline" "--out=${work}/out.json")
expect(0 "0 of 2 rows" "--compare=${work}/baseline" "--measured=${work}/out.json")
expect(0 "0 of 2 rows" ${short} "--compare=${work}/baseline" --threshold=1000)
file(GLOB written "${work}/baseline/*.json")
file(READ "${written}" text)
if(text MATCHES "host_name|executable|ddpm_bench")
    message(SEND_ERROR "the baseline names the computer or its folders:\n${text}")
endif()
