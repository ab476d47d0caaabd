// The map's second half: what mouse, fingers and keys do to it. Follows page-map.js in the same script.

// --- Moving ----------------------------------------------------------------------------------------------

function move(dx, dy) {
  view.x += dx;
  view.y += dy;
  place();
  later();
}

function zoom(factor, x = view.width / 2, y = view.height / 2) {
  const scale = Math.min(Math.max(view.scale * factor, view.fit / 2), view.fit * 400);
  view.x = x - (x - view.x) * (scale / view.scale);
  view.y = y - (y - view.y) * (scale / view.scale);
  view.scale = scale;
  place();
  later();
}

function showAll() {
  const margin = 36;
  view.fit = Math.max(Math.min((view.width - 2 * margin) / data.width, (view.height - 2 * margin) / data.height), 10);
  view.scale = view.fit;
  view.x = (view.width - data.width * view.scale) / 2;
  view.y = (view.height - data.height * view.scale) / 2;
  place();
  later();
}

function goTo(i) {
  view.scale = Math.max(view.scale, view.fit * 3);
  view.x = view.width / 2 - data.x[i] * view.scale;
  view.y = view.height / 2 - data.y[i] * view.scale;
  point(i);
  later();
}

const fingers = new Map();
let travelled = 0;
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  travelled = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const now = [event.offsetX, event.offsetY], before = fingers.get(event.pointerId);
  if (!before) return point(nearest(...now, 14));
  const others = [...fingers].filter(([id]) => id !== event.pointerId);
  if (others.length) {
    const [, fixed] = others[0], span = (a) => Math.hypot(a[0] - fixed[0], a[1] - fixed[1]);
    const middle = (a) => [(a[0] + fixed[0]) / 2, (a[1] + fixed[1]) / 2], [was, is] = [middle(before), middle(now)];
    zoom(span(now) / Math.max(span(before), 1), ...was);
    move(is[0] - was[0], is[1] - was[1]);
    travelled = Infinity;
  } else {
    travelled += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (travelled > 4) canvas.classList.add("dragging");
    move(now[0] - before[0], now[1] - before[1]);
  }
  fingers.set(event.pointerId, now);
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, (event) => {
    if (kind === "pointerup" && travelled < 5) point(nearest(event.offsetX, event.offsetY, event.pointerType === "touch" ? 26 : 14));
    fingers.delete(event.pointerId);
    canvas.classList.remove("dragging");
  });
}
canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") point(-1); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
  zoom(Math.exp(-Math.min(Math.max(pixels, -240), 240) * (event.ctrlKey ? 0.01 : 0.002)), event.offsetX, event.offsetY);
}, { passive: false });

function step(by) {
  const songs = (hits || [...order.keys()]).filter((i) => shown[i]);
  if (songs.length) goTo(songs[(songs.indexOf(pointed) + (pointed < 0 && by < 0 ? 0 : by) + songs.length) % songs.length]);
}
const keys = {
  ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
  "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: showAll, Home: showAll,
  n: () => step(1), p: () => step(-1), Escape: () => point(-1),
};
canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
part("zoom").addEventListener("click", (event) => {
  const way = event.target.dataset.zoom;
  if (way) ({ in: () => zoom(1.5), out: () => zoom(1 / 1.5), all: showAll })[way]();
});

// --- Choosing and finding --------------------------------------------------------------------------------

function filter() {
  const { codes } = groupings[mode], wanted = hits && new Set(hits);
  for (let i = 0; i < count; i++) shown[i] = +((!chosen.size || chosen.has(codes[i])) && (!wanted || wanted.has(i)));
  if (pointed >= 0 && !shown[pointed]) point(-1);
  legend.classList.toggle("filtered", chosen.size > 0);
  for (const button of legend.querySelectorAll("button")) button.setAttribute("aria-pressed", chosen.has(+button.dataset.code));
  everything.hidden = !chosen.size;
  later();
}

function swatch(code, i) {
  if (code < 0) return theme(code === OTHER ? "other" : "unknown");
  return mode === "year" ? groupings.year.swatches[i] : data.palette[code];
}

function setMode(wanted) {
  mode = wanted;
  chosen.clear();
  const { names, counts, codes } = groupings[mode];
  const rows = names.map((name, code) => [code, name, counts[code]]);
  for (const [code, name] of [[OTHER, "other"], [UNKNOWN, "unknown"]]) {
    const size = codes.filter((c) => c === code).length;
    if (size) rows.push([code, name, size]);
  }
  legend.replaceChildren(...rows.map(([code, name, size], i) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const dot = document.createElement("i"), number = document.createElement("span");
    button.type = "button";
    button.dataset.code = code;
    button.title = name;
    dot.style.background = swatch(code, i);
    number.className = "size";
    number.textContent = size.toLocaleString("en");
    button.append(dot, line(name, code < 0 ? "more" : ""), number);
    item.append(button);
    return item;
  }));
  part("ramp").hidden = mode !== "year" || !names.length;
  recolor();
  named = anchors();
  filter();
}

legend.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const code = +button.dataset.code;
  if (!chosen.delete(code)) chosen.add(code);
  filter();
});
everything.addEventListener("click", () => {
  chosen.clear();
  filter();
  legend.querySelector("button").focus();
});
part("by-tags").hidden = !data.tags.names.length;
part("modes").addEventListener("change", (event) => setMode(event.target.value));

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
let texts = null;
search.addEventListener("input", () => {
  texts = texts || data.songs.map((song) => plain(song.filter(Boolean).join(" ")));
  const words = plain(search.value).split(/\s+/).filter(Boolean);
  hits = words.length ? texts.flatMap((text, i) => (words.every((word) => text.includes(word)) ? [i] : [])) : null;
  part("count").textContent = hits ? `${hits.length.toLocaleString("en")} ${hits.length === 1 ? "song" : "songs"}` : "";
  part("found").replaceChildren(...(hits || []).slice(0, 6).map((i) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.append(line(data.songs[i][0], ""), line(data.songs[i][1] || "", "more"));
    button.addEventListener("click", () => goTo(i));
    item.append(button);
    return item;
  }));
  filter();
});

// --- The first look --------------------------------------------------------------------------------------

function resize() {
  const first = !view.width, { width, height } = sheet.getBoundingClientRect();
  const whole = first || view.scale === view.fit;
  Object.assign(view, { width, height, ratio: window.devicePixelRatio || 1 });
  canvas.width = Math.round(width * view.ratio);
  canvas.height = Math.round(height * view.ratio);
  frame = pen.createImageData(Math.max(canvas.width, 1), Math.max(canvas.height, 1));
  pixels = new Uint32Array(frame.data.buffer);
  if (whole) showAll();
  if (colors) draw(); // at once: a canvas that was resized is empty
}

const bar = part("ramp").querySelector("canvas").getContext("2d");
for (let x = 0; x < 256; x++) {
  bar.fillStyle = rampColor(x / 255);
  bar.fillRect(x, 0, 1, 1);
}
part("ramp").querySelectorAll("span").forEach((end, i) => { end.textContent = data.span[i]; });
document.querySelector(`input[value="${data.color}"]`).checked = true;
resize();
setMode(data.color);
new ResizeObserver(resize).observe(sheet);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const kept = [...chosen];
  setMode(mode);
  kept.forEach((code) => chosen.add(code));
  filter();
});
