"""Claims about the report's page, each tried in a headless Chromium:

    check_report.py REPORT.html FOLDER

FOLDER gets screenshots, to be looked at by a person."""

import json
import os
import sys
import time

from browser import Browser

PATIENCE = 240  # s: drawn on a CPU that others use as well

CONTRAST = """(() => {
  const rgb = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0.99) return c; } return [255, 255, 255, 1]; };
  const poor = [];
  for (const e of document.querySelectorAll('main *, .top *, .contents *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest('script, style, option, .scale, noscript, [hidden]') || !e.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(back(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} "${e.textContent.trim().slice(0, 30)}"`);
  }
  return poor;
})()"""

CUT = """[...document.querySelectorAll('main *, .top *')].filter((e) => {
  if (e.closest('.scroll, pre, .status, [hidden]') || !e.getClientRects().length) return false;
  const b = e.getBoundingClientRect();
  return b.right > innerWidth + 1 || b.left < -1;
}).map((e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`)"""

NAMELESS = """[...document.querySelectorAll('button, select, input, output, video, canvas, [role=region], img, a')].filter((e) => {
  const label = e.getAttribute('aria-label') || e.alt || e.textContent.trim() || (e.labels && [...e.labels].map((l) => l.textContent).join('').trim());
  return !label;
}).map((e) => e.outerHTML.slice(0, 80))"""


