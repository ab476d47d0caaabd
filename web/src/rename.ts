// Another title for a playlist that is kept: its name becomes a box to write in.

import * as api from "./api";
import { h, iconButton, say } from "./dom";

/** The button for it. Enter keeps what was written, Escape and going elsewhere leave it. */
export function renameButton(kept: api.Kept, renamed: () => void): HTMLButtonElement {
  const button = iconButton("pen", `Rename ${kept.title}`, () => {
    const row = button.closest("li")?.querySelector<HTMLElement>(".row");
    if (!row) return;
    const box = h("input", { type: "text", class: "rename", "aria-label": "The playlist's title", value: kept.title, maxlength: 200, required: true });
    let done = false;
    const end = (): void => {
      if (done) return;
      done = true;
      box.replaceWith(row);
    };
    box.addEventListener("blur", end);
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") end();
      else if (event.key === "Enter" && box.value.trim()) void keep();
      else return;
      event.stopPropagation();
      if (done) button.focus();
    });
    const keep = async (): Promise<void> => {
      try {
        kept.title = (await api.rename(kept.id, box.value)).title;
        end();
        renamed();
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
    };
    row.replaceWith(box);
    box.focus();
    box.select();
  });
  button.classList.add("pen");
  return button;
}
