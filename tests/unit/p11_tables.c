// The tables of docs/ingam-pkcs11.md, made from the rows of the module: printed with --print, compared
// otherwise.
#include "mech/mech.h"
#include "object/attr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "<!-- tables: made from the module's rows by unit-p11-tables --print -->\n"
#define END   "<!-- end of the tables -->\n"

static const struct {
    CK_FLAGS flag;
    const char *word;
} uses[] = {
    {CKF_SIGN, "sign"},
    {CKF_VERIFY, "verify"},
    {CKF_ENCRYPT, "encrypt"},
    {CKF_DECRYPT, "decrypt"},
    {CKF_DIGEST, "digest"},
    {CKF_SIGN_RECOVER, "sign-recover"},
    {CKF_WRAP, "wrap"},
    {CKF_VERIFY_RECOVER, "verify-recover"},
    {CKF_UNWRAP, "unwrap"},
    {CKF_DERIVE, "derive"},
    {CKF_GENERATE, "generate"},
    {CKF_GENERATE_KEY_PAIR, "generate a pair"},
    {CKF_MESSAGE_ENCRYPT, "message-encrypt"},
    {CKF_MESSAGE_DECRYPT, "message-decrypt"},
};

static void print_mechanisms(FILE *f)
{
    static const char *const places[] = {
        [MECH_CARD] = "card", [MECH_SOFTWARE] = "software", [MECH_OATH] = "card, slot (OTP)"};
    const struct mech_row *row;
    fputs("\n### Mechanisms\n\n| mechanism | where | key sizes | for |\n|---|---|---|---|\n", f);
    for (size_t i = 0; (row = mech_row_at(i)) != NULL; i++) {
        assert_memory_equal(row->name, "CKM_", 4); // and not the number that the header's macro stands for
        fprintf(f, "| %s | %s | ", row->name, places[row->place]);
        if (row->max != 0)
            fprintf(f, "%lu to %lu", row->min, row->max);
        const char *comma = " | ";
        for (size_t j = 0; j < sizeof uses / sizeof uses[0]; j++)
            if (row->flags & uses[j].flag) {
                fprintf(f, "%s%s", comma, uses[j].word);
                comma = ", ";
            }
        fputs(" |\n", f);
    }
}

static const struct {
    unsigned note;
    const char *number;
} notes[] = {{A_MUST_CREATE, "1"}, {A_NOT_CREATE, "2"},  {A_MUST_GENERATE, "3"}, {A_NOT_GENERATE, "4"},
             {A_MUST_UNWRAP, "5"}, {A_NOT_UNWRAP, "6"},  {A_SECRET, "7"},        {A_MODIFY, "8"},
             {A_ONLY_SO, "10"},    {A_STAYS_TRUE, "11"}, {A_STAYS_FALSE, "12"},  {A_COPY, "copy"}};

static void print_attribute(FILE *f, const struct attr_row *row)
{
    const char *comma = " (";
    fprintf(f, "%s", row->name);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (row->notes & notes[i].note) {
            fprintf(f, "%s%s", comma, notes[i].number);
            comma = ",";
        }
    if (row->notes & ~(unsigned)A_ABSENT)
        fputs(")", f);
}

static void print_rows(FILE *f, const struct attr_rows *rows)
{
    const char *comma = " | ";
    fprintf(f, "| %s", rows->name);
    for (const struct attr_rows *r = rows; r != NULL; r = r->base)
        for (size_t i = 0; i < r->count; i++) {
            if (attr_row(rows, r->row[i].type) != &r->row[i])
                continue; // the special one has its own
            fputs(comma, f);
            print_attribute(f, &r->row[i]);
            comma = ", ";
        }
    fputs(" |\n", f);
}

static void print_attributes(FILE *f)
{
    const struct attr_rows *rows;
    fputs("\n### Attributes\n\nThe numbers are the standard's footnotes (2.40, table 10): 1 has to be given "
          "to C_CreateObject, 2 "
          "must not\nbe, 3 and 4 the same for generation, 5 and 6 for unwrapping, 7 not revealed when "
          "sensitive, 8 may be "
          "changed,\n10 only the SO sets it to true, 11 stays true, 12 stays false; copy: may be changed by "
          "C_CopyObject.\n\n"
          "| object | attributes |\n|---|---|\n",
          f);
    for (size_t i = 0; (rows = attr_rows_at(i)) != NULL; i++)
        print_rows(f, rows);
}

static const char *const functions[] = {
#define NAME(name)          #name,
#define NAME_OF(name, args) #name,
    P11_FUNCTIONS_2_40(NAME) P11_FUNCTIONS_3_0(NAME_OF) P11_FUNCTIONS_3_2(NAME_OF)};

static const struct {
    const char *name, *answer;
} refused[] = {
    {"C_GetFunctionStatus", "CKR_FUNCTION_NOT_PARALLEL"},
    {"C_CancelFunction", "CKR_FUNCTION_NOT_PARALLEL"},
    {"C_EncapsulateKey", "CKR_MECHANISM_INVALID: no mechanism is for it"},
    {"C_DecapsulateKey", "CKR_MECHANISM_INVALID: no mechanism is for it"},
    {"C_WrapKeyAuthenticated", "CKR_MECHANISM_INVALID: no mechanism is for it"},
    {"C_UnwrapKeyAuthenticated", "CKR_MECHANISM_INVALID: no mechanism is for it"},
    {"C_AsyncComplete", "CKR_SESSION_ASYNC_NOT_SUPPORTED"},
    {"C_AsyncGetID", "CKR_SESSION_ASYNC_NOT_SUPPORTED"},
    {"C_AsyncJoin", "CKR_SESSION_ASYNC_NOT_SUPPORTED"},
};

static void print_functions(FILE *f)
{
    fputs("\n### Functions\n\nEverything in the lists of 2.40, 3.0 and 3.2 is there. These can't do their "
          "work with a card and say "
          "so:\n\n| function | answer |\n|---|---|\n",
          f);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        fprintf(f, "| %s | %s |\n", refused[i].name, refused[i].answer);
    fputs("\nThese work:", f);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        bool works = true;
        for (size_t j = 0; j < sizeof refused / sizeof refused[0]; j++)
            works = works && strcmp(functions[i], refused[j].name) != 0;
        if (works)
            fprintf(f, "\n%s", functions[i]);
    }
    fputs(".\n", f);
}

static char *make_tables(void)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    fputs(BEGIN, f);
    print_functions(f);
    print_mechanisms(f);
    print_attributes(f);
    fputs("\n" END, f);
    (void)fclose(f);
    return text;
}

static void test_docs(void **state)
{
    char path[512], *text = make_tables();
    const char *source = getenv("SOURCE");
    (void)state;
    (void)snprintf(path, sizeof path, "%s/docs/ingam-pkcs11.md", source != NULL ? source : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *all = calloc(1, 1 << 20);
    assert_true(fread(all, 1, (1 << 20) - 1, f) > 0);
    (void)fclose(f);
    if (strstr(all, text) == NULL)
        fail_msg("docs/ingam-pkcs11.md has other tables than the module: unit-p11-tables --print makes them");
    free(all);
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_docs)};
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        char *text = make_tables();
        fputs(text, stdout);
        free(text);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
