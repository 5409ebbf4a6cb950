// Draws the charts again so that they answer to the pointer, once one of them is in sight.

const charts = document.getElementById("charts");

async function draw() {
  const [{ vegaEmbed }, answer] = await Promise.all([
    import(charts.dataset.bundle),
    fetch(charts.dataset.specs),
  ]);
  if (!answer.ok) return;
  const specs = await answer.json();
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const spec = { ...specs[figure.dataset.chart], width: "container" };
    const place = document.createElement("div");
    place.className = "drawing";
    figure.append(place);
    await vegaEmbed(place, spec, {
      actions: false,
      ast: true, // The policy allows no code made of text.
      defaultStyle: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    figure.querySelector(":scope > svg")?.remove();
    place.classList.remove("drawing");
  }
}

if (charts?.querySelector("[data-chart]") && "IntersectionObserver" in window) {
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    // What the server drew stays where this fails.
    (window.requestIdleCallback ?? setTimeout)(() => draw().catch(() => {}));
  });
  for (const figure of charts.querySelectorAll("[data-chart]")) watcher.observe(figure);
}
