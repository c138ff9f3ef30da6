// Where things are: the module and catalogues beside this program, and the user's state and data.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PATHS_MAX 4096

// The module: beside the program in a build tree, else the installed one. False if the path is too long.
bool paths_module(char *out, size_t size);

// The folder of message catalogues, likewise.
bool paths_locale(char *out, size_t size);

// $XDG_STATE_HOME/ingam/NAME (else ~/.local/state/...) or $XDG_DATA_HOME/ingam/NAME (else
// ~/.local/share/...). The folder that is to hold it is made, private to the user. False: errno says why.
bool paths_state(char *out, size_t size, const char *name);
bool paths_data(char *out, size_t size, const char *name);

// The user's home folder and NAME.
bool paths_home(char *out, size_t size, const char *name);

// Makes the folders of a path, private to the user; the last component is left out. False: errno says why.
bool paths_folders(const char *path);

// Replaces the file by these bytes, mode 0600: after a crash there is the old file or the new one, whole.
// False: errno says why, and the old file is untouched.
bool paths_write(const char *path, const void *bytes, size_t length);

// Reads a file of at most size bytes. Returns its length, or -1 with errno (EFBIG: longer than size).
long paths_read(const char *path, void *bytes, size_t size);
