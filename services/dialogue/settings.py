"""Dialogue settings: when a person is taken to have finished, to interrupt, or to be silent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DialogueSettings"]

_PROMPT = (
    "You are Sotto, a voice assistant that runs on the user's own machine. Answer in the user's language, in one to "
    "three short spoken sentences, without lists, markdown or emoji. Use a tool when one fits. "
    "An answer of yours that ends in — was cut off there by the user: they heard nothing after it."
)


class DialogueSettings(BaseModel):
    """How the assistant takes turns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = "en"
    """Language of the conversation until an event says another (ISO 639-1); en, de, fr and es are known."""
    detect_language: bool = False
    """Let recognition find the language of every utterance instead of assuming the conversation's."""
    wake: tuple[str, ...] = ()
    """Wake words that open the microphone; none: it is open during the whole conversation."""
    wake_window_ms: int = Field(5000, ge=500)
    """How long the microphone stays open after a wake word when nothing is said."""
    follow_up_ms: int = Field(8000, ge=0)
    """How long after an answer no wake word is needed."""
    min_wait_ms: int = Field(250, ge=0)
    """Silence after which a complete request is taken as finished."""
    wait_ms: int = Field(600, ge=0)
    """Silence after which other speech is taken as finished."""
    max_wait_ms: int = Field(1200, ge=0)
    """Silence after which a sentence that hangs ("set a timer for") is taken as finished all the same."""
    preroll_ms: int = Field(300, ge=0)
    """How much of the sound before the onset of speech recognition gets."""
    max_utterance_s: float = Field(60.0, gt=0)
    """Longest utterance; what is said beyond it is not listened to."""
    barge_in_ms: int = Field(800, ge=100)
    """Speech of this length over an answer interrupts it even when no word was understood yet."""
    barge_in_confidence: float = Field(0.5, ge=0, le=1)
    """Words over an answer interrupt it while they are spoken once recognition is so sure of them."""
    noise_ms: int = Field(500, ge=0)
    """A sound up to this length that no words were found in is noise: nobody is asked to say it again."""
    ask_again: int = Field(2, ge=0)
    """How often in a row the person is asked to say it again before the assistant stays quiet."""
    first_clause_chars: int = Field(20, ge=1)
    """The first clause of an answer may end at a comma once it has this many characters."""
    clause_chars: int = Field(60, ge=1)
    """A later clause may end at a comma once it has this many characters, at a full stop with a third of them."""
    max_clause_chars: int = Field(220, ge=20)
    """A clause is cut at the next space beyond this many characters."""
    recognition_timeout_s: float = Field(30.0, gt=0)
    """How long recognition may take after the end of an utterance before it is taken as lost."""
    skill_timeout_s: float = Field(10.0, gt=0)
    """How long a skill may take before it is taken as lost."""
    model_timeout_s: float = Field(45.0, gt=0)
    """How long the language model may say nothing before it is taken as lost."""
    speech_timeout_s: float = Field(15.0, gt=0)
    """How long the voice or the speaker may make no progress before they are taken as lost."""
    system_prompt: str = _PROMPT
    """What the language model is told before the conversation."""
    history_turns: int = Field(24, ge=0)
    """How many past turns the language model is told of."""
    recall_ms: float = Field(30.0, ge=0)
    """How long the question to the language model waits for what memory knows of it; 0 asks no memory."""
    recall_items: int = Field(5, ge=1)
    """How many memories the language model is told at most."""
    recall_tokens: int = Field(300, ge=1)
    """How many tokens they take at most, roughly."""
    max_tokens: int = Field(400, ge=1)
    """Longest answer of the language model."""
    temperature: float = Field(0.7, ge=0)
    """Sampling temperature of the language model."""
    seed: int = 0
    """Seed of the language model's sampling."""
    prepare_words: int = Field(3, ge=0)
    """While a person speaks, the language model reads along each time so many more words are sure; 0 for never."""
    tool_rounds: int = Field(4, ge=0)
    """How often in one turn the language model may call tools before it has to answer."""
