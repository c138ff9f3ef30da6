// What the pages need beside HTML.
#ifndef INGAM_ISSUER_WEB_STYLE_H
#define INGAM_ISSUER_WEB_STYLE_H

extern const char web_style[]; // text/css
extern const char web_sign[];  // image/svg+xml

#endif
