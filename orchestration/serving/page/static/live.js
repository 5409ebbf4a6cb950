// Replaces the figures when the server says that they have changed.

const shown = () => document.getElementById("figures");
const PAUSE_MS = 1000;
let isWaiting = false;
let notBefore = 0;

async function update() {
  isWaiting = false;
  notBefore = Date.now() + PAUSE_MS;
  const answer = await fetch(shown().dataset.address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = made.getElementById("figures");
  // Whoever reads a help text or has the focus here must not lose it.
  if (fresh && !shown().contains(document.activeElement) && !shown().querySelector("[open]")) {
    shown().replaceWith(document.adoptNode(fresh));
  }
}

let stream = null;

function soon() {
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(() => update().catch(() => {}), Math.max(0, notBefore - Date.now()));
}

// A browser has six connections to a host, and a page keeps its own even when it was left: only
// the one that somebody looks at listens. What happened meanwhile it asks for when it is back.
function listen() {
  const isSeen = document.visibilityState === "visible";
  if (isSeen && !stream) {
    // A browser connects again by itself, and gives up where there is nothing to hear.
    stream = new EventSource(shown().dataset.live);
    stream.addEventListener("savings_update", soon);
  } else if (!isSeen && stream) {
    stream.close();
    stream = null;
  }
}

if (shown()) {
  listen();
  document.addEventListener("visibilitychange", () => {
    listen();
    if (stream) soon();
  });
}
