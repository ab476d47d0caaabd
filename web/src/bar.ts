// The player's bar: what plays, and how far it is.

import * as api from "./api";
import { clock, h, icon, iconButton, name, part } from "./dom";
import type { Player } from "./player";

export function playerBar(player: Player, events: { look(song: api.Song): void }): void {
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
    h("div", { id: "playing" }, cover, what),
    h("div", { id: "controls", role: "group", "aria-label": "Playing" }, iconButton("previous", "Previous", () => player.previous()), toggle, iconButton("next", "Next", () => player.next())),
    h("div", { id: "where" }, gone, seek, whole),
    volume,
  );

  const time = (): void => {
    if (dragging) return;
    const { currentTime } = player.audio;
    seek.max = String(player.duration || 1);
    seek.value = String(currentTime);
    seek.setAttribute("aria-valuetext", `${clock(currentTime)} of ${clock(player.duration)}`);
    seek.style.setProperty("--gone", `${(100 * currentTime) / (player.duration || 1)}%`);
    [gone.textContent, whole.textContent] = [clock(currentTime), clock(player.duration)];
  };
  const state = (): void => {
    const label = player.playing ? "Pause" : "Play";
    toggle.replaceChildren(icon(player.playing ? "pause" : "play"));
    toggle.setAttribute("aria-label", label);
    toggle.title = `${label} (Space)`;
    if ("mediaSession" in navigator) navigator.mediaSession.playbackState = player.playing ? "playing" : "paused";
    time();
  };
  player.addEventListener("time", time);
  player.addEventListener("state", state);
  player.addEventListener("song", () => {
    const { song } = player;
    cover.hidden = true;
    seek.disabled = what.disabled = !song;
    if (song) {
      cover.src = api.coverOf(song.id);
      what.replaceChildren(name(song.title || "Untitled", "title"), name(song.artist || "Unknown artist", "more"));
      document.title = `${song.title || "Untitled"} – ${song.artist || "Unknown artist"}`;
      if ("mediaSession" in navigator) navigator.mediaSession.metadata = new MediaMetadata({ title: song.title ?? "", artist: song.artist ?? "", album: song.album ?? "" });
    } else {
      cover.removeAttribute("src");
      what.replaceChildren("Nothing plays");
      document.title = "songspace";
    }
    state();
  });
  // The keys of keyboards and headphones.
  if ("mediaSession" in navigator) {
    navigator.mediaSession.setActionHandler("play", () => player.toggle());
    navigator.mediaSession.setActionHandler("pause", () => player.toggle());
    navigator.mediaSession.setActionHandler("nexttrack", () => player.next());
    navigator.mediaSession.setActionHandler("previoustrack", () => player.previous());
  }
}
