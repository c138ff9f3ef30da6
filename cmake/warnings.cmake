# Warnings are errors, with gcc and clang alike; hardening and sanitizers for every target.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -Wformat=2 -Wundef -Wvla -Werror -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE)
if(INGAM_SANITIZE)
    add_compile_options(-fsanitize=${INGAM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${INGAM_SANITIZE})
else()
    add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
if(INGAM_FUZZ) # every room tells the fuzzer which way it went; the engine comes in where a target links it
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link) # what catches its calls where no engine and no other sanitizer does
endif()
add_link_options(-Wl,-z,relro,-z,now)
