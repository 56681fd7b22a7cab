#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

"""A browser for test scripts, over a pipe of the DevTools protocol.

    browser.py PROGRAM FOLDER

Reads a command a line, and answers each with a line:

    go URL                opens it: "ok"
    js EXPRESSION         its value as JSON
    until EXPRESSION      "ok" as soon as it is true, "late" after ten seconds
    size WIDTH HEIGHT [dark]   of the window: "ok"
    shot FILE             the whole page as PNG: "ok"
    errors                what the console complained of, as JSON
"""

import base64
import json
import os
import select
import subprocess
import sys
import time

PATIENCE = 10


class Browser:
    def __init__(self, program, folder):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def arrange():  # it reads from 3 and writes to 4
            read, write = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             "--force-color-profile=srgb", "--lang=en-US",
             "--user-data-dir=" + folder, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=arrange)
        os.close(theirs_in)
        os.close(theirs_out)
        self.input, self.output = ours_in, ours_out
        self.rest = b""
        self.number = 0
        self.complaints = []
        self.session = None
        target = [one for one in self.ask("Target.getTargets")["targetInfos"]
                  if one["type"] == "page"][0]["targetId"]
        self.session = self.ask("Target.attachToTarget",
                                targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def receive(self, end):
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            got = os.read(self.input, 1 << 16)
            if not got:
                raise EOFError("the browser has ended")
            self.rest += got
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        if event.get("method") == "Log.entryAdded":
            entry = event["params"]["entry"]
            if entry["level"] == "error":
                self.complaints.append(entry["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            detail = event["params"]["exceptionDetails"]
            self.complaints.append(
                detail.get("exception", {}).get("description", "exception"))

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(end)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]
            self.note(answer)

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression,
                          awaitPromise=True, returnByValue=True,
                          userGesture=True)
        if "exceptionDetails" in result:
            detail = result["exceptionDetails"]
            return {"exception": detail.get("exception", {}).get(
                "description", "")}
        return result["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.evaluate(f"Boolean({expression})") is True:
                return "ok"
            time.sleep(0.05)
        return "late"

    def resize(self, width, height, *look):
        self.ask("Emulation.setDeviceMetricsOverride", width=int(width),
                 height=int(height), deviceScaleFactor=1,
                 mobile=int(width) < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if look else "light"}])
        return "ok"

    def shoot(self, file):
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        with open(file, "wb") as out:
            out.write(base64.b64decode(shot["data"]))
        return "ok"

    def obey(self, line):
        word, _, rest = line.partition(" ")
        if word == "go":
            self.ask("Page.navigate", url=rest)
            return self.until("document.readyState === 'complete'")
        if word == "js":
            return json.dumps(self.evaluate(rest))
        if word == "until":
            return self.until(rest)
        if word == "size":
            return self.resize(*rest.split())
        if word == "shot":
            return self.shoot(rest)
        if word == "errors":
            self.evaluate("0")
            return json.dumps(self.complaints)
        return "no such command"


def main():
    browser = Browser(sys.argv[1], sys.argv[2])
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(browser.obey(line.strip()), flush=True)
        except RuntimeError as error:
            print("error:", error, flush=True)
    try:
        browser.ask("Browser.close")
    except (OSError, EOFError, RuntimeError, TimeoutError):
        pass
    browser.process.wait()


main()
