// The three panels beside the map, by the pattern for tabs that screen readers know.

import { part } from "./dom";

export type Tab = "song" | "queue" | "library";
const ALL: Tab[] = ["song", "queue", "library"];

export class Tabs {
  constructor(private readonly opened: (tab: Tab) => void) {
    ALL.forEach((tab, i) => {
      part(`tab-${tab}`).addEventListener("click", () => this.open(tab));
      part(`tab-${tab}`).addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const next = ALL[(i + by + ALL.length) % ALL.length]!;
        this.open(next);
        part(`tab-${next}`).focus();
      });
    });
  }

  open(wanted: Tab): void {
    for (const tab of ALL) {
      const button = part(`tab-${tab}`);
      button.setAttribute("aria-selected", String(tab === wanted));
      button.tabIndex = tab === wanted ? 0 : -1;
      part(tab).hidden = tab !== wanted;
    }
    this.opened(wanted);
  }
}
