# Checks of cmake/docs, which makes the reference, and of .github.

add_executable(docs_tool "${PROJECT_SOURCE_DIR}/cmake/docs/main.cpp")
target_link_libraries(docs_tool PRIVATE ddpm_developer)
target_compile_features(docs_tool PRIVATE cxx_std_20)

# Formulas to TeX, @source lines and the pages that are made of them.
add_executable(test_docs project/docs_formulas.cpp project/docs_index.cpp)
target_include_directories(test_docs PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/cmake")
target_link_libraries(test_docs PRIVATE ddpm_developer Catch2::Catch2WithMain)
target_compile_features(test_docs PRIVATE cxx_std_20)
add_test(NAME docs COMMAND test_docs)

# Every docstring's source is understood and tested, every symbol's name in code exists, every formula can be set.
add_test(NAME equation_index COMMAND docs_tool check "${PROJECT_SOURCE_DIR}")

add_project_test(contributing)

# The reference itself, where doxygen and MathJax are installed.
if(NOT DDPM_SANITIZE)
    add_project_test(reference -D "tool=$<TARGET_FILE:docs_tool>" -D "out=${CMAKE_CURRENT_BINARY_DIR}/reference")
    set_tests_properties(reference PROPERTIES LABELS docs SKIP_REGULAR_EXPRESSION "${skipped_at_once}")
endif()
