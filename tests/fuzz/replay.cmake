# Unpacks the committed inputs and runs all targets on them.
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
file(GLOB archives "${corpus}/*.tgz")
foreach(archive IN LISTS archives)
    file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${work}")
endforeach()
execute_process(COMMAND "${replay}" "${work}" COMMAND_ERROR_IS_FATAL ANY)
