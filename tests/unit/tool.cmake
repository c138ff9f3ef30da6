# The tool's unit tests: options, text, exit codes, journal, names and trust.
foreach(name options text faults journal name trust object)
    add_executable(unit_tool_${name} tool_${name}.c)
    target_link_libraries(unit_tool_${name} PRIVATE ingam_tool PkgConfig::CMOCKA)
    add_test(NAME unit.tool_${name} COMMAND unit_tool_${name})
    set_tests_properties(unit.tool_${name} PROPERTIES LABELS unit TIMEOUT 30)
endforeach()
