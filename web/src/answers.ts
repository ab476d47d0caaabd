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
  values: (string | number)[]; // Distinct values, the most common first.
  codes: number[]; // Index into values for each song, or -1.
}

export interface Computing {
  state: "computing";
  method: "tsne" | "pca";
  seconds: number; // Seconds since the start.
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

export interface EventBody {
  kind: EventKind;
  songs: number[];
  rating?: number | null; // For kind rate; 0 takes the rating back.
  time?: number | null; // Seconds since 1970; by default now.
  player?: string; // Name of the program.
}

export type EventKind = "star" | "unstar" | "rate" | "play" | "skip";

export interface EventsKept {
  kept: boolean; // False if this server keeps no history.
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

export type Kind = "genres" | "artists" | "albums";

export interface LikedSong {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number; // Seconds.
  part: boolean; // Whether it is a part of its file, as a CUE sheet says: it is sent encoded.
  starred: number | null; // Time of the star, in seconds since 1970; null without one.
  rating: number; // From 1 to 5; 0 without one.
  plays: number;
  played: number | null; // Time of the last play, in seconds since 1970.
  skips: number;
}

export interface LikedSongs {
  songs: LikedSong[];
  total: number;
}

export interface LineBody {
  artist_gap?: number; // Least number of songs between two by one artist.
  album_gap?: number; // Least number of songs between two of one album.
  most_of_artist?: number | null; // Most songs by one artist.
  versions?: boolean; // Allow several versions of one song.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  length?: number | null; // Number of songs; by default 20.
  minutes?: number | null; // Approximate length in minutes.
  variety?: number; // 0: the best songs; 1: the most varied ones.
  seed?: number;
  transition?: number; // Weight of the end of a song and the beginning of the next one in a step.
  explain?: boolean; // Give the reason for each song.
  points: number[][]; // Points of the line, as coordinates on the map: x and y.
  method?: "tsne" | "pca"; // Method of the map.
  songs?: number[]; // Songs to choose from; by default all.
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

export type Listing = "liked" | "starred" | "highest" | "frequent" | "recent" | "skipped" | "forgotten";

export interface Map {
  state: "ready";
  method: "tsne" | "pca";
  snapshot: string; // Digest of the space and its songs; see /work.
  settled: boolean; // True for the map of this space; false for a previous one while a new map is computed.
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

export interface MixBody {
  artist_gap?: number; // Least number of songs between two by one artist.
  album_gap?: number; // Least number of songs between two of one album.
  most_of_artist?: number | null; // Most songs by one artist.
  versions?: boolean; // Allow several versions of one song.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  length?: number | null; // Number of songs; by default 20.
  minutes?: number | null; // Approximate length in minutes.
  variety?: number; // 0: the best songs; 1: the most varied ones.
  seed?: number;
  transition?: number; // Weight of the end of a song and the beginning of the next one in a step.
  explain?: boolean; // Give the reason for each song.
  songs: number[]; // Songs to choose from.
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

export interface OrderBody {
  artist_gap?: number; // Least number of songs between two by one artist.
  album_gap?: number; // Least number of songs between two of one album.
  most_of_artist?: number | null; // Most songs by one artist.
  versions?: boolean; // Allow several versions of one song.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  songs: number[];
  first?: number | null;
  last?: number | null;
  loosen?: boolean; // Use smaller gaps if these songs allow no order with the given ones.
  transition?: number;
  explain?: boolean;
}

export interface Outcome {
  ok: boolean;
  sentence: string; // Changes, or the reason why nothing could be done.
  ended: number; // Seconds since 1970.
}

export interface OverlappingPair {
  names: string[];
  overlap: Estimate;
  distance: number;
}

export interface PlayQueue {
  songs: number[]; // Ids of the songs that can be reached.
  current: number | null; // Place of the current song in the list, from 0.
  position: number; // Seconds in the current song.
  changed: number; // Time when it was written, in seconds since 1970; 0 if it never was.
  by: string; // Name of the program that wrote it.
}

export interface PlaylistAnswer {
  title: string;
  songs: ListedSong[];
  steps: number[]; // The distance of each song from the one before it.
  smoothness: Smoothness;
}

export interface PlaylistBody {
  title: string;
  songs: number[];
}

export interface PlaylistChange {
  title?: string | null; // By default unchanged.
  songs?: number[] | null; // All songs that are here; by default unchanged. Entries that are not here keep their places.
  remove?: number[]; // Positions in `order`, from 0, to remove.
  add?: number[]; // Songs to add at the end.
}

export interface Problem {
  type: string; // Always about:blank: the status gives the kind of problem.
  title: string;
  status: number;
  detail: string; // One sentence for a person.
}

export interface Quality {
  summary: Record<string, string | number>;
  hubs: Hub[];
}

export interface QueueBody {
  songs?: number[];
  current?: number | null; // Place of the current song, from 0.
  position?: number; // Seconds in the current song.
  player?: string; // Name of the program.
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
  stage: string; // Name of the stage, such as listening; empty at the beginning.
  done: number; // Finished steps of the stage.
  total: number; // All steps of the stage; 0 if unknown.
  left: number | null; // Seconds until the stage is done, if known.
  left_in_all: number | null; // Seconds until the run is done, if known.
  began: number; // Start of the run, in seconds since 1970.
  here: boolean; // True if this server began the run, and can stop it.
}

export interface SavedEntry {
  song: number | null; // Id of the song; null if it is not found now.
  name: string;
  away: number | null; // Time since which the song is away, in seconds since 1970, if known.
}

export interface SavedInFull {
  id: string;
  title: string;
  songs: number;
  seconds: number;
  comment: string;
  public: boolean; // What a player said; songspace shows no playlist to strangers.
  entries: SongFacts[]; // Songs that are found.
  missing: string[]; // Names of entries whose songs are not found.
  order: SavedEntry[]; // All entries in their order.
}

export interface SavedPlaylist {
  id: string;
  title: string;
  songs: number;
  seconds: number;
  comment: string;
  public: boolean; // What a player said; songspace shows no playlist to strangers.
}

export interface SavedPlaylists {
  playlists: SavedPlaylist[];
}

export interface SimilarAlbum {
  album: string;
  artist: string;
  songs: number;
  similarity: number; // Mutual proximity, 0 to 1: of two sets, how many are farther apart.
  distance: number; // Mean distance of each song to the nearest song of the other, 0 to 2.
  song: SongFacts; // The most typical song of this album.
}

export interface SimilarAlbums {
  album: string;
  artist: string;
  similar: SimilarAlbum[];
}

export interface SimilarArtist {
  artist: string;
  songs: number;
  similarity: number; // Mutual proximity, 0 to 1: of two sets, how many are farther apart.
  distance: number; // Mean distance of each song to the nearest song of the other, 0 to 2.
  song: SongFacts; // The most typical song of this artist.
}

export interface SimilarArtists {
  artist: string;
  similar: SimilarArtist[];
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
  next: number | null; // Offset of the next page, if there is one.
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
  failed: number; // Number of files that could not be read; failures is one page of them.
  ready: boolean; // True if there is a space to answer queries.
  words: boolean; // True if the encoder knows words, so that /search can be used.
  sound: boolean; // True if songs can be played and similarities explained: false for imported vectors.
  version: string;
}

export interface SuggestBody {
  artist_gap?: number; // Least number of songs between two by one artist.
  album_gap?: number; // Least number of songs between two of one album.
  most_of_artist?: number | null;
  versions?: boolean; // Allow several versions of one song.
  shortest?: number | null; // Seconds.
  longest?: number | null; // Seconds.
  where?: string | null; // As in "year >= 1990 and genre ~ jazz".
  without?: number[]; // Songs to leave out.
  like?: number[]; // By default what is starred, rated high and played often.
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
  last: Outcome | null; // Result of the last update that this server began.
  snapshot: string; // Digest of the space and its songs; it changes with them.
  drawing: boolean; // True while a better map is computed.
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
