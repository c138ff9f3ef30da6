"""Reads a page as a screen reader would: issuer_pages_html.py FILE...; exit code 1 and a line for each fault."""
import html.parser
import sys

VOID = {"meta", "link", "input", "img", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.faults, self.targets, self.labelled, self.fields = [], [], [], [], set(), []
        self.seen, self.levels, self.title, self.legend = {}, [], "", 0

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.targets += attributes.get("aria-describedby", "").split()
        if tag == "label":
            self.labelled.add(attributes.get("for"))
        if tag == "a" and attributes.get("href", "").startswith("#"):
            self.targets.append(attributes["href"][1:])
        if tag in ("input", "textarea", "select") and attributes.get("type") != "hidden":
            self.fields.append(attributes.get("id"))
        if tag == "img" and "alt" not in attributes:
            self.faults.append("a picture without alt")
        if tag == "html" and attributes.get("lang") not in ("ko", "en"):
            self.faults.append("no language")
        if tag in ("script", "style") or any(name.startswith("on") or name == "style" for name in attributes):
            self.faults.append(f"something that the Content-Security-Policy forbids: {tag} {attributes}")
        if tag in ("h1", "h2", "h3"):
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} ends where it must not")

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.title += data

    def judge(self):
        faults = self.faults + [f"{tag} stays open" for tag in self.open]
        faults += [f"id {name} twice" for name in set(self.ids) if self.ids.count(name) > 1]
        faults += [f"{name} is pointed to and is not there" for name in self.targets if name not in self.ids]
        faults += [f"field {name} has no label" for name in self.fields if name not in self.labelled]
        faults += [f"{self.seen.get(tag, 0)} times {tag}" for tag in ("h1", "main", "title", "nav") if self.seen.get(tag) != 1]
        if self.levels[:1] != [1] or any(b > a + 1 for a, b in zip(self.levels, self.levels[1:])):
            faults.append(f"headings out of order: {self.levels}")
        if not self.title.strip():
            faults.append("no title")
        return faults


bad = 0
for name in sys.argv[1:]:
    page = Page()
    with open(name, encoding="utf-8") as file:
        page.feed(file.read())
    for fault in page.judge():
        bad += 1
        print(f"{name}: {fault}")
sys.exit(1 if bad else 0)
