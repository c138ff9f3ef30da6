"""What a page cost: the calls that the browser made, by the module's trace, and the exchanges, by the card's log."""
import json
import re

SEARCH = re.compile(r" call C_FindObjectsInit\b")
CALL = re.compile(r" call C_\w+")


def lines(file):
    try:
        with open(file) as text:
            return text.readlines()
    except FileNotFoundError:
        return []


class Meter:
    def __init__(self, card_log, trace):
        self.files = card_log, trace
        self.reset()

    def reset(self):
        self.before = [len(lines(file)) for file in self.files]

    def read(self):
        """The cost since the last reset."""
        card, trace = (lines(file)[skip:] for file, skip in zip(self.files, self.before))
        return Cost(card, trace)


class Cost:
    def __init__(self, card, trace):
        commands, self.exchanges = {}, []
        for entry in map(json.loads, card):
            if entry["dir"] == "command":
                commands[entry["n"]] = entry["ins"]
            elif entry["dir"] == "response":
                self.exchanges.append((commands.get(entry["n"]), entry["sw"]))
        self.calls = sum(1 for line in trace if CALL.search(line))
        self.searches = sum(1 for line in trace if SEARCH.search(line))

    def count(self, instruction, status):
        return self.exchanges.count((instruction, status))

    @property
    def signatures(self):
        return self.count("GENERAL AUTHENTICATE", "9000")

    def __str__(self):
        return (f"{self.searches} searches in {self.calls} calls, {len(self.exchanges)} exchanges, "
                f"{self.signatures} signatures")
