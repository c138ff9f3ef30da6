"""A screen of its own for one browser: Xvfb on a free display, and a hand that types into the windows on it."""
import mmap
import os
import struct
import subprocess
import time

PATIENCE = 40  # seconds to wait for a window
SIZE = "1024x768x24"


class Screen:
    def __init__(self, work):
        reader, writer = os.pipe()
        self.log = open(os.path.join(work, "xvfb.err"), "wb")
        self.server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "Xvfb", "-displayfd", str(writer), "-screen", "0", SIZE, "-fbdir", work,
             "-nolisten", "tcp", "-noreset"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start, see xvfb.err")
        self.environment = {"DISPLAY": ":" + number}
        with open(os.path.join(work, "Xvfb_screen0"), "rb") as file:
            self.frame = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self):
        self.server.terminate()
        self.server.wait(10)
        self.log.close()

    def xdotool(self, *words, typed=None):
        return subprocess.run(["xdotool", *words], input=typed, env={**os.environ, **self.environment}, timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode().split()

    def brightness(self, x, y):
        """The mean of red, green and blue of one pixel, 0 to 255, read from the server's frame (XWD, version 7)."""
        word = struct.unpack_from(">25I", self.frame)
        header, bits, line, colors = word[0], word[11], word[12], word[19]
        at = header + 12 * colors + y * line + x * bits // 8
        return sum(self.frame[at:at + 3]) / 3

    def windows(self, title):
        """The visible windows whose title begins so, as a set."""
        return set(self.xdotool("search", "--onlyvisible", "--name", "^" + title))

    def wait_window(self, title, known=()):
        """The first window of that title that is none of the known ones."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            fresh = self.windows(title) - set(known)
            if fresh:
                return fresh.pop()
        raise AssertionError(f"no window {title} in {PATIENCE} s")

    def type(self, window, text):
        """Types a line into the window; the text goes through a pipe, never through argv."""
        self.xdotool("windowfocus", "--sync", window)
        self.xdotool("type", "--file", "-", typed=text.encode())
        self.xdotool("key", "Return")

    def press(self, window, key):
        self.xdotool("windowfocus", "--sync", window)
        self.xdotool("key", key)
