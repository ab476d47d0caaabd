// What the colours mean, and which songs are shown.

import { MEANING, PALETTE, type Extra, type Grouping, type Mode } from "./colors";
import { h, name, part } from "./dom";
import type { Songs } from "./songs";

export type Shown = ((row: number) => boolean) | null;

const OFFERED = 6;

export class Legend {
  private chosen = new Set<string>();
  private grouping: Grouping | null = null;
  private songs: Songs | null = null;
  private mode: Mode = "genre";
  /** The values outside the largest by which is filtered. */
  extras: Extra[] = [];
  private readonly value = part<HTMLInputElement>("value");

  constructor(private readonly events: { mode(mode: Mode): void; again(): void; filtered(shown: Shown): void; mix(rows: number[]): void }) {
    part("modes").addEventListener("change", (event) => events.mode((event.target as HTMLInputElement).value as Mode));
    part("everything").addEventListener("click", () => this.everything());
    part("mix-shown").addEventListener("click", () => events.mix(this.songs && this.shown ? this.songs.rows(this.shown) : []));
    this.value.addEventListener("input", () => this.suggest());
    this.value.addEventListener("keydown", (event) => {
      if (event.key === "Enter") part("values").querySelector("button")?.click();
      else if (event.key === "ArrowDown") part("values").querySelector("button")?.focus();
      else if (event.key === "Escape") this.ask("");
      else return;
      event.preventDefault();
    });
    part("values").addEventListener("keydown", (event) => {
      const to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key] as "nextElementSibling" | "previousElementSibling" | undefined;
      if (!to) return;
      event.preventDefault();
      const item = document.activeElement?.closest("li")?.[to];
      (item ? item.querySelector("button") : this.value)?.focus();
    });
    const narrow = matchMedia("(max-width: 760px)");
    const fold = (): void => void (part<HTMLDetailsElement>("legend-box").open = !narrow.matches);
    narrow.addEventListener("change", fold);
    fold();
  }

  show(songs: Songs, grouping: Grouping): void {
    if (grouping.mode !== this.mode) {
      this.chosen.clear();
      this.extras = [];
      this.mode = grouping.mode;
    }
    this.songs = songs;
    this.grouping = grouping;
    const had = (document.activeElement as HTMLElement | null)?.dataset["key"];
    part("meaning").textContent = MEANING[grouping.mode] ?? "";
    part("legend").replaceChildren(
      ...grouping.entries.flatMap((entry) => {
        if (!entry.count) return [];
        const dot = h("i", { "aria-hidden": "true" });
        dot.style.background = entry.color;
        return [h("li", {}, h("button", { type: "button", "aria-pressed": "false", "data-key": entry.key, title: entry.name, click: () => this.toggle(entry.key) }, dot, name(entry.name), h("span", { class: "size" }, entry.count.toLocaleString())))];
      }),
    );
    if (had) part("legend").querySelector<HTMLElement>(`[data-key="${had}"]`)?.focus();
    const { mode } = grouping, several = (songs.columns[mode]?.values.length ?? 0) > PALETTE.length;
    this.value.hidden = !several || MEANING[mode] !== undefined || mode === "year";
    this.value.placeholder = `Another ${mode}`;
    this.value.setAttribute("aria-label", `Show only another ${mode}`);
    this.ask("");
    this.filter();
  }

  /** What is chosen stays chosen when other songs come: by its name, for that may have another number then. */
  carry(songs: Songs): void {
    const { mode } = this, before = this.songs?.columns[mode]?.values ?? [], now = songs.columns[mode]?.values ?? [];
    const codes = new Map(now.map((value, code) => [value, code]));
    const moved = (code: number): number => codes.get(before[code]!) ?? -1;
    const chosen = [...this.chosen].map((key) => (key.startsWith("value ") ? `value ${moved(Number(key.slice(6)))}` : key));
    this.chosen = new Set(chosen.filter((key) => key !== "value -1"));
    this.extras = this.extras.map(({ code, color }) => ({ code: moved(code), color })).filter(({ code }) => code >= PALETTE.length);
  }

  /** Shows one value of a column only, whether or not it is among the largest. */
  only(mode: Mode, code: number): void {
    this.chosen = new Set();
    this.extras = [];
    this.mode = mode;
    part("modes").querySelector<HTMLInputElement>(`[value="${mode}"]`)!.checked = true;
    this.add(code);
    this.events.mode(mode);
  }

  private everything(): void {
    this.chosen.clear();
    this.refresh();
  }

  private toggle(key: string): void {
    if (!this.chosen.delete(key)) this.chosen.add(key);
    this.refresh();
  }

  private add(code: number): void {
    this.chosen.add(`value ${code}`);
    if (code < PALETTE.length || this.extras.some((extra) => extra.code === code)) return;
    const taken = new Set([...this.extras.map((extra) => extra.color), ...PALETTE.filter((_, at) => this.chosen.has(`value ${at}`))]);
    this.extras.push({ code, color: PALETTE.findLast((color) => !taken.has(color)) ?? PALETTE[code % PALETTE.length]! });
  }

  /** Filters by what is chosen; a value that is small goes back among the others with its choice. */
  private refresh(): void {
    const kept = this.extras.filter((extra) => this.chosen.has(`value ${extra.code}`));
    if (kept.length === this.extras.length) return this.filter();
    this.extras = kept;
    this.events.again();
  }

  private ask(words: string): void {
    this.value.value = words;
    this.suggest();
  }

  /** The values that begin as what was typed, before those that hold it somewhere. */
  private suggest(): void {
    const words = this.value.value.trim().toLocaleLowerCase(), mode = this.grouping?.mode;
    const found = words && mode && this.songs ? this.songs.valuesLike(mode, words, OFFERED) : [];
    part("values").replaceChildren(
      ...found.map(({ code, text, count }) => {
        const choose = (): void => {
          this.add(code);
          this.events.again();
          this.value.focus();
        };
        return h("li", {}, h("button", { type: "button", click: choose }, name(text), h("span", { class: "size" }, count.toLocaleString())));
      }),
    );
    part("values").hidden = !found.length;
    part("values").scrollIntoView({ block: "nearest" });
  }

  private get shown(): Shown {
    const { grouping, chosen } = this;
    if (!grouping || !chosen.size) return null;
    const wanted = grouping.entries.map((entry) => chosen.has(entry.key));
    return (row) => wanted[grouping.group[row]!]!;
  }

  private filter(): void {
    const { grouping, chosen, songs, shown } = this;
    if (!grouping || !songs) return;
    part("filtered").hidden = !chosen.size;
    part("legend").classList.toggle("filtered", chosen.size > 0);
    for (const button of part("legend").querySelectorAll("button")) button.setAttribute("aria-pressed", String(chosen.has(button.dataset["key"]!)));
    const count = grouping.entries.reduce((sum, entry) => sum + (chosen.has(entry.key) ? entry.count : 0), 0);
    part("shown").textContent = chosen.size ? `${count.toLocaleString()} of ${songs.count.toLocaleString()} songs` : "";
    this.events.filtered(shown);
  }
}
