// What the API answers; written by ../answer_types.py from its OpenAPI document.

export interface AwayPlace {
  path: string;
  songs: number;
  since: string; // A date, or "now".
  why: string;
}

export interface Beside {
  id: number;
  similarity: number | null;
}

export interface BestMatch {
  here: [number, number]; // From and to, in seconds.
  there: [number, number];
  similarity: number;
  kind: string;
  stronger_than: number | null;
  also: MatchedSeconds[];
}

export interface BetweenAnswer {
  from: NamedSongs;
  to: NamedSongs;
  length: number;
  between: OnTheWay[];
  songs: SongOnTheWay[]; // Along the line.
}

export interface BorderSong {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  towards: string;
  margin: number;
}

export interface Coded {
  values: (string | number)[]; // What there is, the most common first.
  codes: number[]; // For each song a place in values, or -1.
}

export interface Computing {
  state: "computing";
  method: "tsne" | "pca";
  seconds: number; // Since it was begun.
}

export interface DriftAnswer {
  albums: number;
  correlation: number | null;
  p: number | null;
}

export interface Estimate {
  value: number | null;
  interval: number[] | null;
  chance?: number | null;
}

export interface Failure {
  path: string;
  reason: string;
  kind: string; // What it has in common with others for which the same is to be done.
  advice: string; // What to do about it.
}

export interface Health {
  status: "ok";
  version: string;
}

export interface Hub {
  song: string;
  "neighbour of": number;
}

export interface Joint {
  parts: number[]; // A number below that of the regions is a place in regions, others count the joints before.
  distance: number;
  regions: number;
}

export interface LineAsked {
  artist_gap?: number; // Least songs between two of one artist.
  album_gap?: number; // Least songs between two of one album.
  most_of_artist?: number | null; // At most so many songs of one artist.
  versions?: boolean; // Several versions of one song may be in it.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  length?: number | null; // Songs; 20, if there are so many.
  minutes?: number | null; // About so many minutes.
  variety?: number; // 0: the best; 1: the most varied.
  seed?: number;
  transition?: number; // How much a song's end and the next one's beginning weigh in a step.
  explain?: boolean; // Say why each song is there.
  points: number[][]; // The corners of the line, as places on the map: x and y.
  method?: "tsne" | "pca"; // The map that it was drawn on.
  songs?: number[]; // The songs to choose from; all, if none are named.
}

export interface ListedSong {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  why?: string | null;
}

export interface Map {
  state: "ready";
  method: "tsne" | "pca";
  snapshot: string; // Changes with the space, its songs and what is known of them: see /work.
  settled: boolean; // Whether it is the map of this space; if not, one from before, and it is drawn.
  ids: number[];
  x: number[];
  y: number[];
  columns: Record<string, Coded>;
}

export interface MatchedSeconds {
  here: [number, number]; // From and to, in seconds.
  there: [number, number];
  similarity: number;
}

export interface MeantSong {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  similarity: number; // The cosine with the words, -1 to 1; of an ear's words the mean of its ranks, 0 to 1.
}

export interface MeantSongs {
  words: string;
  unknown: string[]; // Words that the ear does not know.
  songs: MeantSong[];
}

export interface MixAnswer {
  name: string;
  songs: SongFacts[];
  artists: number;
  seconds: number;
  region: number;
  coherence: number;
  smoothness: Smoothness;
  file?: string | null;
}

export interface MixAsked {
  artist_gap?: number; // Least songs between two of one artist.
  album_gap?: number; // Least songs between two of one album.
  most_of_artist?: number | null; // At most so many songs of one artist.
  versions?: boolean; // Several versions of one song may be in it.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  length?: number | null; // Songs; 20, if there are so many.
  minutes?: number | null; // About so many minutes.
  variety?: number; // 0: the best; 1: the most varied.
  seed?: number;
  transition?: number; // How much a song's end and the next one's beginning weigh in a step.
  explain?: boolean; // Say why each song is there.
  songs: number[]; // The songs to choose from.
}

export interface Mixes {
  mixes: MixAnswer[];
  seed: number;
}

export interface NamedSongs {
  name: string;
  songs: number;
}

export interface OnTheWay {
  name: string;
  songs: number;
  position: Estimate;
  offset: Estimate;
  margin: Estimate | null;
  step: Estimate;
  between: "yes" | "no" | "unsure" | "unknown";
}

export interface OrderAsked {
  artist_gap?: number; // Least songs between two of one artist.
  album_gap?: number; // Least songs between two of one album.
  most_of_artist?: number | null; // At most so many songs of one artist.
  versions?: boolean; // Several versions of one song may be in it.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  songs: number[];
  first?: number | null;
  last?: number | null;
  loosen?: boolean; // Keep smaller gaps where these songs cannot keep those asked for.
  transition?: number;
  explain?: boolean;
}

export interface Outcome {
  ok: boolean;
  sentence: string; // What has changed; or why nothing could be done.
  ended: number; // Seconds since 1970.
}

export interface OverlappingPair {
  names: string[];
  overlap: Estimate;
  distance: number;
}

export interface PlaylistAnswer {
  title: string;
  songs: ListedSong[];
  steps: number[]; // The distance of each song from the one before it.
  smoothness: Smoothness;
}

export interface PlaylistAsked {
  title: string;
  songs: number[];
}

export interface PlaylistChanged {
  title?: string | null; // As it was, if left out.
  songs?: number[] | null; // All of those that are here; as they were, if left out. What is not here stays where it was.
  remove?: number[]; // Places in `order`, from 0 on, which are taken out.
  add?: number[]; // Songs to add at the end.
}

