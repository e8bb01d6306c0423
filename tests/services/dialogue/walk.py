"""A pure conversation for walks: the reducer, its wakes, and what is open at the services, without bus or time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.dialogue.commands import Fence, Forget, Publish, WakeAt, Woke
from services.dialogue.endpointing import adaptive_wait
from services.dialogue.reducer import reduce
from services.dialogue.settings import DialogueSettings
from services.dialogue.state import Rules, State
from shared.clock import ManualClock
from shared.events import (
    AudioCaptured,
    AudioPause,
    AudioPlayed,
    AudioResume,
    AudioStop,
    Event,
    LlmRequest,
    LlmResponse,
    ServiceReady,
    SpeechEnded,
    SpeechStarted,
    Stamp,
    SttCancel,
    SttFailed,
    SttFinal,
    SttFinish,
    SttStart,
    ToolCall,
    ToolResult,
    TtsAudio,
    TtsFinished,
    TtsRequest,
    TurnFinished,
    TurnStarted,
    Usage,
    WordMark,
)
from shared.ids import id_source

USAGE = Usage(
    prompt_tokens=1,
    cached_tokens=0,
    completion_tokens=1,
    dropped_messages=0,
    queue_ns=0,
    prefill_ns=0,
    decode_ns=0,
)


def fresh(**settings: object) -> State:
    """A conversation that has just begun."""
    chosen = DialogueSettings.model_validate(settings)
    return State(Rules(chosen, adaptive_wait(chosen)), "en")


@dataclass
class Walk:
    """Feeds the reducer and holds every step against what must always be true."""

    state: State = field(default_factory=fresh)
    clock: ManualClock = field(default_factory=ManualClock)
    published: list[Event] = field(default_factory=list)
    wakes: dict[str, int] = field(default_factory=dict)
    """By name: when it is due, in samples of a capture clock that never stands still."""
    open_turn: int = 0
    fenced: int = 0
    position: int = 0
    voiced: bool = False
    recognising: str = ""
    finishing: str = ""
    call: int = 0
    request: int = 0
    clauses: list[TtsRequest] = field(default_factory=list)
    paused: str = ""

    def __post_init__(self) -> None:
        self.stamp = Stamp("test", self.clock, id_source("e"), "s")

    # ---- one step

    def feed(self, kind: type[Event], *, turn: int | None = None, **fields: object) -> None:
        """Let an event happen."""
        self._note(kind, fields)
        self.step(self.stamp(kind, turn=turn, **fields))

    def step(self, event: Event | Woke) -> None:
        """Reduce, and carry out the commands as the shell would."""
        self.state, commands = reduce(self.state, event, self.clock.now_ns())
        assert self.state.commands == ()
        for command in commands:
            if isinstance(command, Publish):
                self._published(command)
            elif isinstance(command, Fence):
                assert command.turn > self.fenced or command.turn == self.fenced
                self.fenced = command.turn
                self.clauses = [clause for clause in self.clauses if clause.turn >= self.fenced]
            elif isinstance(command, Forget):
                self.wakes.pop(command.name, None)
            elif isinstance(command, WakeAt):
                self.wakes[command.name] = command.sample
            else:
                self.wakes[command.name] = self.position + command.ns // 62_500

    def ring(self, name: str) -> None:
        """A wake that was asked for is due."""
        self.capture(max(0, self.wakes.pop(name) - self.position))
        self.step(Woke(name))

    def capture(self, samples: int) -> None:
        """Sound comes in."""
        self.clock.advance(samples * 62_500)
        self.position += samples
        self.feed(AudioCaptured, first_sample=self.position, rate=16_000, pcm=b"")

    def _note(self, kind: type[Event], fields: dict[str, object]) -> None:
        self.voiced = kind is SpeechStarted or (self.voiced and kind is not SpeechEnded)
        if kind in (SttFinal, SttFailed):
            if fields["utterance"] == self.recognising:
                self.recognising = ""
            if fields["utterance"] == self.finishing:
                self.finishing = ""

    def _published(self, command: Publish) -> None:
        event = self.stamp(command.kind, turn=command.turn, **command.fields)
        self.published.append(event)
        match event:
            case TurnStarted():
                assert self.open_turn == 0, "a turn began within another"
                assert event.turn > self.fenced - 1
                self.open_turn = event.turn
            case TurnFinished():
                assert event.turn == self.open_turn, "a turn ended that was not open"
                self.open_turn = 0
                self.call = self.request = 0
            case SttStart():
                assert not self.recognising, "two utterances are recognised at once"
                self.recognising = event.utterance
            case SttCancel():
                assert event.utterance == self.recognising
                self.recognising = self.finishing = ""
            case SttFinish():
                assert event.utterance == self.recognising
                self.finishing = event.utterance
            case ToolCall():
                assert event.turn == self.open_turn
                self.call = event.turn
            case LlmRequest():
                assert event.turn == self.open_turn
                assert event.messages[-1].role in ("user", "tool")
                self.request = event.turn
            case TtsRequest():
                assert event.turn == self.open_turn >= self.fenced, "speech of a turn that is over"
                assert event.clause == sum(c.reply == event.reply for c in self.sent()) - 1, "clauses have a gap"
                self.clauses.append(event)
            case AudioPause():
                self.paused = event.reply
            case AudioResume():
                assert event.reply == self.paused
                self.paused = ""
            case AudioStop():
                self.clauses = [c for c in self.clauses if event.reply not in ("", c.reply)]
                self.paused = "" if event.reply in ("", self.paused) else self.paused

    def sent(self) -> list[TtsRequest]:
        """Every clause that was ever sent."""
        return [event for event in self.published if isinstance(event, TtsRequest)]

    def finished(self) -> list[TurnFinished]:
        """How each turn ended."""
        return [event for event in self.published if isinstance(event, TurnFinished)]

    # ---- the world at its best

    def play(self, clause: TtsRequest) -> None:
        """Speak a clause and play it to its end."""
        mark = WordMark(start=0, end=len(clause.text.rstrip()), first_sample=0, until_sample=100)
        place = {"reply": clause.reply, "clause": clause.clause, "rate": 16_000}
        self.feed(TtsAudio, turn=clause.turn, **place, first_sample=0, marks=(mark,), last=True, pcm=bytes(200))
        self.feed(TtsFinished, turn=clause.turn, **place, samples=100, engine="walk", synthesis_ns=1)
        self.feed(AudioPlayed, turn=clause.turn, **place, until_sample=100, capture_sample=self.position, ended=True)

    def final(self, text: str, *, trusted: bool = True, others: tuple[str, ...] = ()) -> None:
        """Recognition answers; with `others` it is in doubt."""
        self.feed(
            SttFinal,
            turn=0,
            utterance=self.recognising,
            text=text,
            words=(),
            language="en",
            confidence=0.9,
            trusted=trusted and not others,
            mode="dictation",
            others=others,
            engine="walk",
            start_sample=0,
            until_sample=self.position,
            decode_ns=1,
        )

    def result(self, speech: str, *, turn: int | None = None, outcome: str = "answered", action: str = "none") -> None:
        """A skill answers."""
        turn, self.call = turn or self.call, 0
        self.feed(
            ToolResult,
            turn=turn,
            outcome=outcome,
            name="skill",
            speech=speech,
            data={},
            action=action,
            language="en",
        )

    def response(self, text: str) -> None:
        """The model answers."""
        turn, self.request = self.request, 0
        self.feed(
            LlmResponse,
            turn=turn,
            request="",
            text=text,
            finish="stop",
            tool_requests=(),
            usage=USAGE,
            model="walk",
        )

    def settle(self) -> None:
        """Let everybody do what is asked of them until nothing is asked any more."""
        for service in sorted(self.state.dead):
            self.feed(ServiceReady, turn=0, service=service)
        for _ in range(400):
            if not self._do_one_thing():
                return
        raise AssertionError("the conversation never comes to rest")

    def _do_one_thing(self) -> bool:
        if self.voiced:
            self.feed(SpeechEnded, turn=0, start_sample=0, sample=self.position, noticed_sample=self.position)
        elif self.finishing:
            self.final("")
        elif self.call:
            self.result("Done.")
        elif self.request:
            self.response("That is all I know.")
        elif self.clauses and not self.paused:
            self.play(self.clauses.pop(0))
        elif self.wakes:
            self.ring(min(self.wakes, key=lambda name: self.wakes[name]))
        else:
            return False
        return True

    def ask(self, text: str) -> None:
        """A person asks, and everybody does what is asked of them."""
        self.capture(320)
        self.feed(SpeechStarted, turn=0, sample=self.position - 320, noticed_sample=self.position, probability=0.9)
        self.capture(16_000)
        self.feed(SpeechEnded, turn=0, start_sample=0, sample=self.position, noticed_sample=self.position)
        self.ring("endpoint")
        self.final(text)
        self.settle()

    def open_microphone(self) -> None:
        """Do without wake words from now on."""
        rules = self.state.rules
        self.state = replace(self.state, rules=replace(rules, settings=rules.settings.model_copy(update={"wake": ()})))
