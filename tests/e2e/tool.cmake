# The tool end to end.
add_library(tool_killer MODULE tool_killer.c)
target_link_libraries(tool_killer PRIVATE ${CMAKE_DL_LIBS})

foreach(name foreign interrupt)
    add_test(NAME e2e.tool_${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tool_${name}.sh)
    set_tests_properties(e2e.tool_${name} PROPERTIES LABELS e2e TIMEOUT 240
        ENVIRONMENT "BUILD=${PROJECT_BINARY_DIR};SOURCE=${PROJECT_SOURCE_DIR}")
endforeach()

foreach(how direct pcscd)
    add_test(NAME e2e.tool_failures_${how} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tool_failures.sh ${how})
    set_tests_properties(e2e.tool_failures_${how} PROPERTIES LABELS e2e TIMEOUT 240
        ENVIRONMENT "BUILD=${PROJECT_BINARY_DIR};SOURCE=${PROJECT_SOURCE_DIR}")
endforeach()
