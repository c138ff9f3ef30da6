# The issuing desk as a program, judged by OpenSSL's own CMP client and by curl.
ingam_script_test(e2e-issuer-issue issuer_issue.sh e2e 120)
ingam_script_test(e2e-issuer-commands issuer_commands.sh e2e 60)
ingam_script_test(e2e-issuer-http issuer_http.sh e2e 60)
find_package(OpenSSL 3.0 REQUIRED)
add_executable(issuer_idle issuer_idle.c)
add_executable(issuer_restart issuer_restart.c)
target_link_libraries(issuer_restart PRIVATE OpenSSL::Crypto)
