# The program that makes mutants and runs tests on them: see run.sh in this folder.

add_executable(mutate EXCLUDE_FROM_ALL mutation/mutate.cpp)
target_link_libraries(mutate PRIVATE ddpm_developer Threads::Threads)
target_compile_features(mutate PRIVATE cxx_std_20)

# What it compiles tests with. A folder that the compiler searches anyway may not come earlier, hence -idirafter. From
# version 3 on Catch2 has a second library.
get_target_property(eigen_folder Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
get_target_property(catch_folder Catch2::Catch2 INTERFACE_INCLUDE_DIRECTORIES)
get_target_property(catch_type Catch2::Catch2 TYPE)
set(mutation_libraries "$<TARGET_FILE:Catch2::Catch2WithMain>")
if(NOT catch_type STREQUAL "INTERFACE_LIBRARY")
    string(APPEND mutation_libraries " $<TARGET_FILE:Catch2::Catch2>")
endif()
foreach(library IN LISTS CMAKE_DL_LIBS)
    string(APPEND mutation_libraries " -l${library}")
endforeach()
list(JOIN eigen_folder " -isystem " eigen_folder)
list(JOIN catch_folder " -idirafter " catch_folder)
file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/mutation/settings.hpp" CONTENT
"#define DDPM_SOURCE_FOLDER \"${PROJECT_SOURCE_DIR}\"
#define DDPM_MUTATION_WORK \"${CMAKE_CURRENT_BINARY_DIR}/mutation/work\"
#define DDPM_MUTATION_COMPILER \"${CMAKE_CXX_COMPILER}\"
#define DDPM_MUTATION_FLAGS \"-isystem ${eigen_folder} -idirafter ${catch_folder}\"
#define DDPM_MUTATION_LIBRARIES \"${mutation_libraries}\"
")
target_include_directories(mutate PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/mutation")

# What it finds to change.
add_executable(test_mutation mutation/mutations.cpp)
target_link_libraries(test_mutation PRIVATE test_support)
add_test(NAME mutation COMMAND test_mutation)
