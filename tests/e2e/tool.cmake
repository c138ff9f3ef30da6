# The tool end to end.
add_library(tool_killer MODULE tool_killer.c)
target_link_libraries(tool_killer PRIVATE ${CMAKE_DL_LIBS})
add_executable(tool_on_tty tool_on_tty.c)

# tool_test(SCRIPT [ARGUMENT])
function(tool_test script)
    string(JOIN _ name tool ${script} ${ARGN})
    add_test(NAME e2e.${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tool_${script}.sh ${ARGN})
    set_tests_properties(e2e.${name} PROPERTIES LABELS e2e TIMEOUT 240
        ENVIRONMENT "BUILD=${PROJECT_BINARY_DIR};SOURCE=${PROJECT_SOURCE_DIR}")
endfunction()
tool_test(foreign)
tool_test(interrupt softhsm)
if(INGAM_SANITIZE) # pkcs11-tool can't load a sanitized module
    return()
endif()
tool_test(interrupt ingam)
tool_test(failures direct)
tool_test(failures pcscd)
tool_test(words)
tool_test(prepared piv)
tool_test(prepared yubikey-5.4)
tool_test(prepared yubikey-5.7)
