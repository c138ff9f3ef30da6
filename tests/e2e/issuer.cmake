# The issuing desk as a program, judged by OpenSSL's own CMP client and by curl. These scripts run in the
# sanitized trees too; there without the search for leaks, which a program that allows no core dump refuses.
foreach(test issue commands http status factors backup)
    add_test(NAME e2e-issuer-${test} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/issuer_${test}.sh)
    set_tests_properties(
        e2e-issuer-${test}
        PROPERTIES LABELS "e2e;thread" TIMEOUT 120 ENVIRONMENT
                   "BUILD=${CMAKE_BINARY_DIR};SOURCE=${CMAKE_SOURCE_DIR};ASAN_OPTIONS=detect_leaks=0")
endforeach()
# The same suites with the registry in SQLite and in PostgreSQL.
foreach(registry sqlite postgres)
    foreach(test life two_desks foreign mobile rollover notice)
        add_test(NAME e2e-issuer-${test}-${registry}
                 COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/issuer_${test}.sh ${registry})
        set_tests_properties(
            e2e-issuer-${test}-${registry}
            PROPERTIES LABELS "e2e;thread" TIMEOUT 900 ENVIRONMENT
                       "BUILD=${CMAKE_BINARY_DIR};SOURCE=${CMAKE_SOURCE_DIR};ASAN_OPTIONS=detect_leaks=0")
    endforeach()
endforeach()
ingam_script_test(e2e-issuer-pages issuer_pages.sh e2e 180)
ingam_script_test(e2e-issuer-pages-api issuer_pages_api.sh e2e 180)
ingam_script_test(e2e-issuer-token issuer_token.sh e2e 120)
find_package(OpenSSL 3.0 REQUIRED)
add_executable(issuer_idle issuer_idle.c)
add_executable(issuer_restart issuer_restart.c)
target_link_libraries(issuer_restart PRIVATE OpenSSL::Crypto)
ingam_script_test(e2e-issuer-ca-token issuer_ca_token.sh e2e 120)
# The desk under a killer: only where no sanitizer wants to be loaded first.
if(NOT INGAM_SANITIZE)
    pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
    pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
    add_library(issuer_killer MODULE issuer_killer.c)
    target_include_directories(issuer_killer PRIVATE ${LIBPQ_INCLUDE_DIRS})
    target_link_libraries(issuer_killer PRIVATE ${CMAKE_DL_LIBS})
    ingam_script_test(e2e-issuer-kill issuer_kill.sh e2e 400)
    ingam_script_test(e2e-issuer-kill-postgres issuer_kill.sh e2e 400 postgres)
endif()
