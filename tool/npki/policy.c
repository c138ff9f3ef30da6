// The table of certificate policies of the accredited CAs.
#include "policy.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define YESSIGN   "yessign"
#define SIGNKOREA "SignKorea"
#define SIGNGATE  "signGATE"
#define NIA       "NIA"
#define CROSSCERT "CrossCert"
#define INIPASS   "INIPASS"
#define TRADESIGN "TradeSign"

// As sites and open-source clients list them; the CAs' practice statements are the authority.
static const struct npki_policy rows[] = {
    {"1.2.410.200005.1.1.1", YESSIGN, N_("personal, general purpose")},
    {"1.2.410.200005.1.1.1.1", YESSIGN, N_("personal, general purpose, on a secure medium")},
    {"1.2.410.200005.1.1.1.10", YESSIGN, N_("personal, financial certificate")},
    {"1.2.410.200005.1.1.2", YESSIGN, N_("corporate, banks, insurers and cards")},
    {"1.2.410.200005.1.1.2.1", YESSIGN, N_("corporate, banks, insurers and cards, on a secure medium")},
    {"1.2.410.200005.1.1.4", YESSIGN, N_("personal, banks, insurers, cards and civil affairs")},
    {"1.2.410.200005.1.1.4.1", YESSIGN,
     N_("personal, banks, insurers, cards and civil affairs, on a secure medium")},
    {"1.2.410.200005.1.1.5", YESSIGN, N_("corporate, general purpose")},
    {"1.2.410.200005.1.1.5.1", YESSIGN, N_("corporate, general purpose, on a secure medium")},
    {"1.2.410.200005.1.1.6.1", YESSIGN, N_("corporate, banking")},
    {"1.2.410.200005.1.1.6.2", YESSIGN, N_("corporate, cards")},
    {"1.2.410.200005.1.1.6.3", YESSIGN, N_("public procurement")},
    {"1.2.410.200005.1.1.6.4", YESSIGN, N_("retirement pensions")},
    {"1.2.410.200005.1.1.6.5", YESSIGN, N_("currency transaction reports")},
    {"1.2.410.200005.1.1.6.6", YESSIGN, N_("personal, trusts")},
    {"1.2.410.200005.1.1.6.7", YESSIGN, N_("corporate, trusts")},
    {"1.2.410.200005.1.1.6.8", YESSIGN, N_("electronic tax invoices")},
    {"1.2.410.200005.1.1.6.9", YESSIGN, N_("personal, security work")},
    {"1.2.410.200005.1.1.6.0", YESSIGN, N_("corporate, security work")},
    {"1.2.410.200005.1.1.8.11", YESSIGN, N_("corporate, financial certificate")},
    {"1.2.410.200005.1.1.8.12", YESSIGN, N_("corporate, financial certificate")},
    {"1.2.410.200005.1.1.8.13", YESSIGN, N_("corporate, financial certificate")},
    {"1.2.410.200004.5.1.1.5", SIGNKOREA, N_("personal, general purpose")},
    {"1.2.410.200004.5.1.1.7", SIGNKOREA, N_("corporate, general purpose")},
    {"1.2.410.200004.5.1.1.9", SIGNKOREA, N_("personal, securities and insurers")},
    {"1.2.410.200004.5.1.1.9.2", SIGNKOREA, N_("personal, cards")},
    {"1.2.410.200004.5.1.1.10", SIGNKOREA, N_("corporate, securities")},
    {"1.2.410.200004.5.2.1.1", SIGNGATE, N_("corporate, general purpose")},
    {"1.2.410.200004.5.2.1.2", SIGNGATE, N_("personal, general purpose")},
    {"1.2.410.200004.5.2.1.3", SIGNGATE, N_("special purpose")},
    {"1.2.410.200004.5.2.1.6.257", SIGNGATE, N_("electronic tax invoices")},
    {"1.2.410.200004.5.2.1.5001", SIGNGATE, N_("electronic tax invoices")},
    {"1.2.410.200004.5.2.1.7.1", SIGNGATE, N_("personal, banks and insurers")},
    {"1.2.410.200004.5.2.1.7.2", SIGNGATE, N_("personal, securities")},
    {"1.2.410.200004.5.2.1.7.3", SIGNGATE, N_("personal, cards")},
    {"1.2.410.200004.5.3.1.1", NIA, N_("institution")},
    {"1.2.410.200004.5.3.1.2", NIA, N_("corporate, general purpose")},
    {"1.2.410.200004.5.3.1.9", NIA, N_("personal, general purpose")},
    {"1.2.410.200004.5.4.1.1", CROSSCERT, N_("personal, general purpose")},
    {"1.2.410.200004.5.4.1.2", CROSSCERT, N_("corporate, general purpose")},
    {"1.2.410.200004.5.4.1.101", CROSSCERT, N_("personal, banks and insurers")},
    {"1.2.410.200004.5.4.1.102", CROSSCERT, N_("personal, securities")},
    {"1.2.410.200004.5.4.1.103", CROSSCERT, N_("personal, cards")},
    {"1.2.410.200004.5.4.1.104", CROSSCERT, N_("personal, civil affairs")},
    {"1.2.410.200004.5.5.1.1", INIPASS, N_("personal, general purpose")},
    {"1.2.410.200004.5.5.1.2", INIPASS, N_("corporate, general purpose")},
    {"1.2.410.200004.5.5.1.4.2", INIPASS, N_("electronic tax invoices")},
    {"1.2.410.200012.1.1.1", TRADESIGN, N_("personal, general purpose")},
    {"1.2.410.200012.1.1.3", TRADESIGN, N_("corporate, general purpose")},
    {"1.2.410.200012.1.1.101", TRADESIGN, N_("personal, banks and insurers")},
    {"1.2.410.200012.1.1.103", TRADESIGN, N_("personal, securities")},
    {"1.2.410.200012.1.1.105", TRADESIGN, N_("personal, cards")},
};

const struct npki_policy *npki_policy_of(const X509 *certificate, char *oid, size_t size)
{
    CERTIFICATEPOLICIES *all = X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
    const struct npki_policy *found = NULL;
    oid[0] = '\0';
    if (all != NULL && sk_POLICYINFO_num(all) > 0 &&
        OBJ_obj2txt(oid, (int)size, sk_POLICYINFO_value(all, 0)->policyid, 1) <= 0)
        oid[0] = '\0';
    CERTIFICATEPOLICIES_free(all);
    ERR_clear_error();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && found == NULL; i++)
        if (strcmp(rows[i].oid, oid) == 0)
            found = &rows[i];
    return found;
}
