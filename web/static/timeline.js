// The timeline by pointer and keyboard. The page works without: the form below takes times by hand.
// Drag over a lane to choose a window; arrows move, Shift+arrows choose, Up and Down change lane,
// Enter plays, F goes to the form that flags.

class TimeLine extends HTMLElement {
  connectedCallback() {
    this.from = Number(this.dataset.from);
    this.to = Number(this.dataset.to);
    this.tracks = [...this.querySelectorAll(".track")];
    this.announcer = this.querySelector("[data-announce]");
    this.form = document.getElementById("flag");
    if (!this.tracks.length || !this.form) return;
    this.player = document.querySelector("[data-play]");
    this.player?.addEventListener("click", () => this.play());
    this.lane = 0;
    this.cursor = Math.min(this.to, Math.max(this.from, Date.now() / 1000 > this.to ? this.from : (this.from + this.to) / 2));
    this.format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: this.dataset.zone, year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    });
    this.tabIndex = 0;
    this.setAttribute("role", "application");
    this.setAttribute("aria-label", document.querySelector(".legend .keys")?.textContent ?? "");
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focus", () => this.draw());
    this.addEventListener("blur", () => this.tracks.forEach((track) => track.classList.remove("current")));
    this.tracks.forEach((track, lane) => this.pointer(track, lane));
    this.motion();
  }

  // How much moves, where it has been measured; of more than a day it would say nothing.
  async motion() {
    if (this.to - this.from > 25 * 3600) return;
    for (const track of this.tracks) {
      const utc = (at) => new Date(at * 1000).toISOString();
      const query = new URLSearchParams({ camera: track.dataset.camera, from: utc(this.from), to: utc(this.to) });
      const answer = await fetch(`/timeline/motion?${query}`);
      if (!answer.ok) continue;
      const { motion } = await answer.json();
      if (!motion.some((each) => each)) continue;
      const space = "http://www.w3.org/2000/svg";
      const drawn = document.createElementNS(space, "svg");
      for (const [name, value] of Object.entries({
        x: "0", y: "26%", width: "100%", height: "48%", viewBox: `0 0 ${motion.length} 16`,
        preserveAspectRatio: "none", class: "motion", "aria-hidden": "true",
      })) drawn.setAttribute(name, value);
      const path = document.createElementNS(space, "path");
      // The root shows a person crossing a yard as well as a shop full of them.
      const height = (each) => (each ? 1 + Math.sqrt(each / 255) * 14 : 0).toFixed(1);
      path.setAttribute("d", motion.map((each, at) => (each ? `M${at} 16v-${height(each)}h1v${height(each)}z` : "")).join(""));
      drawn.append(path);
      track.querySelector("svg").append(drawn);
    }
  }

  pointer(track, lane) {
    let start = null;
    let moved = false;
    const at = (event) => {
      const box = track.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      return this.from + share * (this.to - this.from);
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = at(event);
      moved = false;
    });
    track.addEventListener("pointermove", (event) => {
      if (start === null || !(event.buttons & 1)) return;
      const width = track.getBoundingClientRect().width;
      if (!moved && Math.abs(at(event) - start) / (this.to - this.from) * width < 4) return;
      if (!moved) track.setPointerCapture(event.pointerId);
      moved = true;
      this.lane = lane;
      this.choose(start, at(event));
    });
    const done = () => {
      if (moved) {
        this.fill();
        this.focus({ preventScroll: true });
      }
      start = null;
    };
    track.addEventListener("pointerup", done);
    track.addEventListener("pointercancel", done);
    // A drag that ends over a block of footage is no click on it.
    track.addEventListener("click", (event) => {
      if (moved) event.preventDefault();
      moved = false;
    }, true);
    track.addEventListener("dragstart", (event) => event.preventDefault());
  }

  key(event) {
    if (event.target !== this || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (this.to - this.from) / (event.key.startsWith("Page") ? 10 : 120);
    const turn = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key];
    if (turn) {
      const before = this.cursor;
      this.cursor = Math.min(this.to, Math.max(this.from, before + turn * step));
      if (event.shiftKey) {
        this.anchor ??= before;
        this.choose(this.anchor, this.cursor);
        this.fill();
      } else {
        this.anchor = undefined;
      }
      this.draw();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const next = this.lane + (event.key === "ArrowDown" ? 1 : -1);
      this.lane = Math.min(this.tracks.length - 1, Math.max(0, next));
      this.draw();
    } else if (event.key === "Enter") {
      this.play();
    } else if (event.key === "f" || event.key === "F") {
      this.flag();
    } else if (event.key === "Escape") {
      this.chosen = undefined;
      this.anchor = undefined;
      this.querySelectorAll(".chosen").forEach((each) => each.remove());
    } else {
      return;
    }
    event.preventDefault();
  }

  play() {
    const query = new URLSearchParams({ camera: this.tracks[this.lane].dataset.camera });
    const utc = (at) => new Date(at * 1000).toISOString();
    if (this.chosen) {
      query.set("from", utc(Math.min(...this.chosen)));
      query.set("to", utc(Math.max(...this.chosen)));
    } else {
      query.set("at", utc(this.cursor));
    }
    location.href = `${this.chosen ? "/footage/window" : "/timeline/at"}?${query}`;
  }

  choose(one, other) {
    this.chosen = [one, other];
    if (this.player) this.player.hidden = false;
    this.querySelectorAll(".chosen").forEach((each) => each.remove());
    const mark = document.createElement("div");
    mark.className = "chosen";
    const share = (at) => (at - this.from) / (this.to - this.from) * 100;
    mark.style.left = `${share(Math.min(one, other))}%`;
    mark.style.width = `${share(Math.max(one, other)) - share(Math.min(one, other))}%`;
    this.tracks[this.lane].append(mark);
  }

  draw() {
    this.querySelectorAll(".cursor").forEach((each) => each.remove());
    this.tracks.forEach((track, at) => track.classList.toggle("current", at === this.lane));
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    cursor.style.left = `${(this.cursor - this.from) / (this.to - this.from) * 100}%`;
    this.tracks[this.lane].append(cursor);
    this.announcer.textContent = `${this.tracks[this.lane].dataset.camera} ${this.words(this.cursor)}`;
  }

  words(seconds) {
    return this.format.format(new Date(seconds * 1000));
  }

  field(seconds) {
    return this.words(seconds).replace(" ", "T").slice(0, 19);
  }

  fill() {
    const [start, end] = [Math.floor(Math.min(...this.chosen)), Math.ceil(Math.max(...this.chosen))];
    const camera = this.tracks[this.lane].dataset.camera;
    this.form.elements.from.value = this.field(start);
    this.form.elements.to.value = this.field(end);
    this.form.querySelectorAll('input[name="cameras"]').forEach((box) => {
      box.checked = box.value === camera || (box.checked && this.kept);
    });
    this.kept = true;
    this.announcer.textContent = `${camera} ${this.words(start)} – ${this.words(end)}`;
  }

  flag() {
    if (this.chosen) this.fill();
    const title = this.form.elements.title;
    this.form.closest("section").scrollIntoView({ block: "nearest" });
    title.focus();
  }
}

customElements.define("time-line", TimeLine);
