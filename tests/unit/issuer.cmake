# Unit tests of the issuing desk.
foreach(test acts der registry cmp pages refuse visits)
    add_executable(issuer_${test}_test issuer_${test}.c)
    target_link_libraries(issuer_${test}_test PRIVATE issuer-desk PkgConfig::CMOCKA)
    add_test(NAME unit-issuer-${test} COMMAND issuer_${test}_test)
    set_tests_properties(unit-issuer-${test} PROPERTIES LABELS unit TIMEOUT 60)
endforeach()
target_sources(issuer_acts_test PRIVATE issuer_client.c issuer_fixture.c)
target_compile_definitions(issuer_pages_test PRIVATE LOCALE_FOLDER="${PROJECT_BINARY_DIR}/po/locale")
target_sources(issuer_registry_test PRIVATE issuer_fixture.c)
target_sources(issuer_cmp_test PRIVATE issuer_client.c issuer_fixture.c)
target_sources(issuer_refuse_test PRIVATE issuer_client.c issuer_fixture.c)
# Two threads that issue at once belong under the thread sanitizer too.
set_tests_properties(unit-issuer-acts unit-issuer-cmp unit-issuer-pages unit-issuer-visits PROPERTIES LABELS "unit;thread")
