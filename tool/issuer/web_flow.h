// The steps of the certificate centre as rows. The HTML pages and the JSON API show and take the same steps.
#ifndef INGAM_ISSUER_WEB_FLOW_H
#define INGAM_ISSUER_WEB_FLOW_H

#include "form.h"
#include "session.h"
#include "web_error.h"
#include "web_limit.h"

#define FLOW_FIELDS  6
#define FLOW_FACTS   16
#define FLOW_CHOICES 32
#define FLOW_WORD    24

// The certificate centre of a desk.
struct web {
    struct desk *desk;
    struct sessions *sessions;
    struct web_limits limits;
    char issuer[DESK_URL];  // where CMP is answered, for `ingam issue`
    char pages[DESK_URL];   // where the pages are
    char members[DESK_URL]; // where the members' page is, or empty
};

enum field_kind {
    FIELD_TEXT,
    FIELD_SECRET, // is not shown while it is typed, nor again
    FIELD_AGREE,  // "yes"
    FIELD_CHOICE, // one of the view's choices
    FIELD_LONG,   // several lines
};

// Ended by a row without a name.
struct field {
    const char *name, *label, *hint;
    enum field_kind kind;
    size_t most; // bytes
    bool optional;
    const char *complete, *mode; // HTML's autocomplete and inputmode, or NULL
};

// What a step shows.
struct view {
    size_t facts, choices;
    struct {
        const char *name, *label;
        char value[600];
    } fact[FLOW_FACTS];
    struct {
        const char *field;
        char value[80], label[160], note[200];
    } choice[FLOW_CHOICES];
    char note[400]; // a sentence beside the step's own
    int wait;       // ask again after so many seconds; 0: don't
};

// One request of one visitor.
struct visit {
    struct web *web;
    struct session *session;
    struct journey *journey;                 // the session's
    const char *address;                     // whom the limits count
    char pages[DESK_URL], members[DESK_URL]; // by the name that the visitor knows this host by
    bool rotate;                             // a login: the session gets a new id
    enum web_error error;
    const char *field; // which field is wrong, or NULL
    char text[600];    // more than the error's row says, or empty
};

struct step {
    const char *name, *title, *text, *submit;
    struct field fields[FLOW_FIELDS];
    // Before the step is shown: may go on to another one. May be NULL.
    bool (*settle)(struct visit *visit);
    bool (*show)(struct visit *visit, struct view *view);
    // Takes the answers, whose fields are checked already; goes on to the next step unless it went elsewhere.
    bool (*take)(struct visit *visit, const struct form *form);
    bool secret; // what it shows is shown on one page only
    bool aside;  // not counted as a step on the way
};

struct flow {
    const char *name, *path, *title;
    bool member;                     // only for who is logged in
    bool leaves;                     // ends a login (an application is made by who is logged out)
    const char *after;               // the page behind the last step, or NULL
    const struct step *const *steps; // ended by NULL
};

// Ended by a row without a name.
extern const struct flow flows[];
const struct flow *flow_find(const char *name);
const struct step *flow_step(const struct journey *journey);
size_t flow_length(const struct flow *flow);
bool flow_ended(const struct journey *journey);

// Begins a flow in the session of the visit.
bool flow_begin(struct visit *visit, const struct flow *flow);

// Shows the step at hand, after settling. False: visit->error says why.
bool flow_show(struct visit *visit, struct view *view);

// Takes the answers to the step that the form names. False: nothing was done, the journey stands where it
// stood (or where visit_go put it), visit->error says why.
bool flow_take(struct visit *visit, const struct form *form);

// For the steps.
bool visit_refuse(struct visit *visit, enum web_error error, const char *field);
bool visit_fail(struct visit *visit, const struct fail *fail, const char *field);
void visit_go(struct visit *visit, const struct step *step);
void view_fact(struct view *view, const char *name, const char *label, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void view_choice(struct view *view, const char *field, const char *value, const char *label,
                 const char *note);

// Base64 with line ends; -1: it is none.
int web_base64(const char *text, unsigned char *bytes, size_t size);

// Steps that several flows share (web_prove.c).
extern const struct step step_identity, step_check, step_checking, step_code, step_factor, step_answer,
    step_sign, step_account;

extern const struct step *const steps_apply[], *const steps_find[], *const steps_login[],
                                                                        *const steps_change[];
extern const struct step *const steps_register[], *const steps_unregister[], *const steps_otp[];

// What the pages call things.
const char *say_class(const struct act_class *class);
const char *say_class_name(const char *name);
const char *say_kind(const char *kind);
const char *say_status(const char *status);
const char *say_factor(const char *kind);
const char *say_check(const char *kind);
void say_date(int64_t seconds, char text[DESK_TIME]);
#define SAY_WON 64
void say_won(int64_t amount, char text[SAY_WON]);

#endif
