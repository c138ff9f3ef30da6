# The fuzz target of the whole module, which is compiled again with the fuzzer's instrumentation.
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
get_target_property(module_core ingam_core SOURCES)
list(FILTER module_core EXCLUDE REGEX "TARGET_OBJECTS")
list(TRANSFORM module_core PREPEND ${PROJECT_SOURCE_DIR}/pkcs11/)
get_target_property(module_host ingam_host SOURCES)
list(TRANSFORM module_host PREPEND ${PROJECT_SOURCE_DIR}/pkcs11/)
get_target_property(module_entry ingam_pkcs11 SOURCES)
add_executable(fuzz-module-card module_card.c ${PROJECT_SOURCE_DIR}/pkcs11/card/transport/script.c ${card_sources}
                                ${module_core} ${module_host} ${module_entry})
target_include_directories(fuzz-module-card PRIVATE ${PROJECT_SOURCE_DIR}/pkcs11 ${PROJECT_SOURCE_DIR}/pkcs11/host)
target_include_directories(fuzz-module-card SYSTEM PRIVATE ${P11KIT_INCLUDE_DIRS})
target_compile_options(fuzz-module-card PRIVATE -fsanitize=fuzzer-no-link)
target_link_options(fuzz-module-card PRIVATE -fsanitize=fuzzer)
foreach(name tp_default_new tp_close malloc calloc realloc strdup EVP_MD_CTX_new EVP_CIPHER_CTX_new OSSL_PARAM_BLD_new OSSL_LIB_CTX_new
             BN_bin2bn EVP_PKEY_CTX_new_from_pkey EVP_PKEY_CTX_new_from_name EVP_PKEY_fromdata EVP_CipherUpdate RAND_bytes_ex
             EVP_CipherInit_ex2 EVP_CipherFinal_ex EVP_CIPHER_CTX_ctrl EVP_DigestInit_ex2 EVP_DigestUpdate EVP_DigestFinal_ex EVP_Digest
             EVP_MAC_init EVP_MAC_update EVP_MAC_final EVP_KDF_derive EVP_PKEY_encrypt EVP_PKEY_derive EVP_PKEY_sign EVP_PKEY_public_check
             EVP_MD_fetch EVP_MAC_fetch EVP_CIPHER_fetch EVP_KDF_fetch BN_secure_new ECDSA_SIG_new OSSL_PARAM_BLD_to_param)
    target_link_options(fuzz-module-card PRIVATE -Wl,--wrap=${name})
endforeach()
target_link_libraries(fuzz-module-card PRIVATE OpenSSL::Crypto PkgConfig::PCSC ZLIB::ZLIB Threads::Threads)
set(module_found ${CMAKE_CURRENT_BINARY_DIR}/module_card_found)
file(MAKE_DIRECTORY ${module_found})
# From the seeds; ten minutes with INGAM_SOAK=1, which the TIMEOUT leaves room for.
add_test(NAME fuzz-module-card
         COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/timed.sh 20 $<TARGET_FILE:fuzz-module-card> -seed=1 -max_len=8192 -timeout=30 -rss_limit_mb=2048
                 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${module_found}
                 ${CMAKE_CURRENT_SOURCE_DIR}/corpus/module_card)
set_tests_properties(fuzz-module-card PROPERTIES LABELS fuzz TIMEOUT 900)
