# The fuzz target of the key files; their readers are compiled again with the fuzzer's instrumentation.
set(npki_sources fault.c paths.c text.c)
foreach(name crypto files find key lock pfx place policy source vid write)
    list(APPEND npki_sources npki/${name}.c)
endforeach()
list(TRANSFORM npki_sources PREPEND ${PROJECT_SOURCE_DIR}/tool/)
add_executable(npki_file_fuzz npki_file.c ${npki_sources})
target_include_directories(npki_file_fuzz PRIVATE ${PROJECT_SOURCE_DIR}/tool)
target_compile_definitions(npki_file_fuzz PRIVATE INGAM_MODULE_INSTALLED="" INGAM_LOCALE_INSTALLED="")
target_compile_options(npki_file_fuzz PRIVATE -fsanitize=fuzzer-no-link)
target_link_options(npki_file_fuzz PRIVATE -fsanitize=fuzzer)
target_link_libraries(npki_file_fuzz PRIVATE ingam_card OpenSSL::Crypto)
set(npki_found ${CMAKE_CURRENT_BINARY_DIR}/npki_file_found)
file(MAKE_DIRECTORY ${npki_found})
# A short run from the samples (ten minutes with INGAM_SOAK=1); by hand: build/tests/fuzz/npki_file_fuzz FOLDER tests/data/npki
add_test(NAME fuzz-npki-file
         COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/timed.sh 15 $<TARGET_FILE:npki_file_fuzz> -seed=1 -timeout=10 -rss_limit_mb=2048 -max_len=4096
                 -print_final_stats=1 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${npki_found}
                 ${PROJECT_SOURCE_DIR}/tests/data/npki)
set_tests_properties(fuzz-npki-file PROPERTIES LABELS fuzz TIMEOUT 900)
