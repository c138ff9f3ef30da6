/* The world of a running program: an image file, the system's randomness and clock. */
#ifndef FW_POSIX_H
#define FW_POSIX_H

#include "hal/hal.h"

struct posix_image {
    int fd; /* -1: closed */
};

enum posix_result { POSIX_OPENED, POSIX_MISSING, POSIX_IN_USE, POSIX_FAILED };

/* Opens an image for this process alone. FAILED: errno says why. */
enum posix_result posix_image_open(struct posix_image *image, const char *path);
/* Makes a new one under a name beside path; posix_image_keep gives it its place once it is finished, which is
 * refused when something is there by then. Both: false, and errno. */
bool posix_image_create(struct posix_image *image, const char *path);
bool posix_image_keep(struct posix_image *image, const char *path);
void posix_image_close(struct posix_image *image);

struct hal_storage posix_storage(struct posix_image *image);
struct hal_random posix_random(void);
struct hal_clock posix_clock(void);

#endif
