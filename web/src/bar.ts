// The player's bar: what plays, and how far it is.

import * as api from "./api";
import { clock, h, icon, iconButton, name, part } from "./dom";
import type { Likes } from "./likes";
import type { Player } from "./player";

export function playerBar(player: Player, likes: Likes, events: { look(song: api.Song): void }): void {
  const cover: HTMLImageElement = h("img", { alt: "", width: 44, height: 44, hidden: true, load: () => (cover.hidden = false), error: () => (cover.hidden = true) });
  const what = h("button", { type: "button", id: "now", "aria-label": "Show the song on the map", disabled: true, click: () => player.song && events.look(player.song) }, "Nothing plays");
  const toggle = iconButton("play", "Play", () => player.toggle());
  toggle.id = "toggle";
  const seek = h("input", { type: "range", id: "seek", min: 0, max: 1, step: 0.1, value: 0, "aria-label": "Place in the song", disabled: true });
  const gone = h("span", { class: "time" }, "0:00"), whole = h("span", { class: "time" }, "0:00");
  const volume = h("input", { type: "range", id: "volume", min: 0, max: 1, step: 0.02, value: 1, "aria-label": "Volume", input: () => (player.volume = Number(volume.value)) });
  let dragging = false;
  seek.addEventListener("input", () => {
    dragging = true;
    gone.textContent = clock(Number(seek.value));
  });
  seek.addEventListener("change", () => {
    dragging = false;
    player.seek(Number(seek.value));
  });
  part("player").append(
    h("div", { id: "playing" }, cover, what, likes.heart(() => player.song)),
    h("div", { id: "controls", role: "group", "aria-label": "Playing" }, iconButton("previous", "Previous", () => player.previous()), toggle, iconButton("next", "Next", () => player.next())),
    h("div", { id: "where" }, gone, seek, whole),
    volume,
  );

  const place = (): void => {
    if (dragging) return;
    const { time, duration } = player;
    seek.max = String(duration || 1);
    seek.value = String(time);
    seek.setAttribute("aria-valuetext", `${clock(time)} of ${clock(duration)}`);
    seek.style.setProperty("--gone", `${(100 * time) / (duration || 1)}%`);
    [gone.textContent, whole.textContent] = [clock(time), clock(duration)];
    showPosition(time, duration);
  };
  const state = (): void => {
    const label = player.playing ? "Pause" : "Play";
    toggle.replaceChildren(icon(player.playing ? "pause" : "play"));
    toggle.setAttribute("aria-label", label);
    toggle.title = `${label} (Space)`;
    if ("mediaSession" in navigator) navigator.mediaSession.playbackState = player.playing ? "playing" : "paused";
    place();
  };
  player.addEventListener("time", place);
  player.addEventListener("state", state);
  player.addEventListener("song", () => {
    const { song } = player;
    cover.hidden = true;
    seek.disabled = what.disabled = !song;
    if (song) {
      cover.src = api.coverOf(song.id);
      what.replaceChildren(name(song.title || "Untitled", "title"), name(song.artist || "Unknown artist", "more"));
      document.title = `${song.title || "Untitled"} – ${song.artist || "Unknown artist"}`;
      if ("mediaSession" in navigator) navigator.mediaSession.metadata = new MediaMetadata({ title: song.title ?? "", artist: song.artist ?? "", album: song.album ?? "", artwork: [{ src: new URL(api.coverOf(song.id), location.href).href }] });
    } else {
      cover.removeAttribute("src");
      what.replaceChildren("Nothing plays");
      document.title = "songspace";
    }
    state();
  });
  if ("mediaSession" in navigator) answerKeys(player);
}

/** The keys of keyboards and headphones, and what a lock screen shows. */
function answerKeys(player: Player): void {
  const step = (by: number): void => player.seek(player.time + by);
  const actions: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => player.play(),
    pause: () => player.pause(),
    stop: () => player.pause(),
    nexttrack: () => player.next(),
    previoustrack: () => player.previous(),
    seekbackward: ({ seekOffset }) => step(-(seekOffset ?? 10)),
    seekforward: ({ seekOffset }) => step(seekOffset ?? 10),
    seekto: ({ seekTime }) => player.seek(seekTime ?? 0),
  };
  for (const [action, handler] of Object.entries(actions)) {
    try {
      navigator.mediaSession.setActionHandler(action as MediaSessionAction, handler);
    } catch {
      // A browser that does not know this key.
    }
  }
}

function showPosition(time: number, duration: number): void {
  if (!("mediaSession" in navigator) || !("setPositionState" in navigator.mediaSession)) return;
  navigator.mediaSession.setPositionState(duration > 0 ? { duration, position: Math.min(time, duration) } : undefined);
}
