// ingam key move: a key with its certificate to another slot of the same token. The same command, run again,
// goes on where an interrupted one ended: what is in both slots tells how far it came.
#include "meet.h"
#include "p11/keypair.h"
#include "show.h"
#include "side.h"
#include "text.h"

#include <openssl/err.h>

struct move {
    struct run *run;
    const struct piv_place *from, *to;
    X509 *there, *beyond; // the certificates in both slots when we begin
    bool key_there, key_beyond;
};

static enum exit_code missing(struct run *run, const char *what)
{
    fault_set(&run->fault, EXIT_USAGE, "%s", what);
    return fault_todo(&run->fault, _("Write: ingam key move FROM TO"));
}

static enum exit_code one_place(struct run *run, const char *word, const struct piv_place **out)
{
    run->options.slot = word;
    return show_place(run, out);
}

static enum exit_code move_check(struct run *run)
{
    static struct move move;
    move.run = run;
    run->work = &move;
    if (run->options.operands < 2)
        return missing(run, _("The slot is missing."));
    if (one_place(run, run->options.operand[0], &move.from) != EXIT_OK ||
        one_place(run, run->options.operand[1], &move.to) != EXIT_OK)
        return run->fault.code;
    return move.from == move.to ? missing(run, _("Both slots are the same.")) : EXIT_OK;
}

static enum exit_code look(struct move *move)
{
    struct run *run = move->run;
    if (!run->session.open && session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (side_has_key(&run->module, &run->token, move->from, &move->key_there, &run->fault) == EXIT_OK &&
        side_has_key(&run->module, &run->token, move->to, &move->key_beyond, &run->fault) == EXIT_OK &&
        object_certificate(&run->session, move->from->id, &move->there, &run->fault) == EXIT_OK)
        object_certificate(&run->session, move->to->id, &move->beyond, &run->fault);
    return run->fault.code;
}

// Only what an interrupted move left may be in the way.
static enum exit_code check(struct move *move)
{
    struct run *run = move->run;
    bool same = move->there != NULL && move->beyond != NULL && X509_cmp(move->there, move->beyond) == 0;
    ERR_clear_error();
    if (!move->key_there && !(move->key_beyond && same))
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), move->from->number);
    if ((move->key_there && move->key_beyond) || (move->beyond != NULL && !same)) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a key or a certificate."),
                  move->to->number);
        return fault_todo(&run->fault, _("Use another slot; a key is never moved over another."));
    }
    return EXIT_OK;
}

// The certificate is written to its new place first: at no moment is there a key whose certificate is gone.
static enum exit_code move_all(struct move *move)
{
    struct run *run = move->run;
    if (move->there != NULL && move->beyond == NULL &&
        (meet_login_writer(run) != EXIT_OK ||
         object_write_certificate(&run->session, move->to, move->there, &run->fault) != EXIT_OK))
        return run->fault.code;
    if (move->key_there && side_move(&run->module, &run->token, run->secrets.admin, move->from, move->to,
                                     &run->fault) != EXIT_OK) {
        struct fault unused = {.code = EXIT_OK};
        if (run->fault.code == EXIT_UNSUPPORTED && move->beyond == NULL)
            object_remove_certificates(&run->session, move->to->id, &unused);
        return run->fault.code;
    }
    if (move->there != NULL &&
        (meet_login_writer(run) != EXIT_OK ||
         object_remove_certificates(&run->session, move->from->id, &run->fault) != EXIT_OK))
        return fault_state(&run->fault,
                           _("The key is in slot %s, its certificate in both; the same command goes "
                             "on."),
                           move->to->number);
    return EXIT_OK;
}

static enum exit_code key_move(struct run *run)
{
    struct move *move = run->work;
    if (look(move) == EXIT_OK && check(move) == EXIT_OK && move_all(move) == EXIT_OK) {
        answer_text(run, "from", move->from->number);
        answer_text(run, "to", move->to->number);
        json_object_set_new(run->answer, "certificate", json_boolean(move->there != NULL));
        say(run, _("The key is in slot %s now."), move->to->number);
    }
    X509_free(move->there);
    X509_free(move->beyond);
    return run->fault.code;
}

extern const struct command cmd_key_move;

const struct command cmd_key_move = {
    .noun = "key",
    .verb = "move",
    .operands = "FROM TO",
    .operands_most = 2,
    .summary = N_("move a key and its certificate to another slot"),
    .details = N_("YubiKeys from firmware 5.7 on can do that. The other slot has to be empty. Keys that were "
                  "used to decrypt\ngo to 82 to 95 when a new one takes their place."),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .check = move_check,
    .run = key_move,
};
