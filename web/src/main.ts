// Puts the page together: what happens in one part and is seen in another.

import "./style.css";
import * as api from "./api";
import { playerBar } from "./bar";
import { grouping, type Mode } from "./colors";
import { part, say } from "./dom";
import { Drawing } from "./drawing";
import { Legend } from "./legend";
import { LibraryPanel } from "./library";
import { Likes } from "./likes";
import { SongMap, type Line } from "./map";
import { Player } from "./player";
import { QueuePanel } from "./queue";
import { Search, type Offer } from "./search";
import { SongPanel } from "./song";
import { Songs } from "./songs";
import { Tabs } from "./tabs";
import { Work } from "./work";

const dark = matchMedia("(prefers-color-scheme: dark)");
const player = new Player();
const likes = new Likes(player);
let songs: Songs | null = null;
let map: SongMap | null = null;
let mode: Mode = "genre";
let pathStart: api.Song | null = null;
let remake: ((variety: number) => Promise<void>) | null = null;

const tabs = new Tabs((tab) => {
  if (tab === "library") void library.show();
});
const work = new Work(look);
const library = new LibraryPanel(work.section, {
  playKept(kept, entries) {
    queue.title = kept.title;
    remake = null;
    player.playList(entries);
    tabs.open("queue");
  },
});
const queue = new QueuePanel(player, {
  varied: () => void (remake && attempt(() => remake!(queue.varietyValue))),
  flow: () => void attempt(flow),
  kept: () => void library.show(true),
  look: (song) => map?.point(songs?.row(song.id) ?? -1),
});
const songPanel = new SongPanel(likes, {
  play: (song) => choose(song),
  add(song) {
    player.add(song);
    say(`${song.title ?? "The song"} is in the queue.`);
  },
  radio: (song) => void attempt(() => radio(song)),
  pathFrom(song) {
    pathStart = song;
    const box = part("asking");
    box.hidden = false;
    box.querySelector("span")!.textContent = `From ${song.title ?? "this song"} to where? Choose a song on the map or find one.`;
  },
  look: (song) => map?.point(songs?.row(song.id) ?? -1),
  hear: (song, other, match) => player.playClips([{ song: other, from: match.there[0], to: match.there[1] }, { song, from: match.here[0], to: match.here[1] }]),
  found: (song, similar) => drawNeighbours(song, similar),
});
const search = new Search({
  chosen(song) {
    map?.reveal(songs?.row(song.id) ?? -1, true);
    choose(song);
  },
  aimed(song) {
    const row = songs?.row(song.id) ?? -1;
    map?.reveal(row, true);
    map?.mark({ selected: row });
  },
  offers: (words) => offers(words),
});
const hand = new Drawing({
  songs: () => songs,
  map: () => map,
  make(how) {
    remake = async (variety) => {
      const made = await how(variety);
      take(made, 0.1);
      for (const remark of made.remarks ?? []) say(remark);
    };
    void attempt(() => remake!(queue.varietyValue));
  },
});
playerBar(player, likes, {
  look(song) {
    map?.reveal(songs?.row(song.id) ?? -1, true);
    select(song);
  },
});

/** A song was clicked: it ends the path that was begun, or plays. */
function choose(song: api.Song): void {
  if (pathStart && pathStart.id !== song.id) {
    const start = pathStart;
    cancelPath();
    void attempt(() => path(start, song));
    return;
  }
  if (!player.silent) player.playNow(song);
  select(song);
}

function select(song: api.Song): void {
  hand.clear();
  map?.mark({ selected: songs?.row(song.id) ?? -1, lines: [] });
  tabs.open("song");
  void songPanel.show(song);
}

function cancelPath(): void {
  pathStart = null;
  part("asking").hidden = true;
}

async function radio(song: api.Song): Promise<void> {
  hand.clear();
  remake = async (variety) => {
    take(await api.radio([song.id], { variety }), 0.1);
  };
  await remake(queue.varietyValue);
}

