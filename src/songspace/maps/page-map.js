"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const count = data.x.length;
const part = (id) => document.getElementById(id);
const sheet = part("map"), canvas = sheet.querySelector("canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
const bubble = part("song"), legend = part("legend"), everything = part("everything"), search = part("search");

// What is seen: where the unit square of the map lies on the canvas, what is chosen, what is pointed at.
const view = { scale: 1, x: 0, y: 0, fit: 1, width: 0, height: 0, ratio: 1 };
const chosen = new Set();
const shown = new Uint8Array(count).fill(1);
let mode, colors, pointed = -1, hits = null, waiting = false;

// --- Colours -------------------------------------------------------------------------------------------

const OTHER = -1, UNKNOWN = -2, SHADES = 32;

function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function rampColor(share) {
  const at = Math.min(Math.max(share, 0), 1) * (data.ramp.length - 1), low = Math.min(Math.floor(at), data.ramp.length - 2);
  const mix = [1, 3, 5].map((i) => {
    const [a, b] = [data.ramp[low], data.ramp[low + 1]].map((hex) => parseInt(hex.slice(i, i + 2), 16));
    return Math.round(a + (b - a) * (at - low));
  });
  return `rgb(${mix.join(" ")})`;
}

function decades() {
  const found = new Map();
  data.year.forEach((year) => {
    if (year !== null) found.set(Math.floor(year / 10), (found.get(Math.floor(year / 10)) || 0) + 1);
  });
  const sorted = [...found].sort((a, b) => a[0] - b[0]);
  const row = new Map(sorted.map(([decade], i) => [decade, i]));
  return {
    names: sorted.map(([decade]) => `${decade}0s`),
    counts: sorted.map(([, size]) => size),
    codes: data.year.map((year) => (year === null ? UNKNOWN : row.get(Math.floor(year / 10)))),
    swatches: sorted.map(([decade]) => rampColor(yearShare(decade * 10 + 5))),
  };
}

const yearShare = (year) => (year - data.span[0]) / (data.span[1] - data.span[0]);
const groupings = { genre: data.genre, artist: data.artist, year: decades(), tags: data.tags };

function recolor() {
  const grouping = groupings[mode], grey = { [OTHER]: theme("other"), [UNKNOWN]: theme("unknown") };
  const shades = Array.from({ length: SHADES }, (_, i) => rampColor(i / (SHADES - 1)));
  colors = grouping.codes.map((code, i) => {
    if (code < 0) return grey[code];
    if (mode !== "year") return data.palette[code];
    return shades[Math.round(Math.min(Math.max(yearShare(data.year[i]), 0), 1) * (SHADES - 1))];
  });
}

// --- Drawing -------------------------------------------------------------------------------------------

// Not in the library's order: no album lies on top of all others only because it came last.
const order = Uint32Array.from({ length: count }, (_, i) => i);
for (let i = count - 1, random = 1; i > 0; i--) {
  random = (Math.imul(random, 1103515245) + 12345) >>> 0;
  const j = random % (i + 1);
  [order[i], order[j]] = [order[j], order[i]];
}

const toX = (i) => data.x[i] * view.scale + view.x;
const toY = (i) => data.y[i] * view.scale + view.y;

function radius() {
  const room = Math.min(Math.max(view.width / 800, 0.7), 1);
  const alone = Math.min(Math.max(90 / Math.sqrt(count), 2), 6.5) * room;
  return Math.min(alone * Math.max(view.scale / view.fit, 0.5) ** 0.35, 11);
}

// Dots are written pixel by pixel: some milliseconds for ten thousand, with or without a graphics card, where
// the canvas's own circles take a tenth of a second without one.
let frame, pixels;

function pack(color) {
  pen.fillStyle = color; // reads back as #rrggbb, however it was written
  const [red, green, blue] = [1, 3, 5].map((i) => parseInt(pen.fillStyle.slice(i, i + 2), 16));
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

// `share` of 256 parts of one colour over another: red and blue in one multiplication, green in another.
function blend(under, over, share) {
  const rb = under & 0xff00ff, g = under & 0x00ff00;
  const mixed = ((rb + (((over & 0xff00ff) - rb) * share >>> 8)) & 0xff00ff) | ((g + (((over & 0x00ff00) - g) * share >>> 8)) & 0x00ff00);
  return (0xff000000 | mixed) >>> 0;
}

// The pixels of a dot around its middle: how much of each is dot, and how much is dot or the gap around it.
function dotOf(size) {
  const r = size * view.ratio, gap = size > 2.2 ? Math.min(1, size / 4) * view.ratio : 0, reach = Math.ceil(r + gap);
  const part = (distance, edge) => Math.round(256 * Math.min(Math.max(edge - distance + 0.5, 0), 1));
  const dot = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const distance = Math.hypot(x, y), outer = part(distance, r + gap);
      if (outer) dot.push([x, y, part(distance, r), outer]);
    }
  }
  return dot;
}

function drawDots(wanted, size, colorOf, paper) {
  const dot = dotOf(size), { width, height } = frame;
  for (const i of order) {
    if (!wanted(i)) continue;
    const x = Math.round(toX(i) * view.ratio), y = Math.round(toY(i) * view.ratio), color = colorOf(i);
    if (x < -40 || y < -40 || x > width + 40 || y > height + 40) continue;
    for (const [dx, dy, inner, outer] of dot) {
      const column = x + dx, row = y + dy;
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      const at = row * width + column;
      if (inner === 256) pixels[at] = color;
      else pixels[at] = blend(blend(pixels[at], paper, outer), color, inner);
    }
  }
}

