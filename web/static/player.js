// The player: the exact time of what is shown, frame steps, speed, full screen with the viewer's
// name still across the picture, on to the camera's next recording, and the picture shown chosen for
// a request.

class FootagePlayer extends HTMLElement {
  connectedCallback() {
    this.video = this.querySelector("video");
    this.shown = this.querySelector("[data-shown]");
    const format = (zone, options) => new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", ...options,
    });
    this.time = format(this.dataset.zone, { fractionalSecondDigits: 1, timeZoneName: "short" });
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
      const way = { b: "prev", n: "next" }[event.key.toLowerCase()];
      const link = way && document.querySelector(`.controls a[rel="${way}"]`);
      if (link) location.href = link.href;
    });
    if (!this.video) return;
    const controls = this.parentElement.querySelector("[data-controls]");
    controls.hidden = false;
    controls.querySelectorAll("[data-step]").forEach((button) => {
      button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    });
    controls.querySelector("[data-speed]").addEventListener("change", (event) => {
      this.video.playbackRate = Number(event.target.value);
    });
    controls.querySelector("[data-full]").addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.requestFullscreen();
    });
    const choose = this.parentElement.querySelector("[data-choose]");
    if (choose) {
      choose.hidden = false;
      choose.addEventListener("submit", () => {
        choose.elements.at.value = new Date(this.moment() * 1000).toISOString();
      });
    }
    const strip = this.parentElement.querySelector("[data-strip]");
    if (strip) {
      const reveal = () => { strip.hidden = strip.naturalWidth === 0; };
      strip.addEventListener("load", reveal);
      if (strip.complete) reveal();
      strip.addEventListener("click", (event) => {
        const box = strip.getBoundingClientRect();
        this.video.currentTime = (event.clientX - box.left) / box.width * this.video.duration;
      });
    }
    const begin = () => {
      const at = Number(this.dataset.at);
      if (at > 0 && at < this.video.duration) this.video.currentTime = at;
    };
    // A film that was quicker than this script has told its length already.
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) begin();
    else this.video.addEventListener("loadedmetadata", begin, { once: true });
    for (const name of ["timeupdate", "seeked", "loadeddata"]) {
      this.video.addEventListener(name, () => this.show());
    }
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea, select")) return;
      if (event.key === ",") this.step(-1);
      else if (event.key === ".") this.step(1);
    });
  }

  step(frames) {
    this.video.pause();
    this.video.currentTime += frames / (Number(this.dataset.fps) || 25);
  }

  moment() {
    return Number(this.dataset.start) + this.video.currentTime;
  }

  show() {
    this.shown.textContent = this.time.format(new Date(this.moment() * 1000));
  }
}

customElements.define("footage-player", FootagePlayer);
