"""Runs every command of docs/clients.md, as a person reads it: section by section, in one shell at a terminal.

usage: docs_clients.py PAGE DIR PIN SO-PIN OLD=NEW...

Each word OLD of the page is replaced by NEW: what the page can't know. Whenever a program asks for a PIN or password, it
gets the PIN, or the officer's when it asks for that. A section ends at once when one of its commands fails. Prints "section TITLE: N commands" for each, or what was said.
"""
import os
import pty
import re
import select
import sys
import termios
import time

SECONDS = 60
ASKS = re.compile(rb"(?:PIN|[Pp]ass(?:word|phrase)|Pin)[^\n]*: ?$")


def sections(page, replacements):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for old, new in replacements:
        if old not in text:
            raise SystemExit(f"{page} says nothing of {old}")
        text = text.replace(old, new)
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", section, flags=re.M | re.S)
        unknown = [kind for kind, _ in blocks if kind != "sh"]
        if unknown:
            raise SystemExit(f"blocks of an unknown kind: {unknown}")
        if blocks:
            yield section.split("\n", 1)[0], "".join(commands for _, commands in blocks)


def at_terminal(script, pin, officers):
    """The exit code, what was said, and how often the PIN was asked for."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("sh", ["sh", "-eu", script])
    said, asked, end = b"", 0, time.monotonic() + SECONDS
    answered, status = 0, None
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            # A server that it started may keep the terminal open.
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            status = None
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        said += data
        question = ASKS.search(said[answered:])
        if question:
            # Some turn the echo off after the question, and throw away what was typed before.
            while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < end:
                select.select([], [], [], 0.01)
            answer = officers if b"SO PIN" in said[answered:].rsplit(b"\n", 1)[-1] else pin
            os.write(terminal, answer.encode() + b"\n")
            asked += 1
            answered = len(said)
    else:
        os.kill(child, 9)
        said += b"\n... and then nothing more\n"
    if status is None:
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.decode(errors="replace"), asked


def main():
    page, directory, pin, officers, *words = sys.argv[1:]
    os.chdir(directory)
    for number, (title, commands) in enumerate(sections(page, [word.split("=", 1) for word in words])):
        script = os.path.join(directory, f"section{number}.sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(commands)
        code, said, asked = at_terminal(script, pin, officers)
        if code != 0:
            raise SystemExit(f"{title}: exit code {code}: {commands}\n{said}")
        count = len([line for line in commands.split("\n") if line and not line.startswith((" ", "END"))])
        print(f"section {title}: {count} lines, PIN asked for {asked} times", flush=True)


main()
