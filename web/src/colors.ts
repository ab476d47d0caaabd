// What colours mean: the twelve largest categories, or years along a ramp. The palette is songspace.drawing's, told apart
// by colour-blind eyes; the ramp is viridis.

import type { ColumnName } from "./api";
import type { Songs } from "./songs";

export type Mode = "genre" | "artist" | "album" | "year";
export type Rgb = [number, number, number];

const PALETTE = ["#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e", "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd"];
const RAMP = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const OTHER = { light: "#9aa1ac", dark: "#767e8a" }, UNKNOWN = { light: "#c6ccd4", dark: "#4a515b" };

export interface Entry {
  name: string;
  count: number;
  color: string;
}

/** The groups of one colouring: which group each song is in, and what the legend says of them. */
export interface Grouping {
  mode: Mode;
  entries: Entry[];
  group: Int32Array;
  colorOf(row: number): Rgb;
}

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) as Rgb;
}

function along(share: number): Rgb {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  const [a, b] = [rgb(RAMP[low]!), rgb(RAMP[low + 1]!)];
  return a.map((value, i) => Math.round(value + (b[i]! - value) * (at - low))) as Rgb;
}

const hex = (color: Rgb): string => `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

export function grouping(songs: Songs, mode: Mode, dark: boolean): Grouping {
  return mode === "year" ? byYear(songs, dark) : byCategory(songs, mode, dark);
}

function byCategory(songs: Songs, mode: ColumnName & Mode, dark: boolean): Grouping {
  const { values, codes } = songs.columns[mode] ?? { values: [], codes: [] };
  const named = Math.min(values.length, PALETTE.length), other = named, unknown = named + 1;
  const group = new Int32Array(songs.count), counts = new Array<number>(named + 2).fill(0);
  for (let row = 0; row < songs.count; row++) {
    const code = codes[row] ?? -1;
    group[row] = code < 0 ? unknown : code < named ? code : other;
    counts[group[row]!]!++;
  }
  const entries = values.slice(0, named).map((value, code) => ({ name: String(value), count: counts[code]!, color: PALETTE[code]! }));
  entries.push({ name: `${(values.length - named).toLocaleString()} others`, count: counts[other]!, color: dark ? OTHER.dark : OTHER.light });
  entries.push({ name: "Unknown", count: counts[unknown]!, color: dark ? UNKNOWN.dark : UNKNOWN.light });
  const colors = entries.map((entry) => rgb(entry.color));
  return { mode, entries, group, colorOf: (row) => colors[group[row]!]! };
}

function byYear(songs: Songs, dark: boolean): Grouping {
  const { values, codes } = songs.columns.year ?? { values: [], codes: [] };
  const years = codes.map((code) => (code < 0 ? NaN : Number(values[code])));
  const sorted = years.filter((year) => !Number.isNaN(year)).sort((a, b) => a - b);
  // A slip in one tag must not squeeze all others into one colour: the scale goes from the first to the last percent.
  const first = sorted[Math.floor(sorted.length * 0.01)] ?? 0, last = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 1;
  const share = (year: number): number => (year - first) / Math.max(last - first, 1);
  const decades = [...new Set(sorted.map((year) => Math.floor(year / 10)))];
  const groupOf = new Map(decades.map((decade, i) => [decade, i]));
  const group = new Int32Array(songs.count), counts = new Array<number>(decades.length + 1).fill(0);
  years.forEach((year, row) => {
    group[row] = Number.isNaN(year) ? decades.length : groupOf.get(Math.floor(year / 10))!;
    counts[group[row]!]!++;
  });
  const unknown = dark ? UNKNOWN.dark : UNKNOWN.light;
  const entries = decades.map((decade, i) => ({ name: `${decade}0s`, count: counts[i]!, color: hex(along(share(decade * 10 + 5))) }));
  entries.push({ name: "Unknown", count: counts[decades.length]!, color: unknown });
  return { mode: "year", entries, group, colorOf: (row) => (Number.isNaN(years[row]!) ? rgb(unknown) : along(share(years[row]!))) };
}
