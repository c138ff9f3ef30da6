// The options that answer the certificate centre's steps (answer.c says which is which).
#pragma once

#include "options.h"

#define APPLY_ROW(option, field, what, text)                                                                 \
    {                                                                                                        \
        .name = (option), .kind = OPTION_TEXT, .at = OPTION_AT(field), .value = (what), .help = (text)       \
    }

#define APPLY_ROWS                                                                                           \
    APPLY_ROW("centre", centre, N_("URL"),                                                                   \
              N_("apply at the certificate centre there first, if there is no reference number yet")),       \
        {.name = "agree",                                                                                    \
         .kind = OPTION_FLAG,                                                                                \
         .at = OPTION_AT(agree),                                                                             \
         .help = N_("agree to all of its terms")},                                                           \
        APPLY_ROW("customer", customer, N_("ID"), N_("your user ID at the desk")),                           \
        APPLY_ROW("number-file", number_file, N_("FILE"),                                                    \
                  N_("read the resident or business number from the first line of FILE (else asked)")),      \
        APPLY_ROW("check", check, N_("KIND"), N_("the identity check: phone, sms or departure")),            \
        APPLY_ROW("class", class_name, N_("CLASS"), N_("the kind of certificate")),                          \
        APPLY_ROW("kind", application_kind, N_("KIND"), N_("issue (if not said) or reissue")),               \
        APPLY_ROW("factor", factor, N_("ID"), N_("the security medium, by its number at the desk")),         \
        APPLY_ROW("otp", otp, N_("NAME"), N_("answer with this one-time password of the token")),            \
        APPLY_ROW("answer-file", answer_file, N_("FILE"),                                                    \
                  N_("read the answer of the security medium from the first line of FILE (else asked)")),    \
        APPLY_ROW("account-file", account_file, N_("FILE"),                                                  \
                  N_("the same for the second proof, where one is wanted")),                                 \
        {.name = "fee",                                                                                      \
         .kind = OPTION_NUMBER,                                                                              \
         .at = OPTION_AT(fee),                                                                               \
         .given_at = OPTION_AT(fee_given),                                                                   \
         .most = 10000000,                                                                                   \
         .value = N_("WON"),                                                                                 \
         .help = N_("agree to a fee of so much")},                                                           \
        {.name = "confirm",                                                                                  \
         .kind = OPTION_FLAG,                                                                                \
         .at = OPTION_AT(confirm),                                                                           \
         .help = N_("confirm the personal details that the desk has")},                                      \
    {                                                                                                        \
        .name = "new-application", .kind = OPTION_FLAG, .at = OPTION_AT(new_application),                    \
        .help = N_("forget an application that was not finished, and begin another")                         \
    }