function ring(i, size, color) {
  pen.beginPath();
  pen.arc(toX(i), toY(i), size, 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.strokeStyle = color;
  pen.stroke();
}

function draw() {
  waiting = false;
  const size = Math.round(radius() * 4) / 4, paper = pack(theme("sheet"));
  const faded = blend(paper, pack(theme("unknown")), 110), packed = new Map();
  for (const color of new Set(colors)) packed.set(color, pack(color));
  pixels.fill(paper);
  const { codes } = groupings[mode], full = hits ? size + 1.5 : size, colorOf = (i) => packed.get(colors[i]);
  drawDots((i) => !shown[i], Math.max(size * 0.8, 1.5), () => faded, paper);
  drawDots((i) => shown[i] && codes[i] < 0, full, colorOf, paper);
  drawDots((i) => shown[i] && codes[i] >= 0, full, colorOf, paper);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.putImageData(frame, 0, 0);
  pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  if (hits && hits.length <= 30) for (const i of hits) if (shown[i]) ring(i, size + 4, theme("ink"));
  if (!hits) drawNames(size);
  if (pointed >= 0) ring(pointed, size + 3, theme("accent"));
}

function later() {
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(draw);
  }
}

// The song of each large category that lies nearest its median is where its name is written.
function anchors() {
  const { codes, counts } = groupings[mode];
  if (mode === "year") return [];
  return counts.flatMap((size, code) => {
    if (size < Math.max(3, 0.02 * count)) return [];
    const members = [];
    codes.forEach((c, i) => { if (c === code) members.push(i); });
    const median = (values) => members.map((i) => values[i]).sort((a, b) => a - b)[members.length >> 1];
    const x = median(data.x), y = median(data.y);
    const away = (i) => (data.x[i] - x) ** 2 + (data.y[i] - y) ** 2;
    return [{ code, song: members.reduce((best, i) => (away(i) < away(best) ? i : best)) }];
  });
}
let named = [];

function drawNames(size) {
  const taken = [];
  pen.font = '600 14px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const { code, song } of named) {
    if (chosen.size && !chosen.has(code)) continue;
    const full = groupings[mode].names[code], name = full.length > 28 ? `${full.slice(0, 27)}…` : full;
    const half = pen.measureText(name).width / 2 + 4, x = toX(song);
    let best = null;
    for (const lift of [-1, 1, 0, -2, 2]) {
      const y = toY(song) + lift * (size + 12);
      const box = [x - half, y - 10, x + half, y + 10];
      const free = taken.every((o) => box[2] < o[0] || o[2] < box[0] || box[3] < o[1] || o[3] < box[1]);
      if (!free || box[0] < 0 || box[1] < 0 || box[2] > view.width || box[3] > view.height) continue;
      const hidden = [0.9, 0.45, 0, -0.45, -0.9].filter((share) => nearest(x + share * half, y, size + 7) >= 0).length;
      if (!best || hidden < best.hidden) best = { y, box, hidden };
    }
    if (!best) continue;
    taken.push(best.box);
    pen.lineWidth = 4;
    pen.strokeStyle = theme("sheet");
    pen.globalAlpha = 0.9;
    pen.strokeText(name, x, best.y);
    pen.globalAlpha = 1;
    pen.fillStyle = theme("ink");
    pen.fillText(name, x, best.y);
  }
}

// --- Which song is here? A grid over the map, so that only a few are asked. ------------------------------

const side = Math.max(1, Math.ceil(Math.sqrt(count / 2)));
const cell = (value) => Math.min(Math.max(Math.floor(value * side), 0), side - 1);
const cells = Array.from({ length: side * side }, () => []);
for (let i = 0; i < count; i++) cells[cell(data.y[i]) * side + cell(data.x[i])].push(i);

function nearest(x, y, reach) {
  const [u, v, r] = [(x - view.x) / view.scale, (y - view.y) / view.scale, reach / view.scale];
  let best = -1, least = r * r;
  for (let row = cell(v - r); row <= cell(v + r); row++) {
    for (let column = cell(u - r); column <= cell(u + r); column++) {
      for (const i of cells[row * side + column]) {
        const away = (data.x[i] - u) ** 2 + (data.y[i] - v) ** 2;
        if (shown[i] && away <= least) [best, least] = [i, away];
      }
    }
  }
  return best;
}

// Names from tags are only ever text, and may run in either direction.
function line(text, kind) {
  const element = document.createElement("bdi");
  element.textContent = text;
  element.className = kind;
  return element;
}

function point(i) {
  if (i === pointed && !bubble.hidden) return place();
  pointed = i;
  bubble.hidden = i < 0;
  canvas.classList.toggle("pointing", i >= 0);
  if (i >= 0) {
    const [title, artist, album, genre] = data.songs[i];
    const more = [album, data.year[i], genre].filter((text) => text !== null && text !== "").join(" · ");
    const lines = [line(title, "title")];
    if (artist) lines.push(line(artist, "artist"));
    if (more) lines.push(line(more, "more"));
    bubble.replaceChildren(...lines);
    place();
  }
  later();
}

function place() {
  if (pointed < 0) return;
  const x = toX(pointed), y = toY(pointed), { offsetWidth: width, offsetHeight: height } = bubble;
  const left = x + 14 + width > view.width ? x - 14 - width : x + 14;
  const top = y + 14 + height > view.height ? y - 14 - height : y + 14;
  bubble.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(top, 4)}px)`;
}
