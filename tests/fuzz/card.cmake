# The fuzz target of the card library, which is compiled again with the fuzzer's instrumentation.
get_target_property(card_sources ingam_card SOURCES)
list(TRANSFORM card_sources PREPEND ${PROJECT_SOURCE_DIR}/pkcs11/card/)
pkg_check_modules(PCSC REQUIRED IMPORTED_TARGET libpcsclite)
find_package(ZLIB REQUIRED)
add_executable(fuzz-card-replies card_replies.c ../card/lying_card.c ${PROJECT_SOURCE_DIR}/pkcs11/card/transport/script.c
                                 ${card_sources})
target_include_directories(fuzz-card-replies PRIVATE ../card ${PROJECT_SOURCE_DIR}/pkcs11)
target_compile_options(fuzz-card-replies PRIVATE -fsanitize=fuzzer-no-link)
target_link_options(fuzz-card-replies PRIVATE -fsanitize=fuzzer)
target_link_libraries(fuzz-card-replies PRIVATE PkgConfig::PCSC ZLIB::ZLIB Threads::Threads)
set(card_found ${CMAKE_CURRENT_BINARY_DIR}/card_replies_found)
file(MAKE_DIRECTORY ${card_found})
# From the seeds; ten minutes with INGAM_SOAK=1, which the TIMEOUT leaves room for.
add_test(NAME fuzz-card-replies
         COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/timed.sh 15 $<TARGET_FILE:fuzz-card-replies> -seed=1 -max_len=4096 -timeout=20 -rss_limit_mb=2048
                 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${card_found}
                 ${CMAKE_CURRENT_SOURCE_DIR}/corpus/card_replies)
set_tests_properties(fuzz-card-replies PROPERTIES LABELS fuzz TIMEOUT 900)
