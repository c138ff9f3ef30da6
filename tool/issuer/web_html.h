// The pages as HTML: the frame around them, a step of a flow, the first page, my certificates, a failure.
#ifndef INGAM_ISSUER_WEB_HTML_H
#define INGAM_ISSUER_WEB_HTML_H

#include "page.h"
#include "web_flow.h"

// What stands around a page.
struct frame {
    struct page *page;
    const char *path; // of this page, for the language links
    const char *title;
    const struct session *session; // or NULL
    bool failed;                   // the title says so
    bool members;                  // on the members' port there is no menu
    const char *home;              // where the certificate centre is; "" on its own port
    int wait;
};

void html_begin(const struct frame *frame);
void html_end(const struct frame *frame);

// The step at hand; `form` is what was typed before, or NULL. The visit's error is shown at its field.
void html_step(struct page *page, const struct visit *visit, const struct view *view,
               const struct form *form);

void html_home(struct page *page, const struct visit *visit);
bool html_my(struct page *page, struct visit *visit);

// A whole page that says what failed.
void html_failure(const struct frame *frame, enum web_error error, const char *text);

#endif
