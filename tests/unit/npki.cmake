# The library for key files of the Korean PKI.
foreach(name keys vid sources write find)
    add_executable(unit_npki_${name} npki_${name}.c)
    target_link_libraries(unit_npki_${name} PRIVATE ingam_tool PkgConfig::CMOCKA)
    target_compile_definitions(unit_npki_${name} PRIVATE NPKI_DATA="${PROJECT_SOURCE_DIR}/tests/data/npki/")
    add_test(NAME unit.npki_${name} COMMAND unit_npki_${name})
    set_tests_properties(unit.npki_${name} PROPERTIES LABELS unit TIMEOUT 60)
endforeach()
