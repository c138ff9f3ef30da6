# The module end to end, on simulators of its own.
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
add_library(module_world STATIC module_world.c module_objects.c)
target_include_directories(module_world SYSTEM PUBLIC ${P11KIT_INCLUDE_DIRS})
target_include_directories(module_world PUBLIC ${PROJECT_SOURCE_DIR}/pkcs11)
target_link_libraries(module_world PUBLIC PkgConfig::CMOCKA OpenSSL::Crypto ${CMAKE_DL_LIBS} Threads::Threads)

foreach(name counts rules exit pull pinentry names ciphers software message keys cache state clients writing otp gate)
    add_executable(module_${name} module_${name}.c)
    target_include_directories(module_${name} SYSTEM PRIVATE ${P11KIT_INCLUDE_DIRS})
    target_link_libraries(module_${name} PRIVATE module_world)
    add_dependencies(module_${name} ingam_pkcs11 ingam-sim)
    add_test(NAME e2e.module_${name} COMMAND module_${name})
    set_tests_properties(e2e.module_${name} PROPERTIES LABELS e2e TIMEOUT 300 ENVIRONMENT
                                                           "BUILD=${PROJECT_BINARY_DIR};SOURCE=${CMAKE_SOURCE_DIR}")
endforeach()
add_dependencies(module_names ingam)
# 24 keys and certificates on three cards.
set_tests_properties(e2e.module_counts PROPERTIES TIMEOUT 400)
