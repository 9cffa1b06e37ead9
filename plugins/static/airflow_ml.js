// What the pages do in a browser; each is complete without it.
"use strict";

(() => {
  const root = document.documentElement;

  // Airflow's page, if this one is a tab of it; a frame of another site would not be allowed.
  const host = (() => {
    try {
      return window.parent !== window ? window.parent.document : null;
    } catch {
      return null;
    }
  })();

  // ---- Airflow's colours: its page says which, and else its setting in this browser.
  const theme = () => {
    const shown = host && ["dark", "light"].find((name) => host.documentElement.classList.contains(name));
    const chosen = localStorage.getItem("theme");
    return shown || (["dark", "light"].includes(chosen) ? chosen : null);
  };
  const applyTheme = () => {
    const name = theme();
    if (name && root.dataset.theme !== name) {
      root.dataset.theme = name;
      drawCharts(true);
    }
  };

  // ---- Links to Airflow's own pages: inside a frame they would show Airflow in Airflow.
  const followInHost = (event) => {
    const link = event.target.closest("a[data-airflow]");
    if (!link || !host || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const outer = host.createElement("a");
    outer.href = link.href;
    host.body.append(outer);
    outer.click();
    outer.remove();
  };

  // ---- Charts.
  const LINES = ["#2563eb", "#dc2626", "#16a34a", "#9333ea", "#d97706", "#0891b2", "#db2777", "#65a30d", "#7c3aed", "#64748b"];
  const drawn = new Map();

  const drawChart = (place) => {
    const data = JSON.parse(place.dataset.chart);
    const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const options = {
      width: Math.max(place.clientWidth, 240),
      height: 210,
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 64 }],
      series: [
        { label: "at" },
        ...data.series.map((line, index) => ({
          label: line.label,
          stroke: LINES[index % LINES.length],
          width: 1.6,
          spanGaps: true,
          points: { show: data.x.length < 40 },
        })),
      ],
    };
    return new uPlot(options, [data.x, ...data.series.map((line) => line.values)], place);
  };

  const drawCharts = (anew = false) => {
    if (typeof uPlot === "undefined") return;
    for (const [place, chart] of drawn) {
      if (anew || !place.isConnected) {
        chart.destroy();
        drawn.delete(place);
      }
    }
    for (const place of document.querySelectorAll(".chart[data-chart]")) {
      if (!drawn.has(place)) drawn.set(place, drawChart(place));
    }
  };

  const fitCharts = () => {
    for (const [place, chart] of drawn) chart.setSize({ width: Math.max(place.clientWidth, 240), height: 210 });
  };

  // ---- Live pages: asked for again while something goes on; what has changed is put in its place.
  let pause = 2000;

  const refresh = async () => {
    const live = document.querySelector("main[data-live]");
    if (!live) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
        // A login page instead of this one: whoever reads must log in again.
        if (answer.ok && !answer.redirected) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
        pause = answer.ok ? 2000 : Math.min(pause * 2, 60000);
      } catch {
        pause = Math.min(pause * 2, 60000);
      }
    }
    setTimeout(refresh, pause);
  };

  const show = (fresh) => {
    const main = document.querySelector("main");
    const next = fresh.querySelector("main");
    if (!next) return;
    for (const part of next.querySelectorAll("[data-part]")) {
      const old = main.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
      if (old && isSame(old, part)) continue;
      if (old) replace(old, part);
      else return adopt(main, next); // a part that was not there: the whole page is another one
    }
    if (!next.hasAttribute("data-live")) main.removeAttribute("data-live");
    drawCharts();
  };

  const told = new WeakMap();
  const isSame = (old, part) => (told.get(old) ?? old.outerHTML) === part.outerHTML;

  const replace = (old, part) => {
    const focused = old.contains(document.activeElement) ? address(document.activeElement) : null;
    const scrolled = old.querySelector(".tail, .wide");
    const at = scrolled && [scrolled.scrollTop, scrolled.scrollLeft];
    const fresh = document.importNode(part, true);
    told.set(fresh, part.outerHTML);
    old.replaceWith(fresh);
    const scrolls = fresh.querySelector(".tail, .wide");
    if (at && scrolls) [scrolls.scrollTop, scrolls.scrollLeft] = at;
    if (focused) [...fresh.querySelectorAll("a")].find((link) => address(link) === focused)?.focus();
  };

  const address = (element) => element.getAttribute("href");

  const adopt = (main, next) => {
    const fresh = document.importNode(next, true);
    main.replaceWith(fresh);
    drawCharts();
  };

  // ---- Buttons that start something. JSON, because a page of another site cannot send it.
  const post = async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button) return;
    button.disabled = true;
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const answer = await fetch(button.dataset.post, { method: "POST", headers, body: "{}", credentials: "same-origin" });
    if (answer.ok) return location.reload();
    const said = await answer.json().catch(() => ({}));
    button.disabled = false;
    const note = document.createElement("p");
    note.className = "note";
    note.setAttribute("role", "alert");
    note.textContent = said.detail || said.error?.message || `refused (${answer.status})`;
    button.closest("section").append(note);
  };

  // ---- Comparing: the button says how many runs are ticked.
  const countTicks = () => {
    const button = document.querySelector("button[data-compare]");
    if (!button) return;
    const count = document.querySelectorAll('input[name="runs"]:checked').length;
    button.disabled = count < 2 || count > 10;
    button.textContent = count ? `Compare ${count} runs` : "Compare";
  };

  root.classList.toggle("framed", host !== null);
  applyTheme();
  if (host) new MutationObserver(applyTheme).observe(host.documentElement, { attributes: true, attributeFilter: ["class"] });
  addEventListener("storage", applyTheme);
  addEventListener("resize", fitCharts);
  document.addEventListener("click", followInHost);
  document.addEventListener("click", post);
  document.addEventListener("change", countTicks);
  document.addEventListener("DOMContentLoaded", () => {
    // What scripts add to a part must not count as a change of it.
    for (const part of document.querySelectorAll("[data-part]")) told.set(part, part.outerHTML);
    drawCharts();
    countTicks();
    setTimeout(refresh, pause);
  });
})();