async function path(start: api.Song, end: api.Song): Promise<void> {
  hand.clear();
  remake = async (variety) => {
    const made = await api.path(start.id, end.id, { variety });
    take(made, 0.6);
    map?.revealAll(made.songs.map((song) => songs?.row(song.id) ?? -1));
  };
  await remake(queue.varietyValue);
}

function take(list: api.Playlist, strength: number): void {
  queue.title = list.title;
  player.playList(list.songs);
  tabs.open("queue");
  drawList(list.songs, strength);
}

/** What is still to come, in an order that flows. */
async function flow(): Promise<void> {
  const coming = player.queue.slice(player.at + 1);
  if (coming.length < 3) return say("There are too few songs to put into another order.");
  const made = await api.order(coming.map((song) => song.id));
  player.reorder(made.songs);
  drawList(player.queue.slice(Math.max(player.at, 0)), 0.1);
  for (const remark of made.remarks) say(remark);
}

function drawNeighbours(song: api.Song, similar: api.Similar[]): void {
  const from = songs?.row(song.id) ?? -1;
  if (from < 0) return;
  const lines = similar.flatMap((other): Line[] => {
    const to = songs?.row(other.id) ?? -1;
    return to < 0 ? [] : [{ from, to, strength: Math.min(Math.max(other.similarity, 0), 1), label: other.similarity.toFixed(2) }];
  });
  map?.mark({ selected: from, lines });
}

function drawList(list: api.Song[], strength: number): void {
  const rows = list.map((song) => songs?.row(song.id) ?? -1).filter((row) => row >= 0);
  map?.mark({ selected: -1, lines: rows.slice(1).map((to, i) => ({ from: rows[i]!, to, strength })) });
}

/** Tries something that the server may refuse, and says what it answered. */
async function attempt(what: () => Promise<void>): Promise<void> {
  document.body.classList.add("busy");
  try {
    await what();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  } finally {
    document.body.classList.remove("busy");
  }
}

player.addEventListener("song", () => map?.mark({ playing: player.song ? (songs?.row(player.song.id) ?? -1) : -1 }));
player.addEventListener("failed", () => say(`${player.song?.title ?? "A song"} cannot be played by this browser.`));
player.addEventListener("dry", () => {
  // What was skipped is no model for what comes, and what sounds like it is avoided.
  const last = [...player.queue].reverse().find((song) => !likes.skipped.includes(song.id)) ?? player.song;
  if (!last || !queue.endless.checked) return;
  void attempt(async () => {
    let chosen = false; // who chooses a song meanwhile wants to hear that one
    player.addEventListener("song", () => (chosen = true), { once: true });
    const heard = player.queue.slice(-200).map((song) => song.id).filter((id) => id !== last.id);
    const minus = likes.skipped.filter((id) => id !== last.id).slice(-5);
    const made = await api.radio([last.id], { variety: Math.max(queue.varietyValue, 0.2), without: heard, minus });
    if (chosen) return;
    player.add(...made.songs.slice(1));
    player.next();
  });
});
part("asking").querySelector("button")!.addEventListener("click", cancelPath);
document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && pathStart) cancelPath();
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && (target as HTMLInputElement).type !== "range") return;
  if (event.key === "/") search.focus();
  else if (hand.key(event)) void 0;
  else if (event.key === " " && !/^(BUTTON|SUMMARY|A)$/.test(target.tagName)) player.toggle();
  else return;
  event.preventDefault();
});

// --- The map ---------------------------------------------------------------------------------------------

function recolor(): void {
  const all = songs, wanted = mode;
  if (!all) return;
  if (all.columns[wanted]) return legend.show(all, grouping(all, wanted, dark.matches, legend.extras));
  say("This is being worked out, once for these songs.");
  void attempt(async () => {
    all.addColumn(wanted, await api.column(wanted, all.method));
    if (songs === all && mode === wanted) recolor();
  });
}
const legend: Legend = new Legend({
  mode(chosen) {
    mode = chosen;
    recolor();
  },
  again: recolor,
  filtered: (shown) => songs && map?.color(grouping(songs, mode, dark.matches, legend.extras), shown),
  mix: (rows) => hand.offer(rows, "shown"),
});

