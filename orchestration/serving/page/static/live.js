// Replaces the figures when the server says that they have changed.

const shown = () => document.getElementById("figures");
const PAUSE_MS = 1000;
let isWaiting = false;

async function update() {
  isWaiting = false;
  const answer = await fetch(shown().dataset.address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = made.getElementById("figures");
  // Whoever reads a help text or has the focus here must not lose it.
  if (fresh && !shown().contains(document.activeElement) && !shown().querySelector("[open]")) {
    shown().replaceWith(document.adoptNode(fresh));
  }
}

if (shown()) {
  // A browser connects again by itself, and gives up where there is nothing to hear.
  new EventSource(shown().dataset.live).addEventListener("savings_update", () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => update().catch(() => {}), PAUSE_MS);
  });
}
