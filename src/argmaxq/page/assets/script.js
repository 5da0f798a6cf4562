"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const shown = (value, digits = 4) => value == null ? "–" : Number(Number(value).toPrecision(digits)).toLocaleString("en-US", { maximumSignificantDigits: digits });
  const root = document.documentElement, tip = document.getElementById("tip");

  // What the reader chose outlives a reload of a page that follows a training.
  const kept = Object.assign({}, history.state);
  const keep = (name, value) => { kept[name] = value; try { history.replaceState(kept, ""); } catch { /* a page in a frame has no history */ } };
  if (kept.theme) root.dataset.theme = kept.theme;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("theme", root.dataset.theme);
  });

  for (const button of all(".copy")) button.addEventListener("click", async () => {
    const text = button.dataset.copy, said = button.textContent;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 1200);
  });

  // Charts: the pointer tells the values at the nearest step.
  const nearest = (values, x) => {
    let low = 0, high = values.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (values[middle] <= x) low = middle; else high = middle; }
    return Math.abs(values[low] - x) <= Math.abs(values[high] - x) ? low : high;
  };
  const place = (svg, x) => {
    const { left, right, low, high } = svg.dataset, at = +left + (x - low) / (high - low) * (right - left);
    const line = svg.querySelector(".cursor");
    line.setAttribute("x1", at); line.setAttribute("x2", at);
  };
  const under = (svg, event) => {
    const box = svg.getBoundingClientRect(), { left, right, low, high } = svg.dataset;
    const at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    return Math.min(Math.max(+low + (at - left) / (right - left) * (high - low), +low), +high);
  };
  const tell = (lines, event) => {
    tip.replaceChildren(...lines.map(([name, text], k) => {
      const line = document.createElement("div"), value = document.createElement("b");
      value.textContent = text; line.append(k ? `${name} ` : "", value); return line;
    }));
    tip.hidden = false;
    const width = tip.offsetWidth, x = event.clientX + 14 + width > innerWidth ? event.clientX - width - 14 : event.clientX + 14;
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 12)}px`;
  };
  for (const chart of all(".chart")) {
    const data = JSON.parse(chart.querySelector("script").textContent);
    for (const svg of all("svg", chart)) {
      svg.addEventListener("pointermove", (event) => {
        const x = under(svg, event);
        const found = data.series.filter((each) => each.x.length).map((each) => [each, nearest(each.x, x)]);
        if (!found.length) return;
        const near = found.map(([each, k]) => each.x[k]).reduce((a, b) => Math.abs(a - x) <= Math.abs(b - x) ? a : b);
        if (!chart.classList.contains("forecast")) { chart.classList.add("pointed"); place(svg, near); }
        tell([["", `${data.at} ${data.names ? data.names[near] : shown(near, 6)}`], ...found.map(([each, k]) => [each.n,
          shown(each.y[k]) + (each.lo ? ` [${shown(each.lo[k])}, ${shown(each.hi[k])}]` : "")])], event);
      });
      svg.addEventListener("pointerleave", () => { tip.hidden = true; chart.classList.remove("pointed"); });
    }
  }

  // The episode: one function shows one step.
  const explorer = document.querySelector(".explorer");
  if (explorer) {
    const data = JSON.parse(explorer.querySelector("script.episode").textContent), steps = data.n;
    const bytes = data.bins && Uint8Array.from(atob(data.bins.p), (letter) => letter.charCodeAt(0));
    const rows = all(".action", explorer).map((row) => ({
      row, column: +row.dataset.column, number: row.querySelector(".number"), fill: row.querySelector(".fill"),
      shape: row.querySelector(".histogram path"), mean: row.querySelector(".histogram line"),
      ranges: all(".parameter", row).map((own) => ({ own, column: +own.dataset.parameter, low: +own.dataset.low, high: +own.dataset.high, knob: own.querySelector(".knob"), number: own.querySelector(".pnumber") })),
    }));
    const totals = data.r.reduce((sums, reward) => { sums.push((sums.length ? sums[sums.length - 1] : 0) + (reward ?? 0)); return sums; }, []);
    const slider = explorer.querySelector("input"), play = explorer.querySelector(".play"), charts = all(".forecast svg", explorer);
    const read = Object.fromEntries(["step", "action", "reward", "total", "worth", "following"].map((name) => [name, explorer.querySelector(`.r-${name}`)]));
    const entries = all(".entries dd", explorer), modes = explorer.querySelector(".modes");
    const put = (name, text) => { if (read[name]) read[name].textContent = text; };
    const image = explorer.querySelector(".screen img"), pictures = [];
    let canvas = null, ink = null, now = 0;
    if (image && data.frames.length) {
      canvas = document.createElement("canvas");
      canvas.width = image.width; canvas.height = image.height;
      canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", image.alt);
      ink = canvas.getContext("2d");
      ink.drawImage(image, 0, 0, canvas.width, canvas.height);
      image.replaceWith(canvas);
      data.frames.forEach((frame, k) => {
        const picture = new Image();
        picture.onload = () => { if (k === now) draw(); picture.decode().then(() => createImageBitmap(picture)).then((bitmap) => { pictures[k] = bitmap; }, () => {}); };
        picture.src = `data:image/webp;base64,${frame}`;
        pictures.push(picture);
      });
    }
    const draw = () => { const picture = pictures[now]; if (picture && picture.complete !== false) ink.drawImage(picture, 0, 0, canvas.width, canvas.height); };
    const best = (data.q || []).map((each) => Math.max(...each.filter((value) => value != null)));
    const widest = Math.max(...best.map((top, k) => top - Math.min(...data.q[k].filter((value) => value != null))), 1e-9);
    let behind = false;
    const bar = (entry, value) => {
      const gap = value == null ? 0 : value - best[now];
      entry.number.textContent = value == null ? "not allowed" : shown(value) + (gap < 0 ? `  (${shown(gap)})` : "");
      if (behind) {
        entry.fill.setAttribute("x", 0);
        entry.fill.setAttribute("width", value == null ? 0 : 200 * (1 + gap / widest));
        return;
      }
      const [low, high] = data.range, zero = Math.min(Math.max(0, low), high), at = (v) => (v - low) / (high - low) * 200;
      entry.fill.setAttribute("x", value == null ? 0 : Math.min(at(value), at(zero)));
      entry.fill.setAttribute("width", value == null ? 0 : Math.max(Math.abs(at(value) - at(zero)), 1));
    };
    const histogram = (entry, k, step, value) => {
      const { count, low, high } = data.bins, from = (step * rows.length + k) * count, wide = 200 / count;
      let shape = "";
      for (let i = 0; i < count; i++) { const tall = 40 * bytes[from + i] / 255; if (tall > .1) shape += `M${(i * wide).toFixed(1)} 40v${(-tall).toFixed(1)}h${(wide * .9).toFixed(1)}V40Z`; }
      entry.shape.setAttribute("d", shape);
      const at = value == null ? -9 : (value - low) / (high - low) * 200;
      entry.mean.setAttribute("x1", at); entry.mean.setAttribute("x2", at);
    };
    const show = (step) => {
      now = Math.min(Math.max(step, 0), steps - 1);
      const taken = [data.a[now]].flat();
      rows.forEach((entry, k) => {
        const own = taken.includes(entry.column);
        entry.row.classList.toggle("taken", own);
        if (entry.number && data.q) bar(entry, data.q[now][k]);
        if (entry.shape) histogram(entry, k, now, data.q ? data.q[now][k] : null);
        for (const range of entry.ranges) {
          const value = data.p[now][range.column];
          range.knob.setAttribute("x", (value - range.low) / ((range.high - range.low) || 1) * 196);
          range.number.textContent = shown(value);
        }
      });
      entries.forEach((each, k) => { each.textContent = shown(data.o[now][k]); });
      put("step", `${now} of ${steps - 1}`);
      put("action", taken.map((each) => data.names[each] ?? each).join(", "));
      put("reward", shown(data.r[now])); put("total", shown(totals[now]));
      put("worth", shown(data.w && data.w[now])); put("following", shown(data.g && data.g[now]));
      slider.value = now;
      for (const svg of charts) place(svg, now);
      if (ink) draw();
    };
    let due = null;
    const later = (step) => { // at most once a frame, whatever the pointer does
      if (due === null) requestAnimationFrame(() => { const next = due; due = null; show(next); });
      due = step;
    };
    let timer = 0;
    const stop = () => { clearInterval(timer); timer = 0; play.textContent = "▶"; };
    const start = () => { if (now >= steps - 1) show(0); play.textContent = "❚❚"; timer = setInterval(() => { if (now >= steps - 1) stop(); else show(now + 1); }, 1000 / 30); };
    const toggle = () => timer ? stop() : start();
    const jump = (step) => { stop(); later(step); keep("step", Math.min(Math.max(step, 0), steps - 1)); };
    slider.addEventListener("input", () => jump(+slider.value));
    play.addEventListener("click", toggle);
    explorer.querySelector(".back").addEventListener("click", () => jump(now - 1));
    explorer.querySelector(".on").addEventListener("click", () => jump(now + 1));
    const keys = { ArrowLeft: () => now - 1, ArrowRight: () => now + 1, PageDown: () => now + 10, PageUp: () => now - 10, Home: () => 0, End: () => steps - 1 };
    explorer.addEventListener("keydown", (event) => {
      if (event.target.type === "radio") return;
      if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); toggle(); }
      else if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); jump(keys[event.key]()); }
    });
    const drag = (target, at) => {
      target.style.touchAction = "pan-y";
      target.addEventListener("pointerdown", (event) => { target.setPointerCapture(event.pointerId); jump(at(event)); });
      target.addEventListener("pointermove", (event) => { if (target.hasPointerCapture(event.pointerId)) jump(at(event)); });
    };
    for (const svg of charts) drag(svg, (event) => Math.round(under(svg, event)));
    if (canvas) drag(canvas, (event) => { const box = canvas.getBoundingClientRect(); return Math.round((event.clientX - box.left) / box.width * (steps - 1)); });
    explorer.querySelector(".controls").hidden = false;
    if (modes) { modes.hidden = false; modes.addEventListener("change", (event) => { behind = event.target.value === "behind"; show(now); }); }
    show(kept.step || 0);
    // Steps shown between two frames, which nobody sees: what a first step would wait for (compilation, styles) is then done.
    (window.requestIdleCallback || setTimeout)(() => { const at = now; for (let k = 0; k < 30; k++) show((at + k) % steps); show(at); });
    window.argmaxqShow = show;
  }

  addEventListener("beforeprint", () => { for (const each of all("details")) each.open = true; });
  if (document.body.dataset.live) setTimeout(() => location.reload(), 1000 * document.body.dataset.live);
})();