/** The artists, albums and genres that are named as the words say, to show them alone. */
function offers(words: string): Offer[] {
  return (["artist", "album", "genre"] as const).flatMap((column) =>
    (songs?.valuesLike(column, words.toLocaleLowerCase(), 2) ?? []).map(({ code, text, count }) => ({
      label: `Only ${text}`,
      more: `${column}, ${count.toLocaleString()} ${count === 1 ? "song" : "songs"}`,
      act: () => legend.only(column, code),
    })),
  );
}
dark.addEventListener("change", recolor);

const COLUMNS: api.ColumnName[] = ["genre", "artist", "album", "year"];
let seen: { snapshot: string; settled: boolean } | null = null;

async function begin(): Promise<void> {
  const [places, sound] = await Promise.all([api.places(COLUMNS), api.hasSound()]);
  if (!sound) silence();
  const all = (songs = new Songs(places));
  const play = (row: number): void => void attempt(async () => choose(await api.song(songs!.ids[row]!)));
  map = new SongMap(all, grouping(all, mode, dark.matches), { played: play, chosen: () => undefined, drawn: (stroke, tool) => hand.drawn(stroke, tool), held: (tool) => hand.held(tool) });
  recolor();
  describe(all);
  document.body.classList.add("ready");
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("map"))); // the frame after the first
  seen = places;
  if (!places.settled) say("A first map; the better one is being drawn.");
  all.addColumn("title", await api.column("title", places.method));
  performance.mark("titles");
  map.later();
  work.begin();
  await likes.begin();
}

/** The songs were imported as vectors: there is nothing to play, and no folder in which something could be new. */
function silence(): void {
  player.silent = true;
  songPanel.silence();
  work.section.hidden = true;
  document.body.classList.add("silent");
}

function describe({ count }: Songs): void {
  part("note").textContent = `${count.toLocaleString()} ${count === 1 ? "song" : "songs"}. Those that sound alike lie together; axes, and how far apart distant groups are, mean nothing.`;
}

/** Takes in what there is to see since the last look; says whether something better is on its way. */
async function look({ snapshot, drawing }: api.Work): Promise<boolean> {
  if (!seen || (snapshot === seen.snapshot && (seen.settled || drawing))) return drawing;
  const before = seen;
  let places: api.Places, titles: api.Places;
  try {
    places = await api.places(COLUMNS.includes(mode) ? COLUMNS : [...COLUMNS, mode]);
    titles = await api.column("title", places.method);
  } catch (error) {
    if (!(error instanceof api.Refusal && error.status === 409)) throw error; // it is asked for again
    seen = { snapshot, settled: true };
    say(error.message);
    return false;
  }
  const all = (songs = new Songs(places));
  all.addColumn("title", titles);
  legend.carry(all);
  map?.take(all, grouping(all, mode, dark.matches, legend.extras));
  recolor();
  describe(all);
  map?.mark({ playing: player.song ? all.row(player.song.id) : -1 });
  seen = { snapshot, settled: places.settled };
  if (snapshot !== before.snapshot) {
    library.renew();
    api.askAgain();
  }
  return !places.settled;
}

function open(): void {
  begin().catch((error: unknown) => {
    if (error instanceof api.Refusal && error.status === 401) part<HTMLDialogElement>("door").showModal();
    else say(error instanceof Error ? error.message : String(error));
  });
}
part("door").querySelector("form")!.addEventListener("submit", (event) => {
  event.preventDefault();
  const token = part<HTMLInputElement>("token");
  api.enter(token.value).then(
    () => {
      token.value = "";
      part<HTMLDialogElement>("door").close();
      open();
    },
    (error: Error) => (part("door").querySelector("[role=alert]")!.textContent = error.message),
  );
});
open();
