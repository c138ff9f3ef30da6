// Runs a program on a terminal of its own and answers its prompts: tool_on_tty ANSWER... -- COMMAND...
// A prompt is output that ends in ": ". What the terminal showed goes to standard output; the exit code is
// the program's.
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 20000

static char screen[65536];
static size_t shown;

// Reads what comes; 0 at the end, -1 when nothing comes in time.
static int take(int tty)
{
    struct pollfd wait = {.fd = tty, .events = POLLIN};
    if (poll(&wait, 1, TIMEOUT_MS) <= 0)
        return -1;
    ssize_t n = read(tty, screen + shown, sizeof screen - 1 - shown);
    if (n <= 0)
        return n < 0 && errno != EIO ? -1 : 0;
    shown += (size_t)n;
    return 1;
}

// Programs turn the echo off after the prompt, and throw away what was typed before. One that leaves it on is
// answered after a while.
static void await_silence(int tty)
{
    struct termios t;
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 40 && tcgetattr(tty, &t) == 0 && (t.c_lflag & ECHO) != 0; i++)
        (void)nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    int answer = 1, dashes = 1, tty = -1, status, more;
    size_t answered = 0;
    while (dashes < argc && strcmp(argv[dashes], "--") != 0)
        dashes++;
    if (dashes + 1 >= argc)
        return 125;
    pid_t child = forkpty(&tty, NULL, NULL, NULL);
    if (child < 0)
        return 125;
    if (child == 0) {
        execvp(argv[dashes + 1], argv + dashes + 1);
        _exit(127);
    }
    while ((more = take(tty)) > 0) {
        if (shown >= answered + 2 && memcmp(screen + shown - 2, ": ", 2) == 0 && answer < dashes) {
            const char *text = argv[answer++];
            if (strcmp(text, "^C") == 0)
                text = "\003";
            answered = shown;
            await_silence(tty);
            if (write(tty, text, strlen(text)) < 0 || (text[0] != '\003' && write(tty, "\n", 1) < 0))
                return 125;
        }
    }
    if (more < 0)
        kill(child, SIGKILL);
    fwrite(screen, 1, shown, stdout);
    if (waitpid(child, &status, 0) != child)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
