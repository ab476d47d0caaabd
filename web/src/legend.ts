// What the colours mean, and which songs are shown.

import type { Grouping, Mode } from "./colors";
import { h, name, part } from "./dom";

export class Legend {
  private readonly chosen = new Set<number>();
  private grouping: Grouping | null = null;

  constructor(private readonly events: { mode(mode: Mode): void; filtered(shown: ((row: number) => boolean) | null): void }) {
    part("modes").addEventListener("change", (event) => events.mode((event.target as HTMLInputElement).value as Mode));
    part("everything").addEventListener("click", () => {
      this.chosen.clear();
      this.filter();
    });
    const narrow = matchMedia("(max-width: 760px)");
    const fold = (): void => void (part<HTMLDetailsElement>("legend-box").open = !narrow.matches);
    narrow.addEventListener("change", fold);
    fold();
  }

  show(grouping: Grouping): void {
    const names = [...this.chosen].map((group) => this.grouping?.entries[group]?.name);
    this.chosen.clear();
    // What was chosen stays chosen when there are other songs: the same names may have other numbers then.
    if (grouping.mode === this.grouping?.mode) grouping.entries.forEach((entry, group) => names.includes(entry.name) && this.chosen.add(group));
    this.grouping = grouping;
    part("legend").replaceChildren(
      ...grouping.entries.flatMap((entry, group) => {
        if (!entry.count) return [];
        const dot = h("i", { "aria-hidden": "true" });
        dot.style.background = entry.color;
        const toggle = (): void => {
          if (!this.chosen.delete(group)) this.chosen.add(group);
          this.filter();
        };
        return [h("li", {}, h("button", { type: "button", "aria-pressed": "false", "data-group": group, click: toggle }, dot, name(entry.name), h("span", { class: "size" }, entry.count.toLocaleString())))];
      }),
    );
    this.filter();
  }

  private filter(): void {
    const { grouping, chosen } = this;
    part("everything").hidden = !chosen.size;
    part("legend").classList.toggle("filtered", chosen.size > 0);
    for (const button of part("legend").querySelectorAll("button")) button.setAttribute("aria-pressed", String(chosen.has(Number(button.dataset["group"]))));
    this.events.filtered(chosen.size && grouping ? (row) => chosen.has(grouping.group[row]!) : null);
  }
}
