"""What the API is asked: queries and bodies, with their limits, as its OpenAPI document tells them."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from songspace.answers.request import DEFAULT_GAP, ListRequest, Ruling
from songspace.playlists.steps import TRANSITION

LONGEST_LIST = 300
"""Songs in a list that is made."""
LONGEST_ORDER = 1000
"""Songs that are put into order, or are liked."""
LONGEST_SAVED = 5000
"""Songs in a playlist that is kept."""
LONGEST_LINE = 1000
"""Corners of a line that is drawn."""
LARGEST_REGION = 20_000
"""Songs that a mix is made from."""

Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
SongId = Annotated[int, Path(ge=1, le=2**53 - 1, description="A song's number in this library.")]
PlaylistId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]


class Asked(BaseModel):
    """What is not known of a question, is refused: a slip would go unnoticed otherwise."""

    model_config = ConfigDict(extra="forbid")


class SongsQuery(Asked):
    q: str | None = Field(None, max_length=200, description="Words of artist, title, album and file name.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class NeighboursQuery(Asked):
    count: int = Field(10, ge=1, le=500)
    explain: bool = Field(False, description="Say which seconds sound alike.")
    versions: bool = Field(False, description="Several versions of a song, those of the songs asked for among them.")


class MeaningQuery(Asked):
    q: str = Field(min_length=1, max_length=200, description='Words, as in "sad piano".')
    count: int = Field(10, ge=1, le=500)


class AudioQuery(Asked):
    format: Literal["mp3", "opus", "webm"] | None = Field(
        None, description="Encoded while it is sent, without ranges: Opus comes in Ogg, or in WebM. None: as it is."
    )
    start: float = Field(0.0, ge=0, le=10**6, description="The second at which what is encoded begins.")

    @model_validator(mode="after")
    def _only_what_is_encoded_begins_elsewhere(self) -> AudioQuery:
        if self.start and self.format is None:
            raise ValueError("start needs a format: of the file as it is, ask for a range")
        return self


class SimilarQuery(NeighboursQuery):
    song: list[Id] = Field(min_length=1, max_length=50)


class Rules(Asked):
    """The rules of a list, as for ``songspace radio``."""

    artist_gap: int = Field(DEFAULT_GAP, ge=0, le=100, description="Least songs between two of one artist.")
    album_gap: int = Field(0, ge=0, le=100, description="Least songs between two of one album.")
    most_of_artist: int | None = Field(None, ge=1, le=1000, description="At most so many songs of one artist.")
    versions: bool = Field(False, description="Several versions of one song may be in it.")
    shortest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    longest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    without: list[Id] = Field([], max_length=LONGEST_ORDER, description="Songs to leave out.")

    def ruling(self) -> Ruling:
        """Return these rules as those who make lists take them."""
        return Ruling(
            **{field.name: getattr(self, field.name) for field in fields(Ruling) if hasattr(self, field.name)}
        )

    def request(self) -> ListRequest:
        """Return the whole request as those who make lists take it."""
        wanted = (field.name for field in fields(ListRequest) if hasattr(self, field.name))
        return ListRequest(**{name: getattr(self, name) for name in wanted}, rules=self.ruling())


class ListRules(Rules):
    length: int | None = Field(None, ge=1, le=LONGEST_LIST, description="Songs; 20, if there are so many.")
    minutes: float | None = Field(None, ge=1, le=1200, description="About so many minutes.")
    variety: float = Field(0.0, ge=0, le=1, description="0: the best; 1: the most varied.")
    seed: int = Field(0, ge=0, le=2**32 - 1)
    transition: float = Field(
        TRANSITION, ge=0, le=1, description="How much a song's end and the next one's beginning weigh in a step."
    )
    explain: bool = Field(False, description="Say why each song is there.")


class RadioQuery(ListRules):
    song: list[Id] = Field(min_length=1, max_length=50)
    minus: list[Id] = Field([], max_length=50, description="Songs to steer away from.")


class PathQuery(ListRules):
    start: Id
    end: Id
    via: list[Id] = Field([], max_length=20)


class OrderAsked(Rules):
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_ORDER)
    first: Id | None = None
    last: Id | None = None
    loosen: bool = Field(True, description="Keep smaller gaps where these songs cannot keep those asked for.")
    transition: float = Field(TRANSITION, ge=0, le=1)
    explain: bool = False


class MixesQuery(Rules):
    count: int | None = Field(None, ge=1, le=50, description="How many; as many as the library falls into.")
    length: int | None = Field(None, ge=1, le=LONGEST_LIST)
    minutes: float | None = Field(None, ge=1, le=1200)
    variety: float = Field(0.3, ge=0, le=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)


Coordinate = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Method = Literal["tsne", "pca"]


class LineAsked(ListRules):
    points: list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]] = Field(
        min_length=1, max_length=LONGEST_LINE, description="The corners of the line, as places on the map: x and y."
    )
    method: Method = Field("tsne", description="The map that it was drawn on.")
    songs: list[Id] = Field(
        [], max_length=LARGEST_REGION, description="The songs to choose from; all, if none are named."
    )


class MixAsked(ListRules):
    songs: list[Id] = Field(min_length=1, max_length=LARGEST_REGION, description="The songs to choose from.")


class SuggestAsked(Rules):
    like: list[Id] = Field(min_length=1, max_length=LONGEST_ORDER)
    dislike: list[Id] = Field([], max_length=LONGEST_ORDER)
    count: int = Field(20, ge=1, le=LONGEST_LIST)
    most_of_artist: int | None = Field(3, ge=1, le=1000)


class RegionsQuery(Asked):
    most: int = Field(200, ge=2, le=500, description="Look at so many regions, the largest.")


class BetweenQuery(RegionsQuery):
    a: Name
    b: Name


class YearsQuery(Asked):
    artist: Name


Tag = Literal["artist", "title", "album", "genre", "year"]
Trait = Literal["group", "isolation", "hubness"]


class MapQuery(Asked):
    method: Method = "tsne"
    column: list[Tag | Trait] = Field(
        [],
        max_length=8,
        description="What to tell of each song beside its place: tags; the group that it falls into by sound; how far "
        "the tenth nearest song is; in how many songs' ten nearest it stands.",
    )


class FailuresQuery(Asked):
    limit: int = Field(100, ge=0, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class FileQuery(Asked):
    format: Literal["m3u8", "xspf", "jspf"] = "m3u8"


class PlaylistAsked(Asked):
    title: str = Field(min_length=1, max_length=200)
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_SAVED)


class PlaylistChanged(Asked):
    title: str | None = Field(None, min_length=1, max_length=200, description="As it was, if left out.")
    songs: list[Id] | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_SAVED,
        description="All of those that are here; as they were, if left out. What is not here stays where it was.",
    )
    remove: list[Annotated[int, Field(ge=0)]] = Field(
        [], max_length=LONGEST_SAVED, description="Places in `order`, from 0 on, which are taken out."
    )
    add: list[Id] = Field([], max_length=LONGEST_SAVED, description="Songs to add at the end.")
