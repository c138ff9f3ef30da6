# The fuzz target of the tool's own texts; their readers are compiled again with the fuzzer's instrumentation.
set(tool_text_sources cmd/batch_list.c fault.c otp/recipe.c paths.c text.c)
list(TRANSFORM tool_text_sources PREPEND ${PROJECT_SOURCE_DIR}/tool/)
add_executable(tool_text_fuzz tool_text.c ${tool_text_sources})
target_include_directories(tool_text_fuzz PRIVATE ${PROJECT_SOURCE_DIR}/tool)
target_compile_definitions(tool_text_fuzz PRIVATE INGAM_MODULE_INSTALLED="" INGAM_LOCALE_INSTALLED="")
target_compile_options(tool_text_fuzz PRIVATE -fsanitize=fuzzer-no-link)
target_link_options(tool_text_fuzz PRIVATE -fsanitize=fuzzer)
target_link_libraries(tool_text_fuzz PRIVATE ingam_card OpenSSL::Crypto PkgConfig::P11KIT PkgConfig::JANSSON)
set(tool_text_found ${CMAKE_CURRENT_BINARY_DIR}/tool_text_found)
file(MAKE_DIRECTORY ${tool_text_found})
# A short run from the samples (ten minutes with INGAM_SOAK=1).
add_test(NAME fuzz-tool-text
         COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/timed.sh 10 $<TARGET_FILE:tool_text_fuzz> -seed=1 -timeout=10 -rss_limit_mb=2048 -max_len=2048
                 -print_final_stats=1 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${tool_text_found}
                 ${CMAKE_CURRENT_SOURCE_DIR}/corpus/tool_text)
set_tests_properties(fuzz-tool-text PROPERTIES LABELS fuzz TIMEOUT 900)
