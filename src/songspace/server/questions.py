"""The parameters of the API: queries and bodies with their limits, for validation and the OpenAPI document."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from songspace.answers.likes import Listing
from songspace.answers.request import DEFAULT_GAP, ListRequest, Ruling
from songspace.library.likes import HIGHEST, EventKind
from songspace.playlists.steps import TRANSITION

LONGEST_LIST = 300
"""Most songs in a new playlist."""
LONGEST_ORDER = 1000
"""Most songs to put into order, or in a taste."""
LONGEST_SAVED = 5000
"""Most songs in a saved playlist."""
LONGEST_LINE = 1000
"""Most points of a drawn line."""
LARGEST_REGION = 20_000
"""Most songs to make a mix from."""

Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
SongId = Annotated[int, Path(ge=1, le=2**53 - 1, description="A song's number in this library.")]
PlaylistId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]


class Parameters(BaseModel):
    """A query or body; unknown parameters are refused, so that typing errors are noticed."""

    model_config = ConfigDict(extra="forbid")


class SongsQuery(Parameters):
    q: str | None = Field(None, max_length=200, description="Words of artist, title, album and file name.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class NeighboursQuery(Parameters):
    count: int = Field(10, ge=1, le=500)
    explain: bool = Field(False, description="Name the seconds that sound alike.")
    versions: bool = Field(
        False, description="Include several versions of a song, and other versions of the given songs."
    )


class MeaningQuery(Parameters):
    q: str = Field(min_length=1, max_length=200, description='Words, as in "sad piano".')
    count: int = Field(10, ge=1, le=500)


class CoverQuery(Parameters):
    size: int | None = Field(None, ge=1, le=10**4, description="Most pixels in width and height. None: as it is.")


class AudioQuery(Parameters):
    format: Literal["mp3", "opus", "webm"] | None = Field(
        None, description="Encode while sending, without ranges; Opus comes in Ogg or in WebM. None: the file itself."
    )
    start: float = Field(0.0, ge=0, le=10**6, description="Second at which the encoded song begins.")

    @model_validator(mode="after")
    def _start_needs_a_format(self) -> AudioQuery:
        if self.start and self.format is None:
            raise ValueError("start needs a format; without one, use a range")
        return self


class ArtistsQuery(Parameters):
    artist: Name
    count: int = Field(10, ge=1, le=500)


class AlbumsQuery(Parameters):
    album: Name = Field(description='As "title" or "artist - title".')
    count: int = Field(10, ge=1, le=500)


class SimilarQuery(NeighboursQuery):
    song: list[Id] = Field(min_length=1, max_length=50)


class RuleFields(Parameters):
    """The rules of a list, as for ``songspace radio``."""

    artist_gap: int = Field(DEFAULT_GAP, ge=0, le=100, description="Least number of songs between two by one artist.")
    album_gap: int = Field(0, ge=0, le=100, description="Least number of songs between two of one album.")
    most_of_artist: int | None = Field(None, ge=1, le=1000, description="Most songs by one artist.")
    versions: bool = Field(False, description="Allow several versions of one song.")
    shortest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    longest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    without: list[Id] = Field([], max_length=LONGEST_ORDER, description="Songs to leave out.")

    def ruling(self) -> Ruling:
        """Return the rules in the form for :mod:`songspace.answers`."""
        return Ruling(
            **{field.name: getattr(self, field.name) for field in fields(Ruling) if hasattr(self, field.name)}
        )

    def request(self) -> ListRequest:
        """Return the whole request in the form for :mod:`songspace.answers`."""
        wanted = (field.name for field in fields(ListRequest) if hasattr(self, field.name))
        return ListRequest(**{name: getattr(self, name) for name in wanted}, rules=self.ruling())


class ListFields(RuleFields):
    length: int | None = Field(None, ge=1, le=LONGEST_LIST, description="Number of songs; by default 20.")
    minutes: float | None = Field(None, ge=1, le=1200, description="Approximate length in minutes.")
    variety: float = Field(0.0, ge=0, le=1, description="0: the best songs; 1: the most varied ones.")
    seed: int = Field(0, ge=0, le=2**32 - 1)
    transition: float = Field(
        TRANSITION, ge=0, le=1, description="Weight of the end of a song and the beginning of the next one in a step."
    )
    explain: bool = Field(False, description="Give the reason for each song.")


class RadioQuery(ListFields):
    song: list[Id] = Field([], max_length=50)
    artist: list[Name] = Field([], max_length=10, description="Artists to start from, by their names.")
    album: list[Name] = Field([], max_length=10, description='Albums to start from, as "title" or "artist - title".')
    minus: list[Id] = Field([], max_length=50, description="Songs to avoid the sound of.")

    @model_validator(mode="after")
    def _something_to_start_from(self) -> RadioQuery:
        if not (self.song or self.artist or self.album):
            raise ValueError("a radio needs a song, an artist or an album to start from")
        return self


class PathQuery(ListFields):
    start: Id
    end: Id
    via: list[Id] = Field([], max_length=20)


class OrderBody(RuleFields):
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_ORDER)
    first: Id | None = None
    last: Id | None = None
    loosen: bool = Field(True, description="Use smaller gaps if these songs allow no order with the given ones.")
    transition: float = Field(TRANSITION, ge=0, le=1)
    explain: bool = False


class MixesQuery(RuleFields):
    count: int | None = Field(
        None, ge=1, le=50, description="Number of mixes; by default the number of groups in the library."
    )
    length: int | None = Field(None, ge=1, le=LONGEST_LIST)
    minutes: float | None = Field(None, ge=1, le=1200)
    variety: float = Field(0.3, ge=0, le=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)


Coordinate = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Method = Literal["tsne", "pca"]


class LineBody(ListFields):
    points: list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]] = Field(
        min_length=1, max_length=LONGEST_LINE, description="Points of the line, as coordinates on the map: x and y."
    )
    method: Method = Field("tsne", description="Method of the map.")
    songs: list[Id] = Field([], max_length=LARGEST_REGION, description="Songs to choose from; by default all.")


class MixBody(ListFields):
    songs: list[Id] = Field(min_length=1, max_length=LARGEST_REGION, description="Songs to choose from.")


class SuggestBody(RuleFields):
    like: list[Id] = Field(
        [], max_length=LONGEST_ORDER, description="By default what is starred, rated high and played often."
    )
    dislike: list[Id] = Field([], max_length=LONGEST_ORDER)
    count: int = Field(20, ge=1, le=LONGEST_LIST)
    most_of_artist: int | None = Field(3, ge=1, le=1000)


class LikesQuery(Parameters):
    which: Listing = Field(Listing.liked, description="forgotten: liked, but not played for a season.")
    limit: int = Field(100, ge=1, le=5000)
    offset: int = Field(0, ge=0, le=10**9)


class EventBody(Parameters):
    kind: EventKind
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_SAVED)
    rating: int | None = Field(None, ge=0, le=HIGHEST, description="For kind rate; 0 takes the rating back.")
    time: float | None = Field(
        None, ge=0, le=10**11, allow_inf_nan=False, description="Seconds since 1970; by default now."
    )
    player: str = Field("", max_length=200, description="Name of the program.")

    @model_validator(mode="after")
    def _a_rating_for_rate(self) -> EventBody:
        if (self.kind is EventKind.rate) != (self.rating is not None):
            raise ValueError("rating belongs to kind rate, and to no other")
        return self


class RegionsQuery(Parameters):
    most: int = Field(200, ge=2, le=500, description="Number of regions, the largest first.")


class BetweenQuery(RegionsQuery):
    a: Name
    b: Name


class YearsQuery(Parameters):
    artist: Name


Tag = Literal["artist", "title", "album", "genre", "year"]
Trait = Literal["group", "isolation", "hubness"]


class MapQuery(Parameters):
    method: Method = "tsne"
    column: list[Tag | Trait] = Field(
        [],
        max_length=8,
        description="Columns for each song, beside its coordinates: tags; group: the group by sound; isolation: the "
        "distance of the tenth nearest song; hubness: the number of songs that have it among their ten nearest.",
    )


class FailuresQuery(Parameters):
    limit: int = Field(100, ge=0, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class FileQuery(Parameters):
    format: Literal["m3u8", "xspf", "jspf"] = "m3u8"


class QueueBody(Parameters):
    songs: list[Id] = Field([], max_length=LONGEST_SAVED)
    current: int | None = Field(None, ge=0, lt=LONGEST_SAVED, description="Place of the current song, from 0.")
    position: float = Field(0.0, ge=0, le=10**6, allow_inf_nan=False, description="Seconds in the current song.")
    player: str = Field("", max_length=200, description="Name of the program.")


class PlaylistBody(Parameters):
    title: str = Field(min_length=1, max_length=200)
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_SAVED)


class PlaylistChange(Parameters):
    title: str | None = Field(None, min_length=1, max_length=200, description="By default unchanged.")
    songs: list[Id] | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_SAVED,
        description="All songs that are here; by default unchanged. Entries that are not here keep their places.",
    )
    remove: list[Annotated[int, Field(ge=0)]] = Field(
        [], max_length=LONGEST_SAVED, description="Positions in `order`, from 0, to remove."
    )
    add: list[Id] = Field([], max_length=LONGEST_SAVED, description="Songs to add at the end.")
