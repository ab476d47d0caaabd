// What colours mean: the twelve largest categories, or years and scores along a ramp. The palette is songspace.drawing's,
// told apart by colour-blind eyes; the ramp is viridis.

import type { ColumnName } from "./api";
import type { Songs } from "./songs";

export type Mode = Exclude<ColumnName, "title">;
export type Rgb = [number, number, number];

export const PALETTE = ["#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e", "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd"];
const RAMP = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const OTHER = { light: "#9aa1ac", dark: "#767e8a" }, UNKNOWN = { light: "#c6ccd4", dark: "#4a515b" };

/** What a colouring by sound shows, in words for the legend. */
export const MEANING: Partial<Record<Mode, string>> = {
  group: "Groups that sound alike, found without looking at any tag.",
  isolation: "How far the tenth nearest song is: dark, in a crowd; bright, on its own.",
  hubness: "Among the ten nearest of how many songs: bright comes up often, dark hardly ever.",
};

export interface Entry {
  key: string; // the same in every colouring of this kind
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

/** A value that is not among the largest, and is shown with a colour of its own all the same. */
export interface Extra {
  code: number;
  color: string;
}

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) as Rgb;
}

/** A colour of the ramp, without the end that is hardly told from the paper. */
function along(share: number, dark: boolean): Rgb {
  const kept = Math.min(Math.max(share, 0), 1) * 0.85 + (dark ? 0.15 : 0), at = kept * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  const [a, b] = [rgb(RAMP[low]!), rgb(RAMP[low + 1]!)];
  return a.map((value, i) => Math.round(value + (b[i]! - value) * (at - low))) as Rgb;
}

const hex = (color: Rgb): string => `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

export function grouping(songs: Songs, mode: Mode, dark: boolean, extras: Extra[] = []): Grouping {
  if (mode === "year") return byYear(songs, dark);
  if (mode === "isolation" || mode === "hubness") return byScore(songs, mode, dark);
  return byCategory(songs, mode, dark, extras);
}

function byCategory(songs: Songs, mode: Mode, dark: boolean, extras: Extra[]): Grouping {
  const { values, codes } = songs.columns[mode] ?? { values: [], codes: [] };
  const largest = PALETTE.slice(0, values.length).map((color, code): Extra => ({ code, color }));
  const named = [...largest, ...extras], other = named.length, unknown = other + 1;
  const groupOf = new Map(named.map(({ code }, i) => [code, i]));
  const group = new Int32Array(songs.count), counts = new Array<number>(unknown + 1).fill(0);
  for (let row = 0; row < songs.count; row++) {
    const code = codes[row] ?? -1;
    group[row] = code < 0 ? unknown : (groupOf.get(code) ?? other);
    counts[group[row]!]!++;
  }
  const entries = named.map(({ code, color }, i): Entry => ({ key: `value ${code}`, name: String(values[code]), count: counts[i]!, color }));
  entries.push({ key: "others", name: `${(values.length - named.length).toLocaleString()} others`, count: counts[other]!, color: dark ? OTHER.dark : OTHER.light });
  entries.push({ key: "unknown", name: "Unknown", count: counts[unknown]!, color: dark ? UNKNOWN.dark : UNKNOWN.light });
  const colors = entries.map((entry) => rgb(entry.color));
  return { mode, entries, group, colorOf: (row) => colors[group[row]!]! };
}

/** A column of numbers; NaN where a song has none. */
function numbers(songs: Songs, mode: Mode): number[] {
  const { values, codes } = songs.columns[mode] ?? { values: [], codes: [] };
  return Array.from({ length: songs.count }, (_, row) => ((codes[row] ?? -1) < 0 ? NaN : Number(values[codes[row]!])));
}

function byYear(songs: Songs, dark: boolean): Grouping {
  const years = numbers(songs, "year");
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
  const entries = decades.map((decade, i): Entry => ({ key: `${decade}0s`, name: `${decade}0s`, count: counts[i]!, color: hex(along(share(decade * 10 + 5), dark)) }));
  entries.push({ key: "unknown", name: "Unknown", count: counts[decades.length]!, color: unknown });
  return { mode: "year", entries, group, colorOf: (row) => (Number.isNaN(years[row]!) ? rgb(unknown) : along(share(years[row]!), dark)) };
}

/** A score in steps, each with a colour along the ramp. */
function byScore(songs: Songs, mode: "isolation" | "hubness", dark: boolean): Grouping {
  const scores = numbers(songs, mode), sorted = scores.filter((score) => !Number.isNaN(score)).sort((a, b) => a - b);
  const sixths = [1, 2, 3, 4, 5].map((part) => sorted[Math.floor((sorted.length * part) / 6)] ?? 0);
  // Where each step but the first begins: the mean of hubness is ten in every library, distances are of all sizes.
  const begins = mode === "hubness" ? [1, 5, 10, 20, 40] : [...new Set(sixths)];
  const steps = begins.length + 1, group = new Int32Array(songs.count), counts = new Array<number>(steps + 1).fill(0);
  scores.forEach((score, row) => {
    group[row] = Number.isNaN(score) ? steps : begins.filter((begin) => score >= begin).length;
    counts[group[row]!]!++;
  });
  const says = mode === "hubness" ? (step: number): string => ["Never", "1 to 4", "5 to 9", "10 to 19", "20 to 39", "40 and more"][step]! : (step: number): string => (step === 0 ? `Up to ${begins[0]?.toFixed(2)}` : step === steps - 1 ? `From ${begins.at(-1)?.toFixed(2)}` : `${begins[step - 1]!.toFixed(2)} to ${begins[step]!.toFixed(2)}`);
  const entries = counts.slice(0, steps).map((count, step): Entry => ({ key: `step ${step}`, name: says(step), count, color: hex(along(step / Math.max(steps - 1, 1), dark)) }));
  entries.push({ key: "unknown", name: "Unknown", count: counts[steps]!, color: dark ? UNKNOWN.dark : UNKNOWN.light });
  const colors = entries.map((entry) => rgb(entry.color));
  return { mode, entries, group, colorOf: (row) => colors[group[row]!]! };
}
