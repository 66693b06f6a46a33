// What pages do beyond htmx: they leave a person's typing alone, keep open what was opened, say what changed, and draw charts from tables.
"use strict";

(function () {
  const typed = (element) => [...element.querySelectorAll("input[name=reason]")].some((input) => input.value !== "");

  // A part that stays up to date by itself waits while somebody writes a reason in it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (typed(event.detail.elt)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (typed(event.detail.target)) event.detail.shouldSwap = false;
  });

  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    open = [...event.detail.target.querySelectorAll("details[id]")].map((one) => [one.id, one.open]);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const [id, was] of open) {
      const found = document.getElementById(id);
      if (found) found.open = was;
    }
    say(event.detail.target);
  });

  // One line for screen readers instead of whole lists: only where it says something new.
  const told = new Map();
  function say(part) {
    const said = part.querySelector("[data-said]");
    const line = document.getElementById("live");
    if (!said || !line) return;
    const text = said.dataset.said;
    if (told.get(part.id) !== text) line.textContent = text;
    told.set(part.id, text);
  }
  function first() {
    for (const part of document.querySelectorAll("[hx-get]")) {
      const said = part.querySelector("[data-said]");
      if (said) told.set(part.id, said.dataset.said);
    }
    document.querySelectorAll("table[data-chart]").forEach(chart);
  }

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const buttons = event.target.querySelectorAll("button");
    if (event.target.method === "post") setTimeout(() => buttons.forEach((button) => {
      if (!button.disabled) button.disabled = button.dataset.sent = true;
    }));
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("button[data-sent]").forEach((button) => { button.disabled = false; }));

  // A chart of a table: its first column are days, each other one is a line.
  function chart(table) {
    const place = document.getElementById(table.dataset.chart);
    if (!place || !window.uPlot) return;
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const data = names.map((_, column) => rows.map((row) => (column ? Number(row[column]) : Date.parse(row[0] + "T00:00:00Z") / 1000)));
    let plot = null;
    const draw = () => {
      if (plot) plot.destroy();
      const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const tones = { accept: "--good", hold: "--hold", reject: "--bad" };
      const dashes = { accept: [], hold: [6, 4], reject: [2, 3] };
      const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
      const lines = names.slice(1).map((name) => ({
        label: name, stroke: colour(tones[name] || "--link"), width: 2, dash: dashes[name] || [], points: { show: rows.length < 45, size: 6 },
      }));
      const whole = (_, values) => values.map((value) => (Number.isInteger(value) ? value : ""));
      plot = new window.uPlot({
        width: Math.max(260, place.clientWidth - 16), height: 240, tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        scales: { y: { range: (_, low, high) => [0, Math.max(4, high)] } }, cursor: { drag: { x: false, y: false } }, legend: { live: false },
        axes: [axis, { ...axis, size: 40, values: whole }], series: [{ label: "day" }, ...lines],
      }, data, place);
    };
    draw();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    let width = place.clientWidth;
    window.addEventListener("resize", () => { if (place.clientWidth !== width) { width = place.clientWidth; draw(); } });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", first); else first();
})();
