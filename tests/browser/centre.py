"""A customer at the certificate centre: applies in Korean by the keyboard alone, has the certificate issued onto a token,
and opens the members' page with it. The pictures stay in build/tests/browser/centre."""
import base64
import json
import os
import re
import subprocess
import time

from person import Person
from stage import Stage, play

PATIENCE = 60
PIN, HOST = "123456", "one.localhost"
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
CARD = [f"{n:02d}{n + 31:02d}" for n in range(1, 36)]


class Desk:
    """ingam-issuer with its pages; its log is the judge."""

    def __init__(self, stage):
        self.program = os.path.join(stage.build, "tool/ingam-issuer")
        self.folder = os.path.join(stage.work, "desk")
        self.log_name = os.path.join(stage.work, "serve.err")
        self.say("init", "--name", "한빛은행 인증센터")
        check = os.path.join(stage.work, "check")
        with open(check, "w") as file:
            file.write("#!/bin/sh\ncat >/dev/null\necho '{\"result\":\"passed\"}'\n")
        os.chmod(check, 0o700)
        for kind in ("phone", "sms", "departure"):
            self.say("identity", "program", "--kind", kind, "--program", check)

    def say(self, *words):
        nouns = [word for word in words[:2] if not word.startswith("--")]
        done = subprocess.run([self.program, *nouns, "--dir", self.folder, *words[len(nouns):]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True, timeout=30)
        return dict(line.split(" ", 1) for line in done.stdout.decode().splitlines() if " " in line)

    def customer(self, stage, name, number):
        for file, text in (("number", number), ("card", " ".join(CARD))):
            with open(os.path.join(stage.work, file), "w") as out:
                out.write(text + "\n")
        customer = self.say("customer", "add", "--name", name, "--kind", "individual", "--identity-file",
                            os.path.join(stage.work, "number"), "--phone", "010-1234-5678", "--email", "gildong@example.kr")
        self.say("factor", "add", "--customer", customer["customer"], "--kind", "card", "--secret-file",
                 os.path.join(stage.work, "card"))
        return customer["customer"]

    def serve(self, pki):
        self.log = open(self.log_name, "wb")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", self.program, "serve", "--dir", self.folder, "--listen", "127.0.0.1:0",
             "--pages-listen", "127.0.0.1:0", "--members-listen", "127.0.0.1:0", "--tls-cert", pki.path("server.pem"),
             "--tls-key", pki.path("server.key")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        said = [self.process.stdout.readline().decode().split() for _ in range(3)]
        assert [words[0] for words in said] == ["ready", "pages", "members"], f"the desk says {said}"
        self.cmp = said[0][1]
        self.pages, self.members = (words[1].replace("127.0.0.1", HOST) for words in said[1:])

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()

    def logged(self, text):
        with open(self.log_name, encoding="utf-8") as file:
            return [line for line in file if text in line]


class Visitor:
    """Somebody who uses the keyboard only."""

    def __init__(self, stage, folder, pictures=0):
        self.browser, self.folder, self.pictures = stage.browser, folder, pictures

    def ask(self, expression):
        return self.browser.command("Runtime.evaluate", {"expression": expression})["result"].get("value")

    def wait(self, what, expression):
        until = time.monotonic() + PATIENCE
        while not self.ask(expression):
            assert time.monotonic() < until, f"{what}: {self.ask('document.body.innerText')}"

    def go(self, url, title):
        self.browser.open(url)
        self.wait_title(title)

    def wait_title(self, title):
        self.wait(title, f"document.readyState === 'complete' && document.title.startsWith({json.dumps(title)})")

    def press(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.browser.command("Input.dispatchKeyEvent", {
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, **({"text": text} if kind == "keyDown" and text else {})})

    def tab_to(self, wanted, expression):
        """Presses Tab until the element with the focus is the wanted one."""
        for _ in range(60):
            if self.ask(f"(e => {expression})(document.activeElement)"):
                return
            self.press("Tab", 9)
        raise AssertionError(f"Tab does not lead to {wanted}")

    def type(self, field, text):
        self.tab_to(field, f"e.id === {json.dumps(field)}")
        self.browser.command("Input.insertText", {"text": text})

    def tick(self, field):
        self.tab_to(field, f"e.id === {json.dumps(field)}")
        self.press(" ", 32, " ")

    def choose(self, field, value):
        """A group of radio buttons is one stop of Tab; the arrows move inside it."""
        self.tab_to(field, f"e.name === {json.dumps(field)}")
        for _ in range(20):
            if self.ask("document.activeElement.checked") and self.ask("document.activeElement.value") == value:
                return
            if self.ask("document.activeElement.value") == value:
                self.press(" ", 32, " ")
            else:
                self.press("ArrowDown", 40)
        raise AssertionError(f"{field} has no {value}")

    def follow(self, text):
        self.tab_to(text, f"e.innerText === {json.dumps(text)}")
        self.press("Enter", 13, "\r")

    def send(self, title):
        self.tab_to("the button", "e.className === 'go'")
        self.press("Enter", 13, "\r")
        self.wait_title(title)

    def fact(self, name):
        return self.ask(f"document.getElementById('fact-{name}').innerText")

    def shot(self):
        """A page that has just come may not have been laid out yet."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.browser.command("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
            except RuntimeError:
                if time.monotonic() > until:
                    raise

    def picture(self, name):
        """As a desktop shows it and as a telephone does, where nothing may stick out."""
        self.pictures += 1
        for kind, metrics in (("desktop", None), ("phone", PHONE)):
            if metrics:
                self.browser.command("Emulation.setDeviceMetricsOverride", metrics)
                wide = self.ask("document.documentElement.scrollWidth > window.innerWidth")
                assert not wide, f"{name}: the page is wider than a telephone"
            with open(os.path.join(self.folder, f"{self.pictures:02d}-{name}-{kind}.png"), "wb") as file:
                file.write(base64.b64decode(self.shot()))
        self.browser.command("Emulation.clearDeviceMetricsOverride")


def apply(visitor, desk, customer):
    """Through all the steps; (reference number, code)."""
    visitor.follow("신청")
    visitor.wait_title("약관 동의")
    visitor.picture("terms")
    visitor.tick("agree-service")
    visitor.send("오류: 약관 동의")
    visitor.picture("terms-refused")
    visitor.tick("agree-privacy")
    visitor.tick("agree-identity")
    visitor.send("고객 확인")
    visitor.type("customer", customer)
    visitor.type("number", "900101-1234567")
    visitor.picture("identity")
    visitor.send("본인확인")
    visitor.choose("check", "phone")
    visitor.picture("check")
    visitor.tab_to("the button", "e.className === 'go'")
    visitor.press("Enter", 13, "\r")
    visitor.wait_title("인증서 종류 선택")
    visitor.choose("class", "financial")
    visitor.choose("kind", "issue")
    visitor.picture("kind")
    visitor.send("보안매체")
    visitor.send("보안매체 인증")
    answer_card(visitor, "수수료")
    visitor.tick("confirm")
    visitor.picture("fee")
    visitor.send("고객정보 확인")
    visitor.tick("confirm")
    visitor.picture("details")
    visitor.send("신청이 끝났습니다")
    visitor.picture("done")
    assert desk.logged(f"step=done customer={customer}"), "the desk does not know of the application"
    return visitor.fact("reference"), visitor.fact("code")


def answer_card(visitor, title):
    first, second = (int(number) for number in re.findall(r"\d+", visitor.fact("challenge")))
    visitor.picture("security-card")
    visitor.type("answer", CARD[first - 1][:2] + CARD[second - 1][2:])
    visitor.send(title)


def look_after(visitor, desk, customer):
    """Logs in, sees the certificate, and is led to what can be done with it."""
    visitor.go(desk.pages + "/", "처음 화면")
    visitor.follow("로그인")
    visitor.wait_title("고객 확인")
    visitor.type("customer", customer)
    visitor.type("number", "9001011234567")
    visitor.send("보안매체")
    visitor.send("보안매체 인증")
    answer_card(visitor, "내 인증서")
    visitor.picture("my")
    assert "금융인증서" in visitor.ask("document.body.innerText"), "the certificate is not there"
    visitor.send("인증서와 처리할 내용 선택")
    visitor.picture("change")


def issue(stage, desk, reference, code):
    """The certificate onto the token, by the tool."""
    for file, text in (("code", code), ("pin", PIN)):
        with open(os.path.join(stage.work, file), "w") as out:
            out.write(text + "\n")
    subprocess.run([os.path.join(stage.build, "tool/ingam"), "issue", "--slot", "9a", "--issuer", desk.cmp, "--reference",
                    reference, "--code-file", os.path.join(stage.work, "code"), "--key-type", "p256", "--pin-file",
                    os.path.join(stage.work, "pin"), "--default-admin"], check=True, timeout=PATIENCE,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def enter(stage, desk, visitor, title, pins):
    """Opens the members' page as a person does; what was asked. (The page answers nothing while a dialog stands over it, so
    the desk's log tells when it is there.)"""
    person = Person(stage.browser, stage.person.screen, None)
    asked, before = [], len(desk.logged("members "))
    stage.browser.open(desk.members + "/")
    until = time.monotonic() + PATIENCE
    while len(desk.logged("members ")) == before:
        assert time.monotonic() < until, f"no members' page; asked: {asked}"
        if person.pin_asked():
            person.screen.type(person.pin_window, pins.pop(0))
            asked.append("pin")
        elif stage.browser.certificate_offered():
            person.accept()
            asked.append("certificate")
    visitor.wait_title(title)
    return asked


def scene(stage):
    folder = os.path.join(stage.build, "tests/browser/centre")
    os.makedirs(folder, exist_ok=True)
    stage.judge = None
    stage.pki.ca("rsa.ca")
    stage.pki.server("rsa.ca")
    stage.keep(stage.new_card("card")).put_in()
    desk = Desk(stage)
    customer = desk.customer(stage, "홍길동", "9001011234567")
    desk.serve(stage.pki)
    stage.keep(desk)
    home = stage.new_home()
    stage.nss(os.path.join(home, ".pki/nssdb"))

    stage.start("chromium", home)
    visitor = Visitor(stage, folder)
    visitor.go(desk.pages + "/", "First page")
    visitor.follow("한국어")
    visitor.wait_title("처음 화면")
    visitor.picture("home")
    members = visitor.ask("document.querySelector('.cards li:last-child a').href")
    assert members == desk.members + "/", f"the link to the members' page leads to {members}"
    reference, code = apply(visitor, desk, customer)
    stage.ok("a customer applies in Korean, by the keyboard alone")
    visitor.browser.command("Page.reload")
    visitor.wait("the code is gone", "document.body.innerText.includes('다시 보여 드리지 않습니다')")
    stage.ok("the code is shown once")
    asked = enter(stage, desk, visitor, "오류: 브라우저가 인증서를 보내지 않았습니다", [PIN])
    visitor.picture("members-closed")
    assert desk.logged("members serial= customer= result=no-client-certificate"), asked
    stage.ok("the members' page stays closed to who has no certificate")
    stage.stop()

    issue(stage, desk, reference, code)
    home = stage.new_home()
    stage.nss(os.path.join(home, ".pki/nssdb"))
    stage.start("chromium", home)
    visitor = Visitor(stage, folder, visitor.pictures)
    visitor.go(desk.pages + "/?lang=ko", "처음 화면")
    asked = enter(stage, desk, visitor, "회원 전용 화면", [PIN])
    visitor.picture("members")
    assert asked.count("pin") == 1 and asked.count("certificate") == 1, asked
    assert desk.logged(f"customer={customer} result=none"), "the desk's log does not show the member"
    stage.ok("the token's certificate opens it, with one PIN")
    look_after(visitor, desk, customer)
    stage.ok("logged in by number and security card, the customer sees the certificate")
    serial = [line.split("serial=")[1].split()[0] for line in desk.logged("members") if "result=none" in line][-1]
    desk.say("certificate", "suspend", "--serial", serial)
    stage.browser.open(desk.members + "/?again")
    visitor.wait_title("오류: 브라우저가 보낸 인증서는 더 이상 유효하지 않습니다")
    visitor.picture("members-suspended")
    assert desk.logged(f"members serial={serial} customer= result=certificate-not-valid"), "the registry did not decide"
    stage.ok("a suspended certificate closes it again, at the next request")


if __name__ == "__main__":
    play(Stage(), scene)
