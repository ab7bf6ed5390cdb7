# The program that sums up what coverage.sh measured.

add_executable(coverage_report EXCLUDE_FROM_ALL coverage/report.cpp)
target_link_libraries(coverage_report PRIVATE ddpm_developer nlohmann_json::nlohmann_json)
target_compile_features(coverage_report PRIVATE cxx_std_20)
