# Key files of the Korean PKI, through the tool.
foreach(name files move kill)
    ingam_script_test(e2e.npki_${name} npki_${name}.sh e2e 240)
endforeach()
if(INGAM_SANITIZE) # pkcs11-tool can't load a sanitized module
    return()
endif()
foreach(profile piv yubikey-5.4 yubikey-5.7)
    add_test(NAME e2e.npki_own_${profile} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/npki_own.sh ${profile})
    set_tests_properties(e2e.npki_own_${profile} PROPERTIES LABELS e2e TIMEOUT 300
        ENVIRONMENT "BUILD=${PROJECT_BINARY_DIR};SOURCE=${PROJECT_SOURCE_DIR}")
endforeach()
