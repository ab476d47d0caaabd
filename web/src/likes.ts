// What is liked and played: hearts, and what the player tells the server of plays and skips.

import * as api from "./api";
import { h, icon, say } from "./dom";
import type { Player } from "./player";

const LONG = 240; // seconds after which a song counts as played, if it is not half over before (as for Last.fm)
const SHORT = 2; // seconds before which leaving a song is no skip: it was never meant to play
const STEP = 3; // seconds; a larger step of the clock is a jump, and not listening

export class Likes extends EventTarget {
  private readonly starred = new Set<number>();
  /** Songs that were skipped since the page was opened. */
  readonly skipped: number[] = [];
  private heard = 0; // seconds
  private before = 0;
  private began = 0;
  private told = true;

  constructor(private readonly player: Player) {
    super();
    player.addEventListener("song", () => {
      [this.heard, this.before, this.began, this.told] = [0, player.time, Date.now() / 1000, !player.song];
    });
    player.addEventListener("time", () => this.ticked());
    player.addEventListener("skipped", () => this.left());
  }

  /** Asks which songs have a star. */
  async begin(): Promise<void> {
    this.starred.clear();
    for (const song of (await api.likes("starred")).songs) this.starred.add(song.id);
    this.dispatchEvent(new Event("change"));
  }

  has(id: number): boolean {
    return this.starred.has(id);
  }

  /** A heart that is full for a song with a star; a press gives the star or takes it back. */
  heart(song: () => api.Song | null): HTMLButtonElement {
    const button: HTMLButtonElement = h("button", { type: "button", class: "icon heart", click: () => void this.toggle(song()) }, icon("heart"));
    const show = (): void => {
      const of = song();
      const label = `Like ${of?.title || "this song"}`;
      button.disabled = !of;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.setAttribute("aria-pressed", String(of !== null && this.has(of.id)));
    };
    const watch = (): void => {
      if (shown && !button.isConnected) return this.removeEventListener("change", watch);
      shown ||= button.isConnected;
      show();
    };
    let shown = false;
    this.addEventListener("change", watch);
    this.player.addEventListener("song", show);
    show();
    return button;
  }

  private async toggle(song: api.Song | null): Promise<void> {
    if (!song) return;
    const liked = !this.has(song.id);
    try {
      await api.tell(liked ? "star" : "unstar", song.id);
    } catch (error) {
      return say(error instanceof Error ? error.message : String(error));
    }
    if (liked) this.starred.add(song.id);
    else this.starred.delete(song.id);
    this.dispatchEvent(new Event("change"));
  }

  private ticked(): void {
    const { time, duration, song } = this.player, step = time - this.before;
    this.before = time;
    if (step > 0 && step < STEP) this.heard += step;
    if (this.told || !song || this.heard < Math.min(duration / 2, LONG)) return;
    this.told = true;
    void api.tell("play", song.id, this.began).catch(() => undefined); // what plays goes on without a server
  }

  private left(): void {
    const { song } = this.player;
    if (this.told || !song || this.heard < SHORT) return;
    this.told = true;
    this.skipped.push(song.id);
    void api.tell("skip", song.id, this.began).catch(() => undefined);
  }
}
