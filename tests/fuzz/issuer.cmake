# Fuzz targets of the issuing desk; the desk is compiled again with the fuzzer's instrumentation.
get_target_property(issuer_sources issuer-desk SOURCES)
list(TRANSFORM issuer_sources PREPEND ${PROJECT_SOURCE_DIR}/tool/issuer/)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(LIBOATH REQUIRED IMPORTED_TARGET liboath)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(issuer-desk-fuzz STATIC ${issuer_sources} ../unit/issuer_fixture.c)
target_include_directories(issuer-desk-fuzz PUBLIC ${PROJECT_SOURCE_DIR}/tool/issuer ${PROJECT_SOURCE_DIR}/tests/unit)
target_compile_options(issuer-desk-fuzz PUBLIC -fsanitize=fuzzer-no-link)
target_link_libraries(issuer-desk-fuzz PUBLIC PkgConfig::JANSSON OpenSSL::Crypto PkgConfig::SQLITE
                                              PkgConfig::MICROHTTPD PkgConfig::GNUTLS PkgConfig::LIBPQ PkgConfig::LIBOATH PkgConfig::P11KIT Threads::Threads ${CMAKE_DL_LIBS})
# Short runs from the seeds (ten minutes with INGAM_SOAK=1); by hand: build/tests/fuzz/issuer_cmp_fuzz tests/fuzz/corpus/issuer_cmp
foreach(target der cmp form ocsp signed dump foreign)
    string(REGEX REPLACE "der" "cmp" seeds issuer_${target})
    set(corpus ${CMAKE_CURRENT_BINARY_DIR}/issuer_${target}_found)
    file(MAKE_DIRECTORY ${corpus})
    add_executable(issuer_${target}_fuzz issuer_${target}.c)
    target_link_options(issuer_${target}_fuzz PRIVATE -fsanitize=fuzzer)
    target_link_libraries(issuer_${target}_fuzz PRIVATE issuer-desk-fuzz)
    add_test(NAME fuzz-issuer-${target}
             COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/timed.sh 15 $<TARGET_FILE:issuer_${target}_fuzz> -seed=1 -timeout=10 -rss_limit_mb=2048
                     -max_len=4096 -print_final_stats=1 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/
                     ${corpus} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${seeds})
    set_tests_properties(fuzz-issuer-${target} PROPERTIES LABELS fuzz TIMEOUT 900)
endforeach()
