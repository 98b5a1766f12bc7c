// Counts down to when the person on duty may hand over alone, and looks whether somebody answered.

const EVERY_MS = 4000;
const waiting = document.querySelector("[data-waiting]");

if (waiting) {
  const clock = waiting.querySelector("[data-clock]");
  let left = Number(waiting.dataset.left);
  let since = performance.now();

  const show = () => {
    const seconds = Math.max(0, Math.ceil(left - (performance.now() - since) / 1000));
    const rest = String(seconds % 60).padStart(2, "0");
    if (clock) clock.textContent = `${Math.floor(seconds / 60)}:${rest}`;
  };

  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.waiting, { redirect: "error" });
      const now = await answer.json();
      if (now.state !== waiting.dataset.state || (left > 0 && now.left === 0)) {
        location.reload();
        return;
      }
      left = now.left;
      since = performance.now();
    } catch {
      // The network is away for a moment: the countdown goes on, and the next look tells.
    }
  };

  show();
  setInterval(show, 1000);
  setInterval(look, EVERY_MS);
}
