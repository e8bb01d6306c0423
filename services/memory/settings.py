"""What can be set about memory."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MemorySettings"]


class MemorySettings(BaseModel):
    """What is remembered, for how long, and how it is found again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether anything is remembered beyond the conversation. Switched off, what was kept stays where it is, unused."""
    folder: Path | None = None
    """Where it is kept: the texts in `memory.sqlite3`, their vectors, which can be made again, in `vectors`. By default
    `sotto/memory` in the folder for a person's data."""
    turns: bool = True
    """Keep what was said and heard when the language model answered; facts are kept in any case."""
    notice: bool = True
    """Where there is a language model, let it find facts in what is said in passing; they are told back."""
    conversations: bool = True
    """Keep conversations as they were heard, so that a later session can go on with one (`sotto --resume`)."""
    summarise_turns: int = Field(20, ge=0)
    """When so many turns of a conversation are told to the language model in full, it sums the oldest up; 0 for never.
    Less than dialogue.history_turns, so that none is left out before."""
    keep_told_turns: int = Field(8, ge=0)
    """The newest turns, which are never summed up."""
    keep_turns_days: float = Field(0, ge=0)
    """Days after which turns are deleted, those of conversations too; 0 keeps them for good."""
    keep_facts_days: float = Field(0, ge=0)
    """Days after which a fact is deleted; 0 keeps it for good."""
    vectors: bool = True
    """Find by meaning as well as by words; needs ChromaDB (`scripts/setup memory`)."""
    chroma_url: str = Field("", pattern=r"^(https?://[^/\s]+)?/?$")
    """A ChromaDB server that holds the vectors, as http://127.0.0.1:8000; empty for the one built in."""
    embed_wait_ms: float = Field(20.0, gt=0)
    """How long a question waits for its vector; after that it is answered by words alone."""
    floor: float = Field(0.35, ge=0, le=1)
    """Least likeness (cosine) of meaning that counts as an answer, with a model that knows meaning."""
    word_floor: float = Field(0.5, ge=0, le=1)
    """Least part of a question's words that an item must hold to count as an answer."""
    forget_wait_s: float = Field(5.0, gt=0)
    """How long a receipt waits for the other stores."""
    watch: tuple[Path, ...] = ()
    """Folders whose files are kept as documents, and updated as they change."""
    watch_s: float = Field(60.0, ge=1)
    """Seconds between looks at those folders."""

    @property
    def root(self) -> Path:
        """The folder that holds it."""
        if self.folder is not None:
            return self.folder.expanduser()
        from platformdirs import user_data_path

        return user_data_path("sotto") / "memory"
