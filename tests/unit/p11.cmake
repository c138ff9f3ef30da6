# The module's rooms: attributes, mechanisms, the interface as others see it.
find_package(OpenSSL 3.0 REQUIRED)
foreach(name attr mech tables)
    add_executable(unit-p11-${name} p11_${name}.c)
    target_link_libraries(unit-p11-${name} PRIVATE ingam_core OpenSSL::Crypto PkgConfig::CMOCKA)
    add_test(NAME unit.p11_${name} COMMAND unit-p11-${name})
    set_tests_properties(unit.p11_${name} PROPERTIES LABELS unit TIMEOUT 60 ENVIRONMENT "SOURCE=${CMAKE_SOURCE_DIR}")
endforeach()

# The padding's own object, compiled to report its path; the rest comes from the library.
if(NOT INGAM_SANITIZE)
    add_library(p11-path OBJECT ${CMAKE_SOURCE_DIR}/pkcs11/mech/pad.c p11_path_leaky.c)
    target_compile_options(p11-path PRIVATE -fsanitize-coverage=trace-pc)
    target_link_libraries(p11-path PRIVATE ingam_core)
    add_executable(unit-p11-path p11_path.c $<TARGET_OBJECTS:p11-path>)
    target_link_libraries(unit-p11-path PRIVATE ingam_core PkgConfig::CMOCKA)
    add_test(NAME unit.p11_path COMMAND unit-p11-path)
    set_tests_properties(unit.p11_path PROPERTIES LABELS unit TIMEOUT 60)
endif()

# The interface against foreign headers, each in a file of its own.
pkg_check_modules(NSS REQUIRED IMPORTED_TARGET nss)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
add_library(p11-values-ours OBJECT p11_values_ours.c)
target_include_directories(p11-values-ours SYSTEM PRIVATE ${P11KIT_INCLUDE_DIRS})
target_include_directories(p11-values-ours PRIVATE ${CMAKE_SOURCE_DIR}/pkcs11)
add_library(p11-values-nss OBJECT p11_values_nss.c)
target_include_directories(p11-values-nss SYSTEM PRIVATE ${NSS_INCLUDE_DIRS})
target_compile_options(p11-values-nss PRIVATE -Wno-undef)
add_library(p11-values-helper OBJECT p11_values_helper.c)
add_executable(
    unit-p11-headers p11_headers.c $<TARGET_OBJECTS:p11-values-ours> $<TARGET_OBJECTS:p11-values-nss>
                     $<TARGET_OBJECTS:p11-values-helper>)
target_link_libraries(unit-p11-headers PRIVATE PkgConfig::CMOCKA)
add_test(NAME unit.p11_headers COMMAND unit-p11-headers)
set_tests_properties(unit.p11_headers PROPERTIES LABELS unit TIMEOUT 30)