class Checks:
    def __init__(self, page, folder):
        self.page, self.folder = page, folder
        self.browser = Browser()
        self.failed = self.passed = 0

    def expect(self, claim, holds, why=""):
        print(("ok      " if holds else "FAILED  ") + claim + ("" if holds else f": {why}"), flush=True)
        if holds:
            self.passed += 1
        else:
            self.failed += 1

    def open(self):
        self.browser.open(self.page)
        self.browser.wait("document.getElementById('replay-root').dataset.ready === 'true'", PATIENCE)

    def shot(self, name, **how):
        return self.browser.picture(os.path.join(self.folder, name + ".png"), **how)

    def step(self):
        return int(self.browser.ask("document.getElementById('replay-root').dataset.step"))

    def seek(self, step):
        self.browser.ask(f"(() => {{ const r = document.getElementById('replay-time'); r.value = {step};"
                         "r.dispatchEvent(new Event('input')); })()")

    def key(self, key, code=0):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def click(self, selector):
        self.browser.ask(f"document.querySelector({json.dumps(selector)}).click()")

    # ---- claims

    def nothing_is_missing(self):
        ask = self.browser.ask
        images = ask("[...document.images].map((i) => [i.complete && i.naturalWidth > 0 && i.width > 0, i.alt])")
        self.expect("every image has loaded", len(images) == 13 and all(i[0] for i in images), images)
        self.expect("every image is described", all(i[1] for i in images), images)
        self.browser.wait("[...document.querySelectorAll('video')].every((v) => v.readyState >= 1 || v.error)", PATIENCE)
        videos = ask("[...document.querySelectorAll('video')].map((v) => [v.videoWidth, v.duration, v.error && v.error.message])")
        self.expect("the video plays for 1.2 s", len(videos) == 1 and videos[0][0] == 64 and abs(videos[0][1] - 1.2) < 0.11, videos)
        self.expect("a policy's name is not run as a program", ask("window.pwned === undefined"))
        self.expect("WebGL draws", not ask("document.getElementById('replay-root').classList.contains('no-webgl')"))

    def the_replay_moves(self):
        ask = self.browser.ask
        robots = ask("document.querySelectorAll('#replay-legend li').length")
        self.expect("five robots are listed", robots == 5, robots)
        self.seek(0)
        pictures = [self.shot("replay-start", of="#replay-canvas")]
        curves = [self.shot("curve-start", of="#replay-chart")]
        self.seek(30)
        pictures.append(self.shot("replay-middle", of="#replay-canvas"))
        curves.append(self.shot("curve-middle", of="#replay-chart"))
        self.expect("scrubbing moves the robots", pictures[0] != pictures[1])
        self.expect("the curve's cursor moves along", curves[0] != curves[1])
        self.expect("the picture is not all one colour", len(pictures[0]) > 20000, len(pictures[0]))
        self.seek(0)
        self.click("#replay-play")
        self.browser.wait("Number(document.getElementById('replay-root').dataset.step) >= 3", PATIENCE)
        self.click("#replay-play")
        at = self.step()
        time.sleep(0.6)
        self.expect("it plays, and pauses where it is", at >= 3 and self.step() == at, (at, self.step()))
        self.seek(79)
        over = ask("[...document.querySelectorAll('#replay-legend li.over')].map((l) => l.textContent)")
        self.expect("the one that fell is marked", len(over) == 1 and "too low" in over[0], over)
        self.shot("replay-end", of=".replay")
        self.click("#replay-restart")
        self.expect("it starts again", self.step() == 0)

    def the_camera_turns_and_follows(self):
        before = self.shot("camera-before", of="#replay-canvas")
        box = self.browser.ask("(() => { const b = document.getElementById('replay-canvas').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()")
        for kind, dx in (("mousePressed", 0), ("mouseMoved", 60), ("mouseMoved", 120), ("mouseReleased", 120)):
            self.browser.call("Input.dispatchMouseEvent", type=kind, x=box[0] + dx, y=box[1], button="left", buttons=1, clickCount=1)
        turned = self.shot("camera-turned", of="#replay-canvas")
        self.expect("dragging turns the camera", before != turned)
        self.browser.ask("(() => { const f = document.getElementById('replay-follow'); f.value = '2'; f.dispatchEvent(new Event('change')); })()")
        self.expect("the camera follows another robot", self.shot("camera-follows", of="#replay-canvas") != turned)
        self.browser.ask("(() => { const l = document.querySelector('#replay-legend input'); l.click(); })()")
        left = self.shot("curve-without", of="#replay-chart")
        self.browser.ask("document.querySelector('#replay-legend input').click()")
        self.expect("a robot can be left out", left != self.shot("curve-with", of="#replay-chart"))

    def keys_are_enough(self):
        self.seek(10)
        self.browser.ask("document.getElementById('replay-canvas').focus()")
        self.key("ArrowRight", 39)
        self.expect("an arrow is a step", self.step() == 11, self.step())
        self.key("End", 35)
        self.expect("End is the end", self.step() == 80, self.step())
        self.key("Home", 36)
        self.key(" ", 32)
        self.browser.wait("Number(document.getElementById('replay-root').dataset.step) >= 2", PATIENCE)
        self.key(" ", 32)
        status = self.browser.ask("document.getElementById('replay-status').textContent")
        self.expect("space plays and pauses, and says where", "Expert" in status and "metres a second" in status, status)
        self.browser.ask("document.querySelector('button.enlarge').focus()")
        self.click("button.enlarge")
        self.expect("a figure is enlarged", self.browser.ask("document.getElementById('zoom').open && document.querySelector('#zoom img').naturalWidth > 0"))
        self.key("Escape", 27)
        self.expect("Escape closes it", not self.browser.ask("document.getElementById('zoom').open"))

    def it_can_be_read(self):
        ask = self.browser.ask
        nameless = ask(NAMELESS)
        self.expect("every control has a name", nameless == [], nameless)
        twice = ask("(() => { const n = {}; document.querySelectorAll('[id]').forEach((e) => n[e.id] = (n[e.id] || 0) + 1); return Object.keys(n).filter((k) => n[k] > 1) })()")
        self.expect("no id occurs twice", twice == [], twice)
        broken = ask("[...document.querySelectorAll('a[href^=\"#\"]')].filter((a) => !document.getElementById(a.hash.slice(1))).map((a) => a.href)")
        self.expect("every link leads somewhere", broken == [], broken)
        levels = ask("[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
        steps = all(b - a <= 1 for a, b in zip(levels, levels[1:]))
        self.expect("headings are in order", levels.count(1) == 1 and levels[0] == 1 and steps, levels)
        self.expect("the language is said", ask("document.documentElement.lang") == "en")

    def it_is_light_and_dark(self):
        browser, ask = self.browser, self.browser.ask
        back = "getComputedStyle(document.body).backgroundColor"
        colours = {}
        for scheme in ("light", "dark"):
            browser.colours(scheme)
            time.sleep(0.3)
            colours[scheme] = ask(back)
            poor = ask(CONTRAST)
            self.expect(f"text stands out, {scheme}", poor == [], poor)
            self.shot("page-" + scheme)
        self.expect("the system's colours are taken over", colours["light"] != colours["dark"], colours)
        self.click("#theme")  # light, on a dark system
        self.expect("the button overrules the system", ask(back) == colours["light"], ask(back))
        self.click("#theme")
        self.expect("and goes on to dark", ask(back) == colours["dark"], ask(back))
        self.click("#theme")
        browser.colours("light")

    def it_fits_a_phone(self):
        for width in (320, 390):
            self.browser.size(width, 800, mobile=True, scale=2)
            time.sleep(0.4)
            wide = self.browser.ask("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
            self.expect(f"no sideways scrolling on {width} pixels", wide <= width, wide)
            cut = self.browser.ask(CUT)
            self.expect(f"nothing is cut off on {width} pixels", cut == [], cut)
            small = self.browser.ask("[...document.querySelectorAll('.controls button, .controls select, #theme')].filter((b) => b.getBoundingClientRect().height < 36 && !b.hidden).map((b) => b.id)")
            self.expect(f"buttons are large enough for a finger on {width} pixels", small == [], small)
        self.shot("phone")
        self.shot("phone-replay", of=".replay")

    def run(self):
        try:
            self.browser.colours("light")
            self.browser.size(1000, 800)
            self.open()
            for claim in (self.nothing_is_missing, self.the_replay_moves, self.the_camera_turns_and_follows,
                          self.keys_are_enough, self.it_can_be_read, self.it_is_light_and_dark, self.it_fits_a_phone):
                claim()
            complaints, requests = self.browser.complaints(), self.browser.requests()
            self.expect("the console has nothing to complain of", complaints == [], complaints)
            self.expect("nothing is asked of the network", requests == [], requests)
        finally:
            self.browser.close()
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


if __name__ == "__main__":
    sys.exit(Checks(sys.argv[1], sys.argv[2]).run())
