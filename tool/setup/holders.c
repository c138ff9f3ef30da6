// Looks through /proc; what may not be read there belongs to other users.
#include "holders.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libpcsclite.so"

static bool uses_cards(const char *process)
{
    char path[320], line[4608];
    snprintf(path, sizeof path, "/proc/%s/maps", process);
    FILE *maps = fopen(path, "re");
    bool does = false;
    while (maps != NULL && !does && fgets(line, sizeof line, maps) != NULL)
        does = strstr(line, LIBRARY) != NULL;
    if (maps != NULL)
        fclose(maps);
    return does;
}

static void name_of(const char *process, char *out, size_t size)
{
    char path[320];
    snprintf(path, sizeof path, "/proc/%s/comm", process);
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(out, (int)size, file) == NULL)
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

void holders_list(char *out, size_t size)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    out[0] = '\0';
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char name[64];
        size_t used = strlen(out);
        long number = strtol(entry->d_name, NULL, 10);
        if (number <= 0 || number == (long)getpid() || !uses_cards(entry->d_name))
            continue;
        name_of(entry->d_name, name, sizeof name);
        int n = snprintf(out + used, size - used, "%s%s (%ld)", used > 0 ? ", " : "", name, number);
        if (n < 0 || (size_t)n >= size - used) {
            out[used] = '\0';
            break;
        }
    }
    if (folder != NULL)
        closedir(folder);
}
