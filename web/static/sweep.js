// While a sweep is under way, its line on the page tells how far it has come.
const line = document.getElementById("under-way");

async function look() {
  const answer = await fetch("/expiry/under-way", { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const text = await answer.text();
  if (!text.trim()) {
    location.reload();
    return;
  }
  if (line.innerHTML.trim() !== text.trim()) line.innerHTML = text;
  setTimeout(look, 3000);
}

if (line) setTimeout(look, 3000);