export interface Problem {
  type: string; // Always about:blank: the status says what kind of problem it is.
  title: string;
  status: number;
  detail: string; // One sentence for a person.
}

export interface Quality {
  summary: Record<string, string | number>;
  hubs: Hub[];
}

export interface RegionAnswer {
  name: string;
  songs: number;
  units: number;
  spread: number;
  at_home: Estimate;
  nearest: RegionDistance[];
  overlaps: RegionOverlap[];
  heart: SongFacts[];
  border: BorderSong[];
}

export interface RegionDistance {
  name: string;
  distance: number;
}

export interface RegionOverlap {
  name: string;
  overlap: number;
}

export interface RegionsAnswer {
  of: string;
  songs: number; // Those that have a label.
  unlabelled: number;
  several: number; // Tags that name several genres, of which the first counts.
  typical: number; // The mean distance of two songs of the library.
  at_home: Estimate; // The share of songs that are nearer to the centre of their own region than to any other.
  regions: RegionAnswer[];
  overlaps: OverlappingPair[];
  tree: Tree;
  distances: number[][]; // A matrix in the order of regions.
  fewest: number; // Songs that a centre needs.
  small: NamedSongs[]; // Those that have too few songs for a centre.
  beyond: number; // How many regions were left out.
}

export interface RemarkedPlaylist {
  title: string;
  songs: ListedSong[];
  steps: number[]; // The distance of each song from the one before it.
  smoothness: Smoothness;
  remarks: string[]; // What was left out, and which gaps became smaller.
}

export interface Running {
  command: string; // learn or update.
  stage: string; // What it does, as listening; empty at the beginning.
  done: number; // How much of the stage is done.
  total: number; // How much there is to do in this stage; 0 where that is not known.
  left: number | null; // Seconds until the stage is done, as far as can be told.
  left_in_all: number | null; // Seconds until all of it is done, as far as can be told.
  began: number; // Seconds since 1970.
  here: boolean; // Whether it was begun here, so that it can be stopped here.
}

export interface SavedEntry {
  song: number | null; // None while it is not here.
  name: string;
  away: number | null; // Since when it is away, in seconds since 1970, if that is known.
}

export interface SavedInFull {
  id: string;
  title: string;
  songs: number;
  seconds: number;
  entries: SongFacts[]; // The songs that are here.
  missing: string[]; // What it holds that is not here.
  order: SavedEntry[]; // All that it holds, each in its place.
}

export interface SavedPlaylist {
  id: string;
  title: string;
  songs: number;
  seconds: number;
}

export interface SavedPlaylists {
  playlists: SavedPlaylist[];
}

export interface SimilarSong {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  distance: number;
  similarity: number; // The cosine, -1 to 1: 1 - distance² / 2.
  why?: string | null;
  beside?: Beside | null;
  match?: BestMatch | null;
  clips?: string[] | null;
}

export interface SimilarSongs {
  of: SongFacts[];
  similar: SimilarSong[];
}

export interface Smoothness {
  largest: number;
  mean: number;
  typical: number;
  largest_at: number;
  largest_share: number;
  mean_share: number;
}

export interface SongFacts {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
}

export interface SongInFull {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  name: string;
  albumartist: string | null;
  track: number | null;
  disc: number | null;
  recording_mbid: string | null;
  release_mbid: string | null;
  artist_mbid: string | null;
  artists: string[];
  genres: string[];
  in_space: boolean;
}

export interface SongOnTheWay {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  position: number;
  offset: number;
}

export interface Songs {
  songs: SongFacts[];
  total: number;
  offset: number;
  next: number | null; // The offset of the next page, if there is one.
}

export interface StationAnswer {
  name: string;
  year: number | null;
  songs: SongFacts[];
  moved: number | null;
  farther_than: number | null;
  nearest: RegionDistance[];
}

export interface Status {
  summary: Record<string, string | number>;
  away: AwayPlace[]; // Where songs cannot be reached now, since when and why.
  failures: Failure[];
  failed: number; // How many files could not be read, of which failures is one page.
  ready: boolean; // Whether there is a space, so that questions are answered.
  words: boolean; // Whether the encoder knows words, so that /search is answered.
  sound: boolean; // Whether songs can be heard, and explained by: not where vectors were imported.
  version: string;
}

export interface SuggestAsked {
  artist_gap?: number; // Least songs between two of one artist.
  album_gap?: number; // Least songs between two of one album.
  most_of_artist?: number | null;
  versions?: boolean; // Several versions of one song may be in it.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  like: number[];
  dislike?: number[];
  count?: number;
}

export interface Suggestion {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  similarity: number;
  taste: number;
  because: SongFacts;
  others: number;
  why: string;
}

export interface Suggestions {
  suggestions: Suggestion[];
}

export interface Tree {
  order: string[]; // Names from top to bottom.
  joints: Joint[];
}

export interface Work {
  running: Running | null;
  last: Outcome | null; // What came of the last update that was begun here.
  snapshot: string; // Changes with the space, its songs and what is known of them.
  drawing: boolean; // Whether a better map is in the making.
}

export interface Yardstick {
  pairs: number;
  median: number | null;
}

export interface YearsAnswer {
  artist: string;
  station: string; // What stations are: album or year.
  stations: StationAnswer[];
  left_out: number;
  two_albums_of_one_artist: Yardstick;
  two_songs_of_different_artists: number | null;
  drift: DriftAnswer;
}
