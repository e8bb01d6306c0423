"""The `sotto` command: a conversation without a subcommand, and the tools around it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigError, SottoError
from shared.telemetry import silence_telemetry
from ui.cli import cache, daemon, embed, letters, memory, models, sessions
from ui.cli.dashboard import dashboard
from ui.cli.options import Json
from ui.cli.session import Session, errors
from ui.cli.units import install_service

__all__ = ["app", "main"]

app = typer.Typer(
    name="sotto",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(embed.app)
app.add_typer(letters.app, name="bus")
app.add_typer(cache.app, name="cache")
app.add_typer(daemon.app, name="daemon")
app.add_typer(models.app, name="models")
models.app.command("convert")(embed.convert_model)
app.add_typer(memory.app, name="memory")
app.add_typer(sessions.app, name="sessions")
app.command()(dashboard)
app.command("install-service")(install_service)


def main() -> None:
    """Run the command line; every foreseen error is a sentence and a remedy on standard error, and exit status 1."""
    silence_telemetry()
    try:
        app(_resuming(sys.argv[1:]))
    except SottoError as error:
        errors().print(error.message, style="red", soft_wrap=True)
        if error.remedy:
            errors().print(error.remedy, soft_wrap=True)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def sotto(
    context: typer.Context,
    text: Annotated[bool, typer.Option("--text", help="Type instead of speaking.")] = False,
    input: Annotated[
        str | None, typer.Option(help="Microphone by name or number, a WAV or FLAC file, or - for raw 16 kHz PCM.")
    ] = None,
    output: Annotated[str | None, typer.Option(help="Speaker by name or number, a WAV file, - or null.")] = None,
    json: Json = False,
    wake: Annotated[list[str] | None, typer.Option(help="Wake word, as hey_jarvis; may be repeated.")] = None,
    language: Annotated[str | None, typer.Option(help="en, de, fr or es.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file instead of sotto.toml.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting; `sotto config` lists them.")
    ] = None,
    bus: Annotated[str | None, typer.Option(help="Redis where processes meet, as redis://HOST:6379.")] = None,
    all_but: Annotated[
        list[str] | None, typer.Option("--all-but", help="A service that another process runs; may be repeated.")
    ] = None,
    resume: Annotated[
        str, typer.Option(metavar="[NAME]", help="Go on with a conversation, by its name; without one, with the last.")
    ] = "",
    named: Annotated[
        str, typer.Option("--session", metavar="NAME", help="Hold the conversation of this name, or begin it.")
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
    or_demo: Annotated[
        bool, typer.Option("--or-demo", help="Without a microphone, hold the demonstration first, then type.")
    ] = False,
) -> None:
    """A private voice assistant: speak, be answered, interrupt. Nothing leaves your machine.

    Without a command it holds a conversation through microphone and speaker, until Ctrl-C; a text that is piped in is
    answered by the language model instead.
    """
    flags: dict[str, object] = {
        "audio.input": input,
        "audio.output": output,
        "wake": tuple(wake) if wake else None,
        "language": language,
        "bus.url": bus,
        "bus.elsewhere": tuple(all_but) if all_but else None,
        "log.level": "info" if verbose else None,
        **_settings(set or []),
    }
    session = Session(flags, config, os.environ)
    session.resume, session.name = resume, named
    context.obj = session
    if context.invoked_subcommand is None:
        if not (text or or_demo or wake or any(key.startswith("audio.") and flags[key] for key in flags)):
            from ui.cli.piped import is_piped

            if is_piped():
                from ui.cli.generate import answer_piped

                raise typer.Exit(answer_piped(session, as_json=json))
        from ui.cli.conversation import hold

        raise typer.Exit(hold(session, text=text, as_json=json, or_demo=or_demo))


@app.command()
def ask(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="What to ask.")],
    speak: Annotated[bool, typer.Option("--speak", help="Speak the answer as well.")] = False,
    json: Json = False,
) -> None:
    """Ask one thing and print the answer."""
    from ui.cli.conversation import ask_once

    raise typer.Exit(ask_once(context.obj, " ".join(text), speak=speak, as_json=json))


@app.command()
def demo(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the answers are written.")] = Path(
        "sotto-demo.wav"
    ),
) -> None:
    """Hold a spoken conversation without a microphone or a speaker: questions in, answers into a WAV file."""
    from ui.cli.conversation import demonstrate

    raise typer.Exit(demonstrate(context.obj, output))


@app.command()
def listen(
    context: typer.Context,
    input: Annotated[str | None, typer.Option(help="As `sotto --input`.")] = None,
    json: Json = False,
) -> None:
    """Write down what is said, live, until Ctrl-C."""
    from ui.cli.conversation import take_dictation

    context.obj.given(audio__input=input)
    raise typer.Exit(take_dictation(context.obj, as_json=json))


@app.command()
def transcribe(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="WAV, FLAC, OGG or MP3.")],
    engine: Annotated[str | None, typer.Option(help="auto, faster-whisper or pocketsphinx.")] = None,
    json: Json = False,
) -> None:
    """Write down what is said in files."""
    from ui.cli.transcription import transcribe_files

    context.obj.given(stt__engine=engine)
    raise typer.Exit(transcribe_files(context.obj, files, as_json=json))


@app.command()
def speak(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to say; - reads standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV file to write, or -.")],
    engine: Annotated[str | None, typer.Option(help="auto, piper or espeak-ng.")] = None,
    json: Json = False,
) -> None:
    """Speak a text into a WAV file; --json prints where each word sounds."""
    from ui.cli.speech import speak_text

    context.obj.given(tts__engine=engine)
    raise typer.Exit(speak_text(context.obj, sys.stdin.read() if text == "-" else text, output, as_json=json))


@app.command()
def devices(context: typer.Context, json: Json = False) -> None:
    """List microphones and speakers."""
    from ui.cli.listings import list_devices

    list_devices(as_json=json)


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """Examine what a conversation needs; exit status 1 if something is missing that it cannot do without."""
    from ui.cli.listings import print_findings

    raise typer.Exit(print_findings(context.obj, as_json=json))


@app.command()
def config(context: typer.Context, json: Json = False) -> None:
    """Print every setting and where it comes from."""
    from ui.cli.listings import print_settings

    print_settings(context.obj, as_json=json)


@app.command()
def replay(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SESSION", help="A recorded session, its folder, or `last`.")] = "last",
    check: Annotated[
        bool, typer.Option("--check", help="Run it again; exit status 1 unless its log is the same to the byte.")
    ] = False,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="What if: hold it under another setting of dialogue's."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Hold it again with the engines of today; exit status 1 if a turn differs.")
    ] = False,
    start: Annotated[
        int | None, typer.Option("--from", min=1, help="With --live: type what was said from this turn on.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0, help="So many times as fast; 0 is at once.")] = 1.0,
    turn: Annotated[int | None, typer.Option(help="This turn alone.")] = None,
    json: Json = False,
) -> None:
    """Show a recorded session as it went, run it again and compare (--check), or under another setting (--set)."""
    from ui.cli.replay import again, view

    if live or start is not None:
        from ui.cli.live import hold_again

        raise typer.Exit(hold_again(context.obj, name, _settings(change or []), start=start, as_json=json))
    if change:
        from ui.cli.whatif import what_if

        raise typer.Exit(what_if(context.obj, name, _settings(change), as_json=json))
    if check:
        raise typer.Exit(again(context.obj, name, as_json=json))
    raise typer.Exit(view(context.obj, name, speed=speed, turn=turn, as_json=json))


@app.command()
def generate(
    context: typer.Context,
    text: Annotated[
        list[str] | None, typer.Argument(help="What to answer; what is piped in follows it after an empty line.")
    ] = None,
    json: Json = False,
    schema: Annotated[str | None, typer.Option(help="JSON schema of the answer: a file, or the schema itself.")] = None,
    regex: Annotated[str | None, typer.Option(help="Pattern that the whole answer matches.")] = None,
    choices: Annotated[str | None, typer.Option(help="The answer is one of these, with commas between.")] = None,
    seed: Annotated[int, typer.Option(help="Draws the same again.")] = 42,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest answer.")] = 512,
    stop: Annotated[list[str] | None, typer.Option(help="Text that ends the answer; may be repeated.")] = None,
    logprobs: Annotated[
        int | None, typer.Option(min=0, max=64, help="With --json: each token's chance, and so many alternatives.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="The same bits again, whatever else is computed.")] = False,
    system: Annotated[str, typer.Option(help="Instructions.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Go on from the text as it is, without a chat template.")] = False,
    model: Annotated[str | None, typer.Option(help="Name of a model, or a GGUF file.")] = None,
) -> None:
    """Generate text: pipe in, stream out."""
    from ui.cli.generate import Wish, generate_text

    context.obj.given(llm__model=model)
    wish = Wish(
        text=" ".join(text or ()),
        system=system,
        raw=raw,
        schema=schema,
        regex=regex,
        choices=choices,
        seed=seed,
        temperature=temperature,
        max_tokens=max_tokens,
        stop=tuple(stop or ()),
        logprobs=logprobs,
        strict=strict,
    )
    raise typer.Exit(generate_text(context.obj, wish, as_json=json))


@app.command()
def chat(
    context: typer.Context,
    system: Annotated[str, typer.Option(help="Instructions.")] = "",
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0.7,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest answer.")] = 1024,
    model: Annotated[str, typer.Option(help="Name of a model, or a GGUF file.")] = "",
) -> None:
    """Converse with the language model by keyboard; it remembers what was said."""
    from ui.cli.chat import chat as hold

    raise typer.Exit(hold(context.obj, system=system, model=model, temperature=temperature, max_tokens=max_tokens))


@app.command()
def tokens(
    context: typer.Context,
    text: Annotated[list[str] | None, typer.Argument(help="The text; without one, standard input.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are.")] = False,
    decode: Annotated[bool, typer.Option("--decode", help="The text is ids of tokens: show what they say.")] = False,
    model: Annotated[str | None, typer.Option(help="Name of a model, or a GGUF file.")] = None,
    json: Json = False,
) -> None:
    """Show how the language model cuts a text into tokens, or what tokens say."""
    from ui.cli.generate import print_decoded, print_tokens

    context.obj.given(llm__model=model)
    if decode:
        raise typer.Exit(print_decoded(context.obj, " ".join(text or ()), as_json=json))
    raise typer.Exit(print_tokens(context.obj, " ".join(text or ()), count_only=count, as_json=json))


@app.command()
def run(
    context: typer.Context,
    services: Annotated[list[str], typer.Argument(help="tts, llm, skills, embedding or memory.")],
    bus: Annotated[str | None, typer.Option(help="Redis where processes meet, as redis://HOST:6379.")] = None,
    name: Annotated[str | None, typer.Option(help="This process among the others; keep it over restarts.")] = None,
) -> None:
    """Run services here for conversations in other processes (see --all-but), until Ctrl-C."""
    from ui.cli.processes import work

    context.obj.given(bus__url=bus, bus__name=name)
    raise typer.Exit(work(context.obj, services))


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port on this machine; 0 takes any that is free.")] = None,
    model: Annotated[str | None, typer.Option(help="Name of an embedding model, or its folder.")] = None,
) -> None:
    """Serve embeddings over HTTP without a conversation, until Ctrl-C: /embed, /rerank, /v1/embeddings and others."""
    from ui.cli.processes import serve

    context.obj.given(gateway__port=port, embedding__model=model)
    raise typer.Exit(serve(context.obj))


@app.command()
def ps(
    context: typer.Context,
    bus: Annotated[str | None, typer.Option(help="Redis where processes meet, as redis://HOST:6379.")] = None,
    json: Json = False,
) -> None:
    """List the processes on the bus and their services."""
    from ui.cli.processes import print_processes

    context.obj.given(bus__url=bus)
    print_processes(context.obj, as_json=json)


def _resuming(words: list[str]) -> list[str]:
    """The command line with `last` after a `--resume` that names no conversation."""
    if "--resume" not in words:
        return words
    place = words.index("--resume") + 1
    following = words[place] if place < len(words) else "-"
    unnamed = following.startswith("-") or following in typer.main.get_group(app).commands
    return [*words[:place], "last", *words[place:]] if unnamed else words


def _settings(pairs: list[str]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair} has no value.", remedy="Write --set audio.volume=80, for example.")
        settings[key.strip()] = value
    return settings
