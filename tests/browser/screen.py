"""A screen of its own for one browser: Xvfb on a free display, and a hand that types into the windows on it."""
import mmap
import os
import struct
import subprocess
import time

PATIENCE = 40  # seconds to wait for a window
SIZE = "1024x768x24"
PIXEL = 4  # bytes
CARET_WIDTH = 4


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
        at = self.at(x, y)
        return sum(self.frame[at:at + 3]) / 3

    def at(self, x, y):
        header, line, colors = (struct.unpack_from(">25I", self.frame)[i] for i in (0, 12, 19))
        return header + 12 * colors + y * line + x * PIXEL

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

    def rows(self, window):
        """The picture of a window, a bytes object a row of pixels."""
        facts = dict(word.split("=") for word in self.xdotool("getwindowgeometry", "--shell", window))
        left, top, width, height = (int(facts[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        starts = [self.at(left, top + y) for y in range(height)]
        return [self.frame[start:start + width * PIXEL] for start in starts]

    def caret_blinked(self, before, after):
        """True when all that changed is a stroke as narrow as a caret: a field has the focus and waits for keys."""
        changed = [(old, new) for old, new in zip(before, after) if old != new]
        columns = [i // PIXEL for old, new in changed for i in range(len(old)) if old[i] != new[i]]
        return bool(columns) and max(columns) - min(columns) < CARET_WIDTH

    def wait_caret(self, window):
        """Keys that come before a dialog has given its field the focus are lost: waits until a caret blinks there."""
        until, before = time.monotonic() + PATIENCE, self.rows(window)
        while True:
            after = self.rows(window)
            if self.caret_blinked(before, after):
                return
            assert time.monotonic() < until, "no field of the dialog waits for keys"
            before = after

    def type(self, window, text):
        """Types a line into the window; the text goes through a pipe, never through argv."""
        self.xdotool("windowfocus", "--sync", window)
        self.wait_caret(window)
        self.xdotool("type", "--file", "-", typed=text.encode())
        self.xdotool("key", "Return")

    def press(self, window, key):
        self.xdotool("windowfocus", "--sync", window)
        self.xdotool("key", key)
