// The panel of honesty: how much there is, what failed and why, how good the space is, and the lists that are kept.

import * as api from "./api";
import { clock, h, iconButton, name, part, say } from "./dom";
import { renameButton } from "./rename";

const asSentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function facts(summary: Record<string, string | number>, leaveOut: string[] = []): HTMLElement {
  return h("dl", {}, ...Object.entries(summary).filter(([key]) => !leaveOut.includes(key)).map(([key, value]) => h("div", {}, h("dt", {}, asSentence(key)), h("dd", {}, name(typeof value === "number" ? value.toLocaleString() : value)))));
}

export class LibraryPanel {
  private readonly panel = part("library");
  private asked = false;

  constructor(private readonly updating: HTMLElement, private readonly events: { playKept(kept: { title: string }, songs: api.Song[]): void }) {}

  /** The library is another one than before: it is asked again when it is looked at. */
  renew(): void {
    this.asked = false;
    if (!this.panel.hidden) void this.show();
  }

  /** Asks when it is first looked at: how good the space is takes a moment. */
  async show(again = false): Promise<void> {
    if (this.asked && !again) return;
    this.asked = true;
    const quality = h("section", { "aria-busy": "true" }, h("h3", {}, "How good is this space?"), h("p", { class: "more" }, "Being worked out…"));
    try {
      const [status, { playlists }] = await Promise.all([api.status(), api.playlists()]);
      this.panel.replaceChildren(h("h2", {}, "Your library"), this.liked(), this.lists(playlists), facts(status.summary), this.updating, quality, failures(status), h("p", { class: "more" }, `songspace ${status.version}. Nothing here leaves this machine.`));
      const told = await api.quality();
      quality.replaceChildren(
        h("h3", {}, "How good is this space?"),
        facts(told.summary, ["largest hubs"]),
        ...(told.hubs.length ? [h("h3", {}, "Songs that turn up everywhere"), h("ul", { class: "plain" }, ...told.hubs.map((hub) => h("li", {}, name(hub.song), h("span", { class: "size" }, `${hub["neighbour of"]}×`))))] : []),
      );
    } catch (error) {
      quality.replaceChildren(h("p", { role: "status" }, error instanceof Error ? error.message : String(error)));
      if (!quality.isConnected) this.panel.replaceChildren(quality);
    } finally {
      quality.removeAttribute("aria-busy");
    }
  }

  /** What the listener likes, and what fits it. */
  private liked(): HTMLElement {
    const play = (title: string, label: string, songs: () => Promise<api.Song[]>): HTMLElement => {
      const act = async (): Promise<void> => {
        try {
          const found = await songs();
          if (found.length) this.events.playKept({ title }, found);
          else say(`There is nothing in “${title}” yet: like songs with their hearts, and listen.`);
        } catch (error) {
          say(error instanceof Error ? error.message : String(error));
        }
      };
      return h("button", { type: "button", title: label, click: () => void act() }, title);
    };
    const list = (title: string, label: string, which: api.Liked): HTMLElement => play(title, label, async () => (await api.likes(which)).songs);
    return h(
      "section",
      { id: "liked" },
      h("h3", {}, "Yours"),
      h("div", { class: "actions" }, list("Liked", "Play what you starred, rated high or play often", "liked"), play("For you", "Play songs that fit what you like", () => api.suggested()), list("Often", "Play what you play most", "frequent"), list("Forgotten", "Play what you like and have not played for a season", "forgotten")),
    );
  }

  private lists(kept: api.Kept[]): HTMLElement {
    if (!kept.length) return h("section", {});
    const item = (one: api.Kept): HTMLElement => {
      const renamed = (): void => {
        const anew = item(one);
        row.replaceWith(anew);
        anew.querySelector<HTMLElement>(".pen")?.focus();
      };
      const row = h(
        "li",
        {},
        h("button", { type: "button", class: "row", click: () => void this.play(one) }, name(one.title, "title"), h("span", { class: "more" }, `${one.songs} songs, ${clock(one.seconds)}`)),
        h("span", { class: "tools" }, h("a", { class: "icon", href: api.fileOf(one.id, "m3u8"), download: "", "aria-label": `Save ${one.title} as M3U8`, title: "Save as M3U8" }, "↓"), renameButton(one, renamed), iconButton("close", `Delete ${one.title}`, () => void api.forget(one.id).then(() => row.remove(), (error: Error) => say(error.message)))),
      );
      return row;
    };
    return h("section", {}, h("h3", {}, "Playlists kept here"), h("ol", { id: "kept" }, ...kept.map(item)));
  }

  private async play(kept: api.Kept): Promise<void> {
    try {
      this.events.playKept(kept, (await api.kept(kept.id)).entries);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }
}

function failures(status: api.Status): HTMLElement {
  if (!status.failed) return h("section", { id: "failures" }, h("h3", {}, "What could not be read"), h("p", { class: "more" }, "Every file was read."));
  const rest = status.failed - status.failures.length;
  return h(
    "section",
    { id: "failures" },
    h("h3", {}, `What could not be read: ${status.failed.toLocaleString()}`),
    h("ul", { class: "plain" }, ...status.failures.map((failure) => h("li", { class: "stacked" }, name(failure.path), h("span", { class: "more" }, failure.reason)))),
    rest > 0 ? h("p", { class: "more" }, `and ${rest.toLocaleString()} more: songspace status tells all.`) : null,
  );
}
