"""The TLS server as the tests see it: its gates by name, and the lines it says."""
import json
import os
import select
import subprocess
import time


class Judge:
    def __init__(self, program, pki, gates):
        """gates: name -> VERSION:CA[:SIGALGS], the CA by its file's name in the folder pki."""
        words = [":".join([gate.split(":")[0], os.path.join(pki, gate.split(":")[1]), *gate.split(":")[2:]])
                 for gate in gates.values()]
        self.process = subprocess.Popen(
            [program, os.path.join(pki, "server.pem"), os.path.join(pki, "server.key"), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.buffer = b""
        ready = self.line(10)
        if not ready or not ready.startswith("ready "):
            raise RuntimeError("the TLS server did not start")
        self.ports = dict(zip(gates, map(int, ready.split()[1:])))

    def line(self, seconds):
        """The next line, None when there is none in that time."""
        until = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            wait = max(0, until - time.monotonic())
            if not select.select([self.process.stdout], [], [], wait)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise RuntimeError("the TLS server ended")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def event(self, seconds):
        line = self.line(seconds)
        return json.loads(line) if line else None

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
