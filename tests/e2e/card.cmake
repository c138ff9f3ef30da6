# Crowds of threads and processes at the module; label thread: also in the thread sanitizer's build.
add_executable(module_crowd module_crowd.c)
target_include_directories(module_crowd SYSTEM PRIVATE ${P11KIT_INCLUDE_DIRS})
target_link_libraries(module_crowd PRIVATE module_world)
add_dependencies(module_crowd ingam_pkcs11 ingam-sim)
add_test(NAME e2e-module-crowd COMMAND module_crowd)
set_tests_properties(e2e-module-crowd PROPERTIES LABELS "e2e;thread" TIMEOUT 1800 ENVIRONMENT "BUILD=${PROJECT_BINARY_DIR}")
