// The rules as rows: one SQL question each, which finds a row when the rule stands against the application.
#include "rules.h"

#include "words.h"

#include <stdio.h>
#include <string.h>

struct rule {
    enum registry_end end;
    const char *sql; // values: reference number, now
    const char *text;
};

#define OLD   "SELECT 1 FROM person p JOIN certificate o ON o.serial = p.target WHERE p.reference = ?"
#define NOW   " CAST(? AS INTEGER)"
#define RENEW OLD " AND p.kind = 'renew'"

static const struct rule rules[] = {
    {REGISTRY_DENIED, "SELECT 1 FROM person p WHERE p.reference = ? AND p.state = 'denied' AND 0 <" NOW,
     N_("this application was refused by the desk")},
    {REGISTRY_CLOSED,
     "SELECT 1 FROM person p JOIN customer c ON c.id = p.customer"
     " WHERE p.reference = ? AND c.state <> 'active' AND 0 <" NOW,
     N_("the customer is no member any more")},
    {REGISTRY_KIND,
     "SELECT 1 FROM person p JOIN customer c ON c.id = p.customer JOIN class k ON k.name = p.class"
     " WHERE p.reference = ? AND (' ' || k.kinds || ' ') NOT LIKE ('% ' || c.kind || ' %') AND 0 <" NOW,
     N_("this class of certificate is not for this kind of customer: choose another class")},
    {REGISTRY_RENEWED,
     RENEW " AND EXISTS (SELECT 1 FROM certificate n JOIN person q ON q.reference = n.reference"
           " WHERE n.serial = o.replaced_by AND q.kind = 'renew') AND 0 <" NOW,
     N_("this certificate was renewed before: use the new one")},
    {REGISTRY_REVOKED, RENEW " AND (o.status = 'revoked' OR o.state <> 'confirmed') AND 0 <" NOW,
     N_("this certificate is revoked: apply for a reissue")},
    {REGISTRY_SUSPENDED, RENEW " AND o.status = 'suspended' AND 0 <" NOW,
     N_("this certificate is suspended: let it be resumed first, or apply for a reissue")},
    {REGISTRY_EXPIRED, RENEW " AND o.not_after <=" NOW,
     N_("this certificate has expired and cannot be renewed any more: apply for a reissue")},
    {REGISTRY_EARLY,
     "SELECT 1 FROM person p JOIN certificate o ON o.serial = p.target LEFT JOIN class k ON k.name = p.class"
     " WHERE p.reference = ? AND p.kind = 'renew' AND o.not_after - coalesce(k.renew_days, 30) * 86400 >" NOW,
     N_("it is too early to renew this certificate: it can be renewed in its last 30 days")},
    {REGISTRY_ONE,
     "SELECT 1 FROM person p JOIN class k ON k.name = p.class JOIN certificate o"
     " ON o.customer = p.customer AND o.class = p.class WHERE p.reference = ? AND k.sole = 1"
     " AND o.state = 'confirmed' AND o.status <> 'revoked' AND o.serial <> p.target AND o.not_after >" NOW,
     N_("this person has a valid certificate of this class, and may have one only: apply for a reissue")},
    {REGISTRY_COMING,
     "SELECT 1 FROM person p JOIN class k ON k.name = p.class JOIN certificate o"
     " ON o.customer = p.customer AND o.class = p.class WHERE p.reference = ? AND k.sole = 1"
     " AND o.state IN ('reserved', 'issued') AND o.reference <> p.reference AND o.created + 3600 >" NOW,
     N_("a certificate of this class is being issued to this person: try again in an hour")},
    {REGISTRY_UNPAID, "SELECT 1 FROM fee f WHERE f.reference = ? AND f.state = 'due' AND 0 <" NOW,
     N_("the fee is not paid: pay it first")},
    {REGISTRY_WAITING, "SELECT 1 FROM person p WHERE p.reference = ? AND p.state = 'waiting' AND 0 <" NOW,
     N_("this application waits for the desk's approval")},
};

// Ends that are not found by a question of their own.
static const struct rule others[] = {
    {REGISTRY_UNPROVED, NULL,
     N_("identity or second factor is not proved, or the proof has expired: 'identity check' and 'factor "
        "verify'"
        " come first")},
    {REGISTRY_MEDIUM, NULL,
     N_("the customer has no security card, OTP or certificate to prove a second factor with: get a mobile "
        "OTP"
        " first ('factor enrol')")},
    {REGISTRY_PURPOSE, NULL, N_("this cannot be done to this certificate")},
    {REGISTRY_NONE, NULL, N_("not found in the registry")},
    {REGISTRY_AGAIN, NULL, N_("it is so already")},
    {REGISTRY_FAILED, NULL,
     N_("cannot write to the registry: is the disk full, or is another program holding it? Nothing was "
        "written"
        " down, try again")},
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

enum registry_end rules_check(struct db *db, const char *reference, int64_t now)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct db_query query;
        DB_ASK(&query, db, rules[i].sql, db_t(reference), db_n(now));
        bool against = db_row(&query);
        if (!db_close(&query))
            return REGISTRY_FAILED;
        if (against)
            return rules[i].end;
    }
    return REGISTRY_DONE;
}

static int take_proof(struct db *db, const char *customer, const char *need, const char *by, int64_t now)
{
    return DB_DO(
        db,
        "UPDATE proof SET used_by = ? WHERE id = (SELECT id FROM proof WHERE customer = ? AND need = ?"
        " AND result = 'passed' AND used_by = '' AND expires > ? ORDER BY created DESC, id LIMIT 1)",
        db_t(by), db_t(customer), db_t(need), db_n(now));
}

enum registry_end rules_prove(struct db *db, const char *customer, const char *needs, const char *by,
                              int64_t now)
{
    while (*needs != 0) {
        char need[REGISTRY_WORD];
        bool good = true;
        size_t length = strcspn(needs, " ");
        snprintf(need, sizeof need, "%.*s", (int)length, needs);
        needs += length + (needs[length] == ' ' ? 1 : 0);
        int changed = take_proof(db, customer, need, by, now);
        if (changed == 1)
            continue;
        if (changed < 0)
            return REGISTRY_FAILED;
        int64_t media = db_count(db,
                                 "SELECT count(*) FROM factor WHERE customer = ? AND state = 'active'"
                                 " AND kind NOT IN ('account', 'phone-code')",
                                 customer, 0, &good);
        if (!good)
            return REGISTRY_FAILED;
        return strcmp(need, "factor") == 0 && media == 0 ? REGISTRY_MEDIUM : REGISTRY_UNPROVED;
    }
    return REGISTRY_DONE;
}

const char *rules_text(enum registry_end end)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        if (rules[i].end == end)
            return rules[i].text;
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (others[i].end == end)
            return others[i].text;
    }
    return NULL;
}
