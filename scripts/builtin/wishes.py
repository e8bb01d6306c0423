"""Wishes that a skill fulfils: what people say, the tool that is called with it, and what the skill answers.

Strings among the arguments begin with a space, as words do within a sentence: so they are the very tokens that the
person said, and copying is all there is to learn. Skills take spaces off.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from scripts.builtin.phrases import draw, drawn_from
from scripts.builtin.words import LISTS, invented, number_words

__all__ = ["TOOLS", "UNITS", "WISHES", "Wish", "duration", "person_or_invented", "slot"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish as it was said. `after` are things said next that lean on it."""

    said: str
    tool: str
    arguments: dict[str, object]
    result: str
    after: tuple[tuple[str, str, dict[str, object], str], ...] = ()


def slot(random: Random, **known: str) -> Callable[[str], str]:
    """Fill slots from what is known, else from the lists."""

    def fill(name: str) -> str:
        if name in known:
            return known[name]
        if name == "number":
            return str(random.choice((random.randint(0, 20), random.randint(0, 100), random.randint(0, 5000))))
        if name == "small":
            return count(random.randint(2, 30), random)
        if name == "age":
            return count(random.randint(6, 90), random)
        if name == "noise":
            return noise(random)
        if name == "mark":
            return random.choice(("?", "!", "...", "…", "??", "-", "#", "*", "&%$", ":)", ";", "???", "!!", ".", ",", "@", "(", "=="))
        if name == "person":
            return person_or_invented(random)
        return random.choice(LISTS[name])

    return fill


def person_or_invented(random: Random) -> str:
    """A name; every third is one nobody has."""
    return invented(random) if random.random() < 0.35 else random.choice(LISTS["person"])


def noise(random: Random) -> str:
    """What is no word: letters at random, of any script, or marks among them."""
    kind = random.random()
    if kind < 0.2:
        return "".join(chr(random.randint(33, 0xD7FF)) for _ in range(random.randint(1, 40))).strip() or "?"
    if kind < 0.35:
        return "".join(random.choice(_KEYS) for _ in range(random.randint(3, 80))).strip() or "?"
    if kind < 0.45:
        return random.choice(LISTS[random.choice(("common", "person", "food", "gadget"))]).replace(" ", "") * random.randint(2, 30)
    if kind < 0.5:
        return random.choice(("<|user|>", "<|tool|>", "<|assistant|>", "<tool_call>", "</tool_call>", "\u200b", "{}", "[]", '{"name": "timer"}', "null", "0", "a", "b", "x", "1", "'", '"', "\\n"))
    letters = random.choice(("abcdefghijklmnopqrstuvwxyz", "asdfjkl", "qwertyuiop", "xzvkqj", "aeioubdfgm", "öäüßéñøçабвд你好日本"))
    return "".join(random.choice(letters) for _ in range(random.randint(2, 9))) * random.choice((1, 1, 1, 1, 12))


_KEYS = "abcdefghijklmnopqrstuvwxyz0123456789 ÄéñßøЖ中文日本🙂 \t\n\"'{}[]<>|\\/.,!?-_=+*&%$#@:;()"


def count(number: int, random: Random) -> str:
    """A number in digits, or in words as some recognition has it."""
    return number_words(number) if number < 1000 and random.random() < 0.3 else str(number)


def duration(random: Random) -> tuple[str, dict[str, object], str]:
    """A length of time as said, as arguments, and as skills say it."""
    kind = random.random()
    if kind < 0.5:
        n = random.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 55, 60, 90, random.randint(1, 99)))
        said = "a minute" if n == 1 and random.random() < 0.5 else f"{count(n, random)} {random.choice(('minute', 'min')) if n == 1 else random.choice(('minutes', 'minutes', 'minutes', 'mins'))}"
        return said, {"minutes": n}, _minutes(n)
    if kind < 0.65:
        n = random.choice((10, 15, 20, 30, 40, 45, 60, 90, random.randint(2, 99)))
        return f"{count(n, random)} {random.choice(('seconds', 'seconds', 'secs'))}", {"seconds": n}, f"{n} seconds"
    if kind < 0.78:
        n = random.randint(1, 12)
        said = random.choice(("an hour", "one hour", "1 hour")) if n == 1 else f"{count(n, random)} hours"
        return said, {"hours": n}, "1 hour" if n == 1 else f"{n} hours"
    fixed: tuple[tuple[str, dict[str, object], str], ...] = (
        ("half an hour", {"minutes": 30}, "30 minutes"),
        ("a half hour", {"minutes": 30}, "30 minutes"),
        ("a quarter of an hour", {"minutes": 15}, "15 minutes"),
        ("quarter of an hour", {"minutes": 15}, "15 minutes"),
        ("three quarters of an hour", {"minutes": 45}, "45 minutes"),
        ("an hour and a half", {"hours": 1, "minutes": 30}, "1 hour and 30 minutes"),
        ("one and a half hours", {"hours": 1, "minutes": 30}, "1 hour and 30 minutes"),
        ("two and a half hours", {"hours": 2, "minutes": 30}, "2 hours and 30 minutes"),
        ("half a minute", {"seconds": 30}, "30 seconds"),
        ("a minute and a half", {"minutes": 1, "seconds": 30}, "1 minute and 30 seconds"),
        ("two and a half minutes", {"minutes": 2, "seconds": 30}, "2 minutes and 30 seconds"),
        ("a couple of minutes", {"minutes": 2}, "2 minutes"),
        ("a few minutes", {"minutes": 3}, "3 minutes"),
        ("a dozen minutes", {"minutes": 12}, "12 minutes"),
    )
    if kind < 0.9:
        return random.choice(fixed)
    hours, minutes = random.randint(1, 5), random.choice((5, 10, 15, 20, 25, 30, 40, 45, 50))
    hour = random.choice(("an hour", "one hour")) if hours == 1 else f"{count(hours, random)} hours"
    given = {"hours": hours, "minutes": minutes}
    return f"{hour} {random.choice(('and ', ''))}{count(minutes, random)} minutes", given, f"{hours} hour{'s' * (hours > 1)} and {minutes} minutes"


def _minutes(n: int) -> str:
    return "1 minute" if n == 1 else f"{n} minutes"


def _asked(random: Random, phrases: tuple[str, ...], **known: str) -> str:
    return drawn_from(phrases, random, slot(random, **known))


def _word(text: str) -> str:
    return f" {text}"


# ---- time


def _time_here(random: Random) -> Wish:
    said = _asked(random, (
        "(could|can|would|will) you (look up|check|tell me|say|look at|find out) (the time|how late it is|what time it is|what the time is|the hour) [for me|now|right now|please]", "(tell|show|give) me (how late|what time) (it is|we have|it has become) [now|already|please]", "(how late|what time) (do we have|have we got|did it get|has it become|is it getting) [now|already]", "(my|the) (watch|clock|phone|computer) is (broken|wrong|dead|empty|off|slow|gone), (what time is it|how late is it|tell me the time|what's the time)", "(has|have) (you|anybody) got the time", "what time (is it|do you have|would it be) (just |right |) now", "(the|what is the) (right|correct|exact|precise) time", "(what|which) time is it in our house", "what time is it [now|right now|here|please]", "what's the time", "(do you|you) (have|know|got) the time", "how late is it [already]", "(tell|give) me the time", "is it (late|past midnight|noon|five|{number}) already", "(check|read) the clock [for me]", "what does the clock say", "(what|which) hour is it", "I lost track of time, what time is it", "the time", "current time", "is it lunchtime yet", "what is the (current |exact |)time", "how late", "I forgot my watch, what time do we have", "what time do we have", "time please", "can you look at the clock", "I have no watch on me", "my watch stopped, what time is it", "am I late, what time is it", "have you got the time [on you]", "I need to know the time", "how early is it", "what time is it where I am",
    ))  # fmt: skip
    city = random.choice(LISTS["city"] + LISTS["country"])
    after = (_asked(random, ("and in {city}", "then (what|how) about {city}", "and (how late|what time) (is it|would it be) in {city}", "okay and (in|what about|for) {city}", "the same for {city}", "and how is it in {city}", "what about {city}", "and {city}", "how about in {city}", "and over in {city}", "same for {city}", "and what is it in {city}"), city=city), "tell_time", {"place": _word(city)}, f"In {city} it is {_clock(random)}.")
    return Wish(said, "tell_time", {}, f"It is {_clock(random)}.", (after,))


def _clock(random: Random) -> str:
    return f"{random.randint(1, 12)}:{random.randint(0, 59):02} {random.choice(('AM', 'PM'))}"


def _time_there(random: Random) -> Wish:
    city = random.choice(LISTS["city"] + LISTS["city"] + LISTS["country"]) if random.random() < 0.8 else invented(random)
    said = _asked(random, (
        "(what|which) (time|hour) (is it|do they have|would it be|has one|do people have) (over there |right now |now |) in {city}", "(how late|what time) (is it|do they have it|will it be) (for|with) (people|my friend|my {relation}|everybody|those) in {city}", "I (want|have|need|would like|am going) to (call|phone|ring|write to) (my {relation}|somebody|my boss|friends) in {city}, (what time is it|how late is it|what's the time|what is the hour) (there|over there|in that place)", "(the|what is the) (hour|time|clock time|time of day) (over |down |up |) in {city}", "(do you know|tell me|I wonder|can you say) (the time|what time they have|what the clocks say|how late it is) (over |) in {city}", "my {relation} is in {city}, (how late is it|what time is it|what's the time) (there|for her|for him)", "{city}, (how late|what time) is it there", "are the (people|folks|shops) in {city} (still|already) (up|awake|asleep|open)", "is it (morning|night|noon|evening) [now |already ]in {city}", "what time is it [right now |now |currently |](in|over in) {city}", "what's the time in {city}", "how late is it (in|over in|there in) {city} [now|right now]", "(tell|give) me the time in {city}", "(is it|is it already) (day|night|morning|evening|late|early|dark|bedtime) in {city} [now|already]", "my (sister|friend|boss|mother|brother|client) lives in {city}, what time is it there", "what time do (they|people) have in {city}", "can I still call someone in {city}, how late is it there", "(if I call|when I phone) {city} now, what time is it there", "current time in {city}", "time in {city}", "{city} time", "what do the clocks (say|show) in {city}", "the clock in {city}, what does it say", "are people (awake|asleep|at work) in {city} [now|right now]", "which hour is it in {city}", "what is the local time in {city}", "I wonder what time it is in {city}", "what time would it be in {city} [now]", "I need the time (for|in) {city}", "are they already (sleeping|up) in {city}", "do you know how late it is in {city}", "what hour is it over in {city}",
    ), city=city)  # fmt: skip
    other = random.choice(LISTS["city"])
    after = (_asked(random, ("and in {city}", "then (what|how) about {city}", "and (how late|what time) (is it|would it be) in {city}", "okay and (in|what about|for) {city}", "the same for {city}", "and how is it in {city}", "what about {city}", "and {city}", "how about {city}", "and what about in {city}", "and over in {city}", "same question for {city}", "now {city}"), city=other), "tell_time", {"place": _word(other)}, f"In {other} it is {_clock(random)}.")
    return Wish(said, "tell_time", {"place": _word(city)}, f"In {city} it is {_clock(random)}.", (after,))


def _date(random: Random) -> Wish:
    result = f"{random.choice(('Today is', 'That is', 'Tomorrow is'))} {random.choice(LISTS['weekday'])}, {random.choice(LISTS['month'])} {random.randint(1, 31)}, {random.randint(2024, 2032)}."
    if random.random() < 0.5:
        said = _asked(random, (
            "(what|which) (date|day) (do we have|have we got|is written|are we on|would it be) [today|now]", "(tell|give|say) me (what|which) (day|date) (it is|we have|today is) [today]", "(is|was) (it|today) (a |) {weekday} or (a |) (another day|tuesday|monday|sunday|friday|saturday)", "today is (what|which) (day|date)", "I (forgot|forget|don't know|never know) (what|which) (day|date) (it is|we have|today is) [today]", "the (day|date) of today", "(could|can) you (check|look up|tell me|say) (the date|what day it is|today's date|the day)", "is it already {weekday} [today]", "do we have {weekday} today", "what (day|date) is it [today]", "what's (the date|today's date|the day)", "which day (is it|of the week is it|do we have) [today]", "what is today", "(tell|give) me (the date|today's date|the day)", "is (it|today) {weekday} [today]", "what day of the (week|month) is it", "what('s| is) the (date|day) today", "I don't even know what day it is", "which (month|year|weekday|day) (is it|are we in|do we have)", "what year is it", "today's date please", "the date", "what month are we in", "is it the weekend yet", "have I lost a day, what is today", "I lost track of the days, what is it today", "I need today's date for a (form|letter|cheque)", "how many days till the weekend", "what (date|day) should I write on this (form|letter)", "which date do we have",
        ))  # fmt: skip
        return Wish(said, "tell_date", {}, result)
    day = random.choice(("tomorrow", "yesterday", "tomorrow", "the day after tomorrow", *(w for w in LISTS["weekday"])))
    bare = day.removeprefix("the ")
    said = _asked(random, (
        "(what|which) (date|day) (will|do) we have {day}", "(tell|give) me (what|which) (date|day) (it is|it will be|is|falls on|we have) {day}", "(what|which) (date|day) (comes|is it|will come) {day}", "{day}, (what|which) (date|day) (is|will|would) (that|it be|it)", "if (today is over|it's) {day}, what date (is it|do we have|will it be)", "the date (we have|will be|on) {day}", "(could|can) you (look up|check|say) the date (for|of) {day}", "what (day|date) (is|was|will be|do we have) {day}", "what('s| is) the date {day}", "which date (is|was|falls on|will it be) {day}", "what day (is|will it be) {day}", "(tell|give) me the date (of|for) {day}", "{day} is what date", "the date of {day}", "on which date is {day}", "which day of the month is {day}", "what date does {day} fall on", "I have a meeting {day}, which date is that", "what number is {day}",
    ), day=day)  # fmt: skip
    return Wish(said, "tell_date", {"day": _word(bare)}, result)


# ---- timers


def _timer(random: Random) -> Wish:
    length, given, spoken = duration(random)
    again, given2, spoken2 = duration(random)
    if random.random() < 0.45:
        name = random.choice(LISTS["kitchen"]) if random.random() < 0.85 else random.choice(LISTS["common"])
        said = _asked(random, (
            "(I need|I'd like|I want|please|we need|let's have) a {name} timer[, it takes|, make that|, about|, let it be| for| of|,] {length}", "(the|my) {name} (have to|has to|must|should) (be|stay|cook|bake|boil|rest|go) (in |on |) (the oven |the pot |the water |there |) (for |) {length}", "(I|we) (have|need|must) to (take out|check|stir|turn|turn off|get|look after) the {name} in {length}[, remind me|, tell me|, give me a sign|]", "(a|one|another) timer for the {name}[,| please,| with| of] {length}", "{name} in {length}", "{name} (takes|needs|cooks|bakes|lasts) {length}", "call the timer {name}, {length}", "a timer called {name} (for|of|with) {length}", "in {length} the {name} (is|are|must be|should be|will be) (done|ready|out)[, remind me| so tell me|, warn me|]", "(remind|tell|warn) me (about|of) the {name} in {length}", "(set|start|make|give me|create|put on) a {name} timer (for|of|with) {length}", "(set|start) a timer for {length} for (the|my) {name}", "(set|start) a {length} timer for [the|my] {name}", "the {name} (needs|takes|has to cook for|should take|must be in for) {length}", "my {name} (needs|takes) {length}[, set a timer|, start a timer|, please time it]", "(time|count|watch) (the|my) {name} for {length}", "(tell|remind|call|alert|warn|notify) me in {length} (about|to check|to look at|to take out) the {name}", "(let me know|shout|ring|beep|ping me) (in|after) {length} for the {name}", "I (put|am putting|just put) the {name} on for {length}", "{length} for the {name}", "the {name} will be (ready|done|finished) in {length}, [please |](remind|tell|wake|call) me", "I'm making {name}, {length}", "{name} timer, {length}", "I need {length} for (my|the) {name}", "count down {length} for the {name}",
        ), length=length, name=name)  # fmt: skip
        given = {**given, "name": _word(name)}
        result = f"The {name} timer is set for {spoken}."
    else:
        said = _asked(random, (
            "a timer[,| please,| would be nice,] (for |it should be |let's say |make that |of |about |) {length}[ long| please|]", "(set|start|begin|make) (me |us |) (a|one|another|some) (timer|countdown|clock) [please][,] {length} (long|is enough|will do|is fine|would be good|is what I need)", "(set|start|run) (the|a) (timer|countdown|clock|stopwatch) [now|running|please][,] (for|to|on|at|with|it lasts|it takes) {length}", "in {length} (from now |) (call|remind|wake|tell|alert|warn|ring|beep at|shout at|notify|signal) me", "{length} from now (call|remind|wake|tell|alert|ring|beep|notify) [me]", "(when|once|after|as soon as) {length} (have passed|are over|has passed|is over|are up|are gone|has gone by|is up) (call|remind|tell|wake|beep|ring|let me know|say so|give me a sign)[ me|]", "(say|tell me|beep|ring|call|shout|let me know|make a sound|remind me) (when|once|as soon as|if) {length} (have passed|has passed|is up|are up|are gone|have gone by|is done)", "(wake|call|get|rouse) me [up ](again |) (after|in) {length} [of sleep|of rest]", "I (sleep|lie down|rest|nap) for {length}[, wake me then|, wake me up then|, get me up]", "(wait|let) {length} (and|then) (beep|ring|call me|tell me|say something)", "how about a timer (for|of) {length}", "it (should|must|needs to|has to) (take|run|last|be) {length}[, start the timer|, time it]", "put {length} on the clock", "I (want|need|would like|could use) a (timer|countdown|reminder) (of|for|that takes|in|with|that lasts) {length}", "(could|can|may) I (get|have) {length} on (a|the) (timer|clock|countdown)", "(set|start|make|create|begin|put on|give me|I need|I want|can I have) a timer (for|of|with) {length}", "(set|start|give me|run) a {length} timer", "(count|countdown|count down) [from |for |](to |){length}", "(wake|call|remind|tell|alert|ping|poke|buzz|warn|notify) me (in|after) {length}", "(let me know|tell me|shout|ring|beep|say something|make a noise|give me a shout) (in|after|when) {length} [are over|have passed|from now]", "{length} timer", "timer {length}", "time {length} [for me]", "timer for {length}", "I (need|have|want) {length}[, starting now|, start now|, from now|, please time it]", "ring (in|after) {length}", "start counting {length}", "{length}, (go|starting now|from now)", "I (need to|must|have to|want to) (leave|go|be ready|call back|check the oven|stop) in {length}[, remind me|, tell me]", "(let|give) me {length}, then (ring|beep|call me)", "in {length} I have to {act}[, remind me|, tell me|, give me a shout]", "give me a (nudge|signal|sign|call) in {length}", "don't let me forget to {act} in {length}", "I'll be back in {length}, ring then", "please measure {length}", "could you time {length}", "tell me when {length} (are over|is over|have passed|are up|is up)",
        ), length=length, act=random.choice(LISTS["activity"]))  # fmt: skip
        result = f"Timer set for {spoken}."
    also: tuple[tuple[str, str, dict[str, object], str], ...] = (
        (_asked(random, ("and (another one|one more|a second one) for {length}", "another (one for |){length}", "and one for {length}", "also one for {length}", "and one more, {length}"), length=again), "set_timer", given2, f"Timer set for {spoken2}."),
        (_asked(random, ("(could|can|would|will) you (cancel|stop|delete|remove|undo|forget|drop|withdraw) (it|that|that one|this one|the thing)[ again| please|]", "(oh |ah |) (no|wait|sorry|stop)[,] (I was wrong|cancel it|not that|I don't need it|take it away|delete it|undo it|I changed my mind)", "(I made a mistake|that was a mistake|that was wrong)[, remove it|, delete it|, undo that|]", "(cancel|stop|delete|remove|forget) (it|that|that one)[ again|, please|]", "I (don't|do not) need (it|that) (any more|anymore|after all)", "never mind the timer", "no, (cancel|stop) (it|that)", "scrap that", "get rid of it", "undo that", "call it off")), "cancel_timer", {}, f"The timer for {spoken} is cancelled."),
        (_asked(random, ("(how|and how) (long|many minutes|much time) (does it have|has it|is there|does it still have|do I have|do I still have) [left|to go|still|now]", "(what|how much) (remains|time remains|is remaining|does it say|time is there)", "(when|how soon) (is it over|will it ring|does it ring|is it up)", "(is|has) it (over|run out|rung|finished) [yet|already]", "how long is left", "how much is left", "how (long|much time) (now|still)", "how much longer", "is it nearly done", "what's left on it", "how long does it still run", "when is it done", "how many minutes are left", "is there much left on it")), "timer_status", {}, f"The timer for {spoken} has {spoken2} left."),
        (_asked(random, ("(add|give it|put on) {length} (more|to it|on top)", "(make it|let it run) {length} longer", "{length} more", "extend it by {length}", "and {length} on top of that"), length=again), "change_timer", given2, f"The timer now has {spoken2} left."),
    )
    return Wish(said, "set_timer", given, result, (random.choice(also),))


def _which(random: Random, named: float = 0.35, every: float = 0.15) -> tuple[str, dict[str, object]]:
    kind = random.random()
    if kind < named:
        name = random.choice(LISTS["kitchen"])
        return f"{random.choice(('the', 'my'))} {name} timer", {"name": _word(name)}
    if kind < named + every:
        return random.choice(("all timers", "all my timers", "every timer", "all the timers", "all of my timers", "each timer")), {"which": "all"}
    return random.choice(("the timer", "my timer", "that timer", "the timer", "the countdown", "this timer")), {}


def _cancel_timer(random: Random) -> Wish:
    which, given = _which(random)
    said = _asked(random, (
        "(you may|you can|you should|please do|just|would you|you could) (cancel|stop|delete|remove|end|clear|drop|forget|throw out|discard|switch off|throw away|turn off) {which}[ now|, it's not needed|, I'm done|, dinner is ready|, it is done|]", "{which} (is|was) (useless|a mistake|wrong|not right|no longer necessary|of no use)[, cancel it|, remove it|, away with it|]", "away with {which}", "(I have|I've|we have|we've) no (more |) use for {which}", "(make|let) {which} (go away|disappear|vanish|end)", "no more {which}", "{which} (must|has to|may|should) (go|end|stop|disappear|be removed)[ now|]", "stop and (delete|remove) {which}", "do away with {which}", "(cancel|stop|delete|remove|end|clear|kill|abort|drop|forget|discard|scrap|erase|turn off|switch off|get rid of|throw away|call off) {which}", "I (don't|do not|no longer) need {which} [any more|anymore|after all]", "(forget|never mind) (about |){which}", "{which} can go", "take {which} away", "{which} is not needed [any more]", "we can (cancel|stop|drop) {which}", "please no {which} [any more]", "let's (cancel|drop|forget) {which}", "{which} should be (cancelled|deleted|stopped|gone)", "put an end to {which}", "{which}, cancel (it|that)", "I changed my mind about {which}",
    ), which=which)  # fmt: skip
    return Wish(said, "cancel_timer", given, random.choice(("The timer is cancelled.", "All timers are cancelled.", "No timer is running.", f"The {random.choice(LISTS['kitchen'])} timer is cancelled.")))


def _timer_left(random: Random) -> Wish:
    which, given = _which(random, every=0)
    said = _asked(random, (
        "(how|and how) (long|much time|many seconds) (does|has|will|must) {which} (still |) (have|need|run|take|go on|left)[ to go| to run| left| still|]", "(what|how much|how much time) (remains|is remaining|is still) (on|of|for) {which}", "(tell|say|show) me (how long|how much time|what) (is left|remains) (on|of|for) {which}", "{which}, how (long|much longer|far|many minutes)[ still| now|]", "(check|look at|see) (how far|how long|when) {which} (is|has|rings|ends)", "(the|what is the) (rest|remaining time) of {which}", "(is there|do I have) (much|any|some|enough) time left on {which}", "will {which} (ring|end|be done) (soon|shortly)", "(can|could) you check on {which}", "how (long|much time) (is|do I have) left on {which}", "how much longer (does|will) {which} (take|run|need)", "when (does|will) {which} (ring|end|finish|go off|be done)", "how (is|far is) {which} (doing|going|along)", "what('s| is) left (on|of) {which}", "is {which} (done|over|finished|still running|nearly done) [yet|already]", "(check|show) {which}", "(what|how) (about|is) {which}", "status of {which}", "how many minutes (are|does) (left on |){which} (have|left)", "what does {which} (say|show)", "how long until {which} (rings|ends|is done|goes off)", "time left on {which}", "does {which} still run", "how close is {which} to (ringing|the end|zero)", "where are we with {which}", "did {which} (ring|end|go off) [yet|already]",
    ), which=which)  # fmt: skip
    if random.random() < 0.15:
        said, given = _asked(random, ("which timers (are running|do I have|are set|are there|are going)", "(do I have|are there) any timers [running|set]", "(list|show|tell|name) [me ](my|all|the) timers", "what timers (are on|have I set)", "how many timers are (running|set|going)", "is (a|any) timer (on|running|ticking)")), {}
    return Wish(said, "timer_status", given, f"The timer has {duration(random)[2]} left.")


def _pause_timer(random: Random) -> Wish:
    which, given = _which(random, every=0)
    if random.random() < 0.5:
        said = _asked(random, ("(pause|halt|hold|freeze|interrupt) {which} (for a (while|second|minute|bit)|please|now|until I'm back|a moment)[, (the phone rings|I'm back soon|I need a break|my {relation} is calling|I have to open the door|there's a call)|]", "(make|have) {which} (wait|stand still|rest|stop for now|pause)", "(wait|hold on) with {which}", "{which} (must|has to|shall|may) (wait|stand still|rest|pause) (for a bit|now|a moment|a while)", "(keep|leave) {which} (waiting|on hold|standing)", "don't let {which} run for now", "I need {which} to (wait|pause)", "(pause|halt|hold|freeze|interrupt|suspend) {which} [for a moment|for now|for a bit]", "put {which} on (hold|pause)", "{which} should (wait|pause)", "let {which} wait [a moment]", "(stop|hold) {which} for a (moment|second|bit)", "can {which} wait a moment", "{which} on hold", "give {which} a break"), which=which)
        return Wish(said, "pause_timer", given, f"The timer is paused with {duration(random)[2]} left.")
    said = _asked(random, ("(you can|you may|please|now|okay now|time to) (resume|continue|unpause|go on with|carry on with|restart) {which}[ now| again| please|]", "(let|make|have) {which} (resume|run again|carry on|keep going|tick again|count again|proceed)", "{which} (can|may|should|shall|must) (continue|resume|proceed|carry on|count again|keep going|move on)[ now| again| please|]", "(I'm|we're|I am) (back|ready)[,] (continue|resume|go on with|restart) {which}", "get {which} (running|going|ticking) again", "{which} again, where it (stopped|was|paused)", "release {which}", "(unpause|resume|continue|restart) {which} [again|now]", "(let|have) {which} (run|go) (on|again|further)", "start {which} again", "{which} (can|may|should) (go on|continue|run again|run on)", "go on with {which}", "take {which} off (hold|pause)", "carry on with {which}", "{which} no longer needs to wait", "unfreeze {which}", "set {which} going again"), which=which)
    return Wish(said, "unpause_timer", given, f"The timer runs again, {duration(random)[2]} left.")


def _change_timer(random: Random) -> Wish:
    which, given = _which(random, every=0)
    length, lengths, spoken = duration(random)
    if random.random() < 0.65:
        said = _asked(random, ("{which} (could|should|must|can) (get|have|take) {length} more", "(I want|we need|please|let's have|I'd like) {length} (more |extra |) (on|for|added to|on top of) {which}", "{length} (extra|longer|additional|on top) (on|for) {which}", "(let|make) {which} (last|go|take|be|run) {length} (longer|more)", "(add|put|give) (another|an extra|some more, say|about) {length} (to|on) {which}", "{which} (is|was) {length} too short", "(one more time |) plus {length} (on|for) {which}", "(add|put) {length} (to|on|onto) {which}", "(give|grant) {which} {length} more", "(extend|lengthen|prolong|increase) {which} by {length}", "make {which} {length} longer", "let {which} run {length} longer", "{which} needs {length} more", "{length} more (on|for) {which}", "another {length} on {which}", "{which} should (run|last|take) {length} longer", "I need {length} more on {which}", "stretch {which} by {length}"), which=which, length=length)
    else:
        said = _asked(random, ("(take|remove|subtract|cut|shave) {length} (off|from) {which}", "(shorten|reduce|decrease|cut) {which} by {length}", "make {which} {length} shorter", "{length} less on {which}", "{which} should be {length} shorter", "take off {length} from {which}", "knock {length} off {which}"), which=which, length=length)
        lengths = {**lengths, "change": "remove"}
    return Wish(said, "change_timer", {**lengths, **given}, f"The timer now has {spoken} left.")


# ---- alarms


def _moment(random: Random) -> tuple[str, dict[str, object], str]:
    hour = random.randint(1, 12)
    kind = random.random()
    half, part = random.choice((("", ""), ("", ""), ("am", " in the morning"), ("am", " am"), ("am", " a.m."), ("pm", " pm"), ("pm", " in the evening"), ("pm", " in the afternoon"), ("pm", " at night"), ("pm", " tonight")))
    said_hour = count(hour, random)
    given: dict[str, object] = {"hour": hour}
    if kind < 0.35:
        said = said_hour + random.choice((" o'clock", "", "", " sharp"))
        minute = 0
    elif kind < 0.55:
        minute = random.choice((5, 10, 15, 20, 25, 30, 40, 45, 50, 55, random.randint(10, 59)))
        said = f"{hour}:{minute:02}" if said_hour.isdigit() else f"{said_hour} {number_words(minute) if minute > 9 else 'oh ' + number_words(minute)}"
    elif kind < 0.7:
        minute, said = 30, f"half past {said_hour}"
    elif kind < 0.78:
        minute, said = 15, f"(a )quarter past {said_hour}".replace("(a )", random.choice(("a ", "")))
    elif kind < 0.86:
        minute, said = 45, f"{random.choice(('a ', ''))}quarter to {said_hour}"
        given["hour"] = hour - 1 or 12
    elif kind < 0.93:
        minute = random.choice((5, 10, 20, 25))
        said = f"{count(minute, random)} past {said_hour}"
    else:
        said, given["hour"], minute, half, part = random.choice((("noon", 12, 0, "", ""), ("midnight", 0, 0, "", ""), ("midday", 12, 0, "", "")))
    if minute:
        given["minute"] = minute
    if half:
        given["half"] = half
    return said + part, given, f"{given['hour']}:{minute:02} {(half or 'am').upper()}"


def _alarm(random: Random) -> Wish:
    moment, given, spoken = _moment(random)
    if random.random() < 0.45:
        day = random.choice(("tomorrow", "tomorrow", "today", *LISTS["weekday"]))
        moment = random.choice((f"{moment} {'on ' if day[0].isupper() else ''}{day}", f"{moment} {'on ' if day[0].isupper() else ''}{day}", f"{'on ' if day[0].isupper() else ''}{day} at {moment}"))
        given["day"] = _word(day)
    name = ""
    if random.random() < 0.25:
        name = random.choice(LISTS["wakefor"])
        moment += f" for {name}"
        given["name"] = _word(name)
    said = _asked(random, (
        "(would|could|can|will|please|should) (you |someone |) (wake|get|rouse|call) me (up |) (at|by) {moment}[ if possible| please| if you can|]", "I (want|have|need|wish|would like|must|like|ought|'ve got) (to be |to get |to |being |) (woken|up|awake|out of bed|wakened|roused|woken up|standing|on my feet) (at|by) {moment}[, please see to it|, set an alarm|, help me|, wake me|]", "(switch|turn) (on |) (an|the|my|one) alarm (clock |) (for|at|to) {moment}", "(have|let|make) (the|my|an) alarm (clock |) (ring|go off|sound|wake me|start) at {moment}", "(the|an|my) alarm (must|should|shall|has to|could|may|can) (ring|go off|sound|wake me|be set) (at|for) {moment}", "(I'd like|I would like|I need|please|we need) (an alarm|a wake up call|my alarm|to be woken) (at|for) {moment}", "{moment} (is when|is the time) I (have to|must|want to|need to) (get up|wake up|be up)", "at {moment} (wake me|I want to get up|I have to get up|get me up|I must be up|the alarm should ring|please wake me|ring)", "my (train|flight|bus|shift|day|work) (leaves|starts|begins|goes) early, (wake me|get me up|set an alarm) (at|for) {moment}", "(do|please|will you) (make|set|program|arrange) (me |) an alarm (for|at) {moment}", "get me (moving|on my feet|out of my bed) (at|by) {moment}", "(wake|get) me [up] at {moment}", "(set|make|put on|create|give me|I need|I want|schedule) an alarm (for|at) {moment}", "alarm (for|at) {moment}", "(ring|wake me up|get me up|get me out of bed|ring the alarm|go off|sound the alarm) at {moment}", "I (need|have|want|must) to (get up|wake up|be up|rise|be awake|get out of bed) at {moment}", "(make sure|see to it that|take care that) I('m| am) (up|awake|out of bed) (at|by) {moment}", "(can|could) you wake me at {moment}", "wake up call at {moment}", "don't let me sleep (past|longer than) {moment}", "I (don't want to|can't|must not) sleep longer than {moment}", "my alarm should (ring|go off) at {moment}", "get me up at {moment}", "remind me at {moment}", "let it ring at {moment}", "set my alarm clock to {moment}", "the alarm clock should ring at {moment}", "I want to be woken at {moment}", "pull me out of bed at {moment}", "I'd like to rise at {moment}", "an alarm at {moment}",
    ), moment=moment)  # fmt: skip
    result = f"Alarm set for {spoken} {random.choice(('tomorrow', 'today'))}."
    after = random.choice((
        (_asked(random, ("(cancel|delete|remove|forget) (it|that|that one)[ again|]", "I (don't|do not) need (it|that) (any more|anymore|after all)", "no, (cancel|delete) that", "scrap that", "get rid of it", "undo that", "call it off")), "cancel_alarm", {}, f"The alarm for {spoken} is cancelled."),
        (_asked(random, ("is it set", "when will it ring", "did you set it", "what time is it set for", "when does it go off", "so when do I get up")), "alarm_status", {}, f"One alarm, {spoken} tomorrow."),
    ))  # fmt: skip
    return Wish(said, "set_alarm", given, result, (after,))


def _cancel_alarm(random: Random) -> Wish:
    if random.random() < 0.35:
        moment, given, spoken = _moment(random)
        which = random.choice((f"the alarm for {moment}", f"my alarm at {moment}", f"the {moment} alarm"))
    elif random.random() < 0.25:
        which, given, spoken = random.choice(("all alarms", "all my alarms", "every alarm", "each alarm", "all of my alarms")), {"which": "all"}, ""
    else:
        which, given, spoken = random.choice(("the alarm", "my alarm", "that alarm", "the alarm clock", "my wake up call")), {}, ""
    said = _asked(random, (
        "(you may|you can|please do|would you|you could|just) (cancel|delete|remove|clear|drop|forget|turn off|switch off|take out|take back) {which}[ now|, I'm awake|, it's not needed|, I have the day off|, I am ill|]", "(I am|I'm|we are) (on holiday|off|free|ill|awake) (tomorrow|on {weekday}|today|then) (so |and |,) (delete|cancel|remove|switch off|drop) {which}", "{which} (must|has to|can|should|may|have to|shall) (go|be deleted|be removed|disappear|be switched off|be off)[ now|]", "no (need|use) for {which} [any more|anymore]", "{which} (is|was|are|were) (a mistake|wrong|useless|unnecessary|not needed)[, remove it|, delete it|]", "(away|off) with {which}", "I (want|wish|will|would like|plan|hope) to (sleep in|sleep long|stay in bed|lie in|stay in bed longer) (on {weekday}|tomorrow|this time) (so |and |,) (delete|cancel|remove|switch off|drop|stop) {which}", "(cancel|delete|remove|clear|drop|forget|discard|turn off|switch off|get rid of|call off|kill|scrap) {which}", "I (don't|do not|no longer) need {which} [any more|anymore|after all]", "(never mind|forget about) {which}", "don't wake me [up|after all]", "I (can|want to|will) sleep (in|longer|late) [tomorrow][, cancel the alarm|, no alarm]", "{which} can go", "no alarm [for |]tomorrow [please]", "{which} is not needed [any more]", "let me sleep in, drop {which}", "take {which} off",
    ), which=which)  # fmt: skip
    if "sleep" in said or "don't wake" in said or "no alarm" in said:
        given = {} if which not in said else given
    return Wish(said, "cancel_alarm", given, random.choice((f"The alarm for {spoken or _clock(random)} is cancelled.", "All alarms are cancelled.", "No alarm is set.")))


def _alarms(random: Random) -> Wish:
    said = _asked(random, (
        "(which|what|how many) alarms (did I|have I|do I|did you) (set|make|have|give you|got|program) [for (tomorrow|today|the morning|this week)|]", "(at |) (what|which) (time|hour|moment) (will|does|is|should|do) (my|the) alarm (clock |) (ring|go off|sound|wake me|going off|ringing|start|set to ring)[ tomorrow| next|]", "(tell|say) me (when|at what time|at what hour) (my|the) alarm (rings|goes off|is set|will ring|wakes me)", "(is|are) (there |) (any|an|some|more) (alarm|alarms) (set|waiting|active|for tomorrow|planned|on)", "(when|at what time) (am I|will I be|do I get) (woken|waked|woken up|called) [tomorrow]", "(check|look up|see) (when|whether|if) (my|the|an) alarm (rings|is set|is on|goes off)", "my alarms[, please|, what are they]", "alarm (status|times)", "(do|will) you wake me [tomorrow]", "(which|what) alarms (are set|do I have|have I set|are there|are on)", "(do I have|is there|are there|have I set|did I set) (an|any|my) (alarm|alarms) [set|on|for tomorrow|today|tomorrow]", "when (does|will|is) my [next |](alarm|alarm clock) (ring|go off|wake me|set for|due)", "(list|show|tell|name|read) [me ](my|all|the) alarms", "when (do|will) you wake me [up] [tomorrow|next]", "what time is my alarm [set for|tomorrow]", "is my alarm (on|set|ready) [for tomorrow]", "at what time (do I|will I) (get up|wake up|have to get up) [tomorrow]", "(check|show) my alarms", "how many alarms do I have", "did you set my alarm", "when does it wake me tomorrow", "is the alarm clock on", "for when is the alarm set", "what is my alarm set to",
    ))  # fmt: skip
    return Wish(said, "alarm_status", {}, random.choice((f"One alarm, {_clock(random)} tomorrow.", "No alarm is set.", f"2 alarms: {_clock(random)} today and {_clock(random)} tomorrow.")))


def _snooze(random: Random) -> Wish:
    if random.random() < 0.5:
        said = _asked(random, ("(snooze|snooze it|snooze the alarm)", "(let me|I want to|can I|please let me) sleep (a bit|a little|a little bit) (longer|more)", "not yet, (later|again later)", "(ring|wake me) again (later|in a bit|soon)", "just a (little|bit) longer [in bed]", "I need a (little|bit) more sleep", "hit snooze", "a little more sleep", "give me a bit more time in bed", "too early, wake me later", "press snooze"))
        return Wish(said, "snooze", {}, "I will ring again in 9 minutes.")
    length, given, spoken = duration(random)
    said = _asked(random, ("(oh |ah |please |no |) (not yet|too early|not now|I'm tired|let me be|wait)[,] {length} (more|longer|later)[ please|]", "(let|leave) me (sleep|lie|rest|stay in bed|doze|in bed) (for |another |) {length} (longer|more)", "I (need|want|would like|get up in|beg for) (another |) {length} (more |longer |) (of sleep|in bed|under the blanket|to wake up)", "(wake|call|ring|rouse) me (again |) in {length} (again|once more)", "(just|only) {length} (more|longer)[ in bed| of sleep| please|]", "{length} (longer|more) (please|and I get up|under the blanket)", "(snooze|snooze it|snooze the alarm) for {length}", "(let me|I want to|can I) sleep {length} (longer|more)", "{length} more (sleep|in bed|of sleep)", "ring again in {length}", "wake me again in {length}", "snooze {length}", "another {length} (in bed|of sleep)", "come back in {length} with that alarm", "try again in {length}, I'm still asleep", "give me {length} more in bed"), length=length)
    return Wish(said, "snooze", given, f"I will ring again in {spoken}.")


def _silence(random: Random) -> Wish:
    said = _asked(random, ("(would|could|can|will) you (stop|end|silence|mute|quit|turn off|shut off|kill) (that|the|this|your) (noise|ringing|beeping|sound|racket|bell|buzzing|horrible sound|ringing alarm)[ please| now|]", "(please |) (stop|end|quit) (that|this|the) (awful|terrible|annoying|horrible|loud|nasty|endless) (noise|ringing|beeping|sound|buzzing|bell)", "(the|that|this) (beeping|ringing|noise|sound|bell|buzzing) (is|drives me|is so|must|should|has to|can) (annoying|crazy|awful|stop|end|stop now|loud)", "(I|we) (can't stand|hear|heard|have heard|don't want|want no more) (that|this|the) (beeping|ringing|noise|bell|alarm)[ any more| anymore|, stop it|]", "(make|let) (that|this|the) (noise|beeping|ringing|bell|alarm sound) (end|go away|stop|disappear)", "(stop|end|silence|kill|mute|turn off|shut off) (that|the|this) (noise|ringing|beeping|sound|racket|bell|buzzing|terrible noise|alarm sound|din)", "(make|have) (it|that|the ringing|the noise|the beeping) stop", "I'm (awake|up|already up), [you can ](stop|stop ringing)", "stop (ringing|beeping|buzzing|that beeping)", "(enough|that's enough) (ringing|beeping|noise)", "(quiet|silence) [please], I'm (up|awake)", "shut that (thing|alarm|bell) up", "yes yes, I (heard|hear) (it|the alarm|the timer)", "turn that (thing|racket|ringing) off", "okay okay, I'm getting up", "no more ringing", "it can stop ringing now", "I heard it, you can stop the noise", "please end this beeping"))
    return Wish(said, "silence", {}, random.choice(("Nothing is ringing.", "Okay.")))


# ---- numbers


def _sum(random: Random) -> Wish:
    big = random.choice((20, 100, 100, 1000, 10000))
    a, b, c = random.randint(1, big), random.randint(1, max(10, big // random.choice((1, 10)))), random.randint(1, 50)
    a_, b_, c_ = (count(n, random) if n < 100 else str(n) for n in (a, b, c))
    if random.random() < 0.15:
        a_ = f"{a}.{random.randint(1, 99)}"
        a = a_  # type: ignore[assignment]
    what = random.choice(LISTS["food"] + LISTS["common"])
    who = person_or_invented(random)
    kinds: tuple[tuple[str, tuple[str, ...]], ...] = (
        (f"{a} + {b}", ("(add|put together|sum up) {a} and {b}", "what do I get (when|if) I add {b} to {a}", "(the sum of|the total of) {a} and {b}", "what('s| is) the (sum|total) of {a} and {b}", "{a} plus {b}", "how much (is|are) {a} and {b} (together|in total|in all|altogether)", "I have {a} {what} and (get|buy|find) {b} more[, how many do I have|, how many is that|, how many are there now]", "(calculate|compute|work out) {a} plus {b}", "if I spend {a} on Monday and {b} on Tuesday, how much is that in total", "{who} has {a} {what} and I have {b}, how many (is that together|do we have)", "{a} and {b} makes (what|how much)", "count {a} and {b} together")),
        (f"{a} - {b}", ("(subtract|take|take away|deduct) {b} from {a}", "what('s| is) left (when|if) I take {b} from {a}", "(the difference between|what is the difference between) {a} and {b}", "{a} minus {b}", "I (had|have) {a} {what} and (ate|lost|gave away|sold|eat|give away|used) {b}[, how many are left|, how many do I have left|, how many remain]", "(calculate|compute|work out) {a} minus {b}", "{a} take away {b}", "how much more is {a} than {b}", "if I pay {b} out of {a}, how much (is left|remains|do I keep)", "{who} had {a} {what} and gave me {b}, how many has {who} left", "{a} less {b}")),
        (f"{a} * {b}", ("(multiply) {a} (by|with|and) {b}", "what('s| is) {a} multiplied (by|with) {b}", "(the product of|what is the product of) {a} and {b}", "{a} times {b}", "{a} (boxes|bags|rows|packs|tables) (of|with|with each) {b} {what} [each][, how many is that|, how many are there|, how many in total]", "(calculate|compute|work out) {a} times {b}", "how much is {a} times {b}", "if one costs {b}, what (do|would) {a} cost", "if I (earn|save|get|pay) {b} a (day|week|month), how much is that in {a} (days|weeks|months)", "I buy {a} tickets for {b} each, how much is that", "{a} people each bring {b} {what}, how many {what} is that", "{a} by {b} multiplied")),
        (f"{a} / {b}", ("(divide|split) {a} (by|into) {b}", "what('s| is) {a} divided by {b}", "(share|split|divide) {a} {what} (between|among) {b} (people|friends|kids|children)", "{a} divided by {b}", "how (many times|often) does {b} (go into|fit into|fit in) {a}", "(calculate|compute|work out) {a} over {b}", "if {b} (people|friends|of us) share {a}, how much does each get", "we are {b} and the bill is {a}, how much is that each", "{a} split {b} ways", "the bill is {a} for {b} people, what does each pay", "{a} {what} for {b} kids, how many does each get")),
        (f"{b} percent of {a}", ("what('s| is) {b} percent of {a}", "how much is {b}% of {a}", "{b} percent of {a}", "(calculate|work out|give me|what is) a {b} percent tip on {a}", "(a tip of|tip) {b} percent (on|for) [a bill of ]{a}", "how much (tip|tax) is {b} percent on {a}", "take {b} percent of {a}", "(a discount of|I get a discount of) {b} percent on {a}[, how much is that|, how much do I save]", "{b}% on {a}, how much is that", "how much do I save with {b} percent off {a}")),
        (f"square root of {a}", ("what('s| is) the square root of {a}", "(the |)(square root|root) of {a}", "(calculate|find|give me) the (square root|root) of {a}", "which number squared (is|gives|makes) {a}", "take the root of {a}")),
        (f"{a} ^ 2", ("what('s| is) {a} squared", "(square|calculate the square of) {a}", "{a} (squared|to the power of two)", "the square of {a}")),
        (f"({a} + {b}) / 2", ("what('s| is) the (average|mean) of {a} and {b}", "the (average|mean) of {a} and {b}", "the number halfway between {a} and {b}")),
        (f"{a} / 2", ("what('s| is) half of {a}", "(halve|cut in half) {a}", "half of {a}", "the half of {a}")),
        (f"{a} * 2", ("what('s| is) (double|twice) {a}", "(double|twice) {a}", "what('s| is) the double of {a}")),
        (f"{a} + {b} + {c}", ("(add|sum up|add up) {a}, {b} and {c}", "{a} plus {b} plus {c}", "what('s| is) {a} and {b} and {c} together", "(the sum|the total) of {a} and {b} and {c}", "I bought things for {a}, {b} and {c}, what is the total")),
    )  # fmt: skip
    weights = (4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 2)
    expression, phrases = random.choices(kinds, weights)[0]
    said = _asked(random, phrases, a=a_, b=b_, c=c_, what=what, who=who)
    return Wish(said, "calculate", {"expression": _word(expression)}, f"{expression} is {random.randint(1, 100000)}.")


_UNITS = (
    "kilometres/miles/metres/feet/yards/inches/centimetres/millimetres/kilometers/meters/centimeters",
    "kilograms/pounds/grams/ounces/kilos/stone/tons/milligrams",
    "litres/gallons/cups/pints/millilitres/tablespoons/teaspoons/liters/fluid ounces/quarts",
    "celsius/fahrenheit/degrees celsius/degrees fahrenheit/kelvin",
    "hours/minutes/seconds/days/weeks",
    "square metres/acres/hectares/square feet/square kilometres",
    "kilometres per hour/miles per hour/metres per second/knots",
    "megabytes/gigabytes/kilobytes/terabytes",
    "joules/calories/kilowatt hours",
)

UNITS = tuple(unit for kind in _UNITS for unit in kind.split("/"))


def _convert(random: Random) -> Wish:
    units = random.choices(_UNITS, (6, 5, 5, 5, 3, 1, 2, 1, 1))[0].split("/")
    one, other = random.sample(units, 2)
    n = random.choice((random.randint(1, 20), random.randint(1, 500), random.choice((10, 50, 100, 1000, 180, 350))))
    number = count(n, random)
    digits = str(n)
    if random.random() < 0.12:
        number = digits = f"{random.randint(1, 20)}.{random.randint(1, 9)}"
    said = _asked(random, (
        "how (many|much) {other} (is|are|make|makes|are in|is in|are there in|in) {number} {one}", "(convert|change|turn|translate|express) {number} {one} (to|into|in) {other}", "what('s| is|are) {number} {one} in {other}", "{number} {one} in {other}", "{number} {one} (to|are how many|is how much in|as) {other}", "I (have|need|want) {number} {one}[ of {food}|], (what|how much|how many) is that in {other}", "(it's|it is) {number} {one}, what('s| is) that in {other}", "(tell|give) me {number} {one} in {other}", "(the recipe|it|he|she|the sign) says {number} {one}, how (many|much) {other} is that", "{number} {one} would be how many {other}", "if something is {number} {one}, how (many|much) {other} is it", "(I ran|I drove|I weigh|I bought|it weighs|it's) {number} {one}, in {other} please", "put {number} {one} into {other}", "I only know {other}, what is {number} {one}", "{number} {one}, how much in {other}", "my {relation} talks of {number} {one}, I want {other}", "what does {number} {one} come to in {other}",
    ), one=one, other=other, number=number)  # fmt: skip
    return Wish(said, "convert_units", {"quantity": _word(f"{digits} {one}"), "to": _word(other)}, f"{digits} {one} is {random.randint(1, 5000)} {other}.")


def _coin(random: Random) -> Wish:
    said = _asked(random, ("(flip|toss|throw|spin) a coin [for me|for us]", "heads or tails", "(let|have) a coin (decide|choose)", "(coin flip|coin toss)", "let's (flip|toss) (a coin|for it)", "(decide|choose) for me with a coin", "(flip|toss) (one|it) again", "throw a coin and tell me what (comes up|it shows)", "use a coin", "I need a coin (flip|toss)", "fifty fifty, flip for it", "can a coin decide this", "we can't agree, flip a coin", "do you have a coin to (toss|flip)"))
    return Wish(said, "flip_coin", {}, random.choice(("Heads.", "Tails.")))


def _dice(random: Random) -> Wish:
    if random.random() < 0.4:
        said = _asked(random, ("(roll|throw|cast) (a|the|one) (die|dice) [for me|for us]", "roll [for me]", "dice roll", "let the dice (decide|roll)", "I need a (dice roll|die)", "throw the dice again", "my turn, roll the dice", "we lost our dice, roll (for us|one)", "give the dice a shake"))
        return Wish(said, "roll_dice", {}, f"You rolled {random.randint(1, 6)}.")
    n, sides = random.randint(2, 6), random.choice((4, 6, 8, 10, 12, 20, 20, 100))
    if random.random() < 0.5:
        said = _asked(random, ("(roll|throw|cast|give me) {n} dice", "{n} dice[ please|]", "I need {n} dice", "(roll|throw) {n} (of them|dice for me)", "throw a handful of dice, {n} of them", "let me see what {n} dice show"), n=count(n, random))
        return Wish(said, "roll_dice", {"count": n}, f"You rolled {random.randint(1, 6)} and {random.randint(1, 6)}, together {random.randint(2, 12)}.")
    said = _asked(random, ("(roll|throw|cast) a {sides} sided (die|dice)", "(roll|throw) a (die|dice) with {sides} sides", "a {sides} sided die", "roll a d{s}", "I need a {sides} sided die", "throw the one with {sides} (sides|faces)"), sides=count(sides, random), s=str(sides))
    return Wish(said, "roll_dice", {"sides": sides}, f"You rolled {random.randint(1, sides)}.")


def _pick(random: Random) -> Wish:
    low = random.choice((0, 1, 1, 1, random.randint(2, 50)))
    high = low + random.choice((5, 9, 10, 19, 50, 99, 100, 999, random.randint(1, 999)))
    if low < 2:
        high = random.choice((3, 6, 10, 20, 50, 100, 1000, random.randint(5, 999)))
    if random.random() < 0.2:
        said = _asked(random, ("(pick|choose|give me|tell me|think of|say|name|generate|draw) a [random ]number", "a random number", "any number will do, pick one", "I need a number, any number"))
        return Wish(said, "random_number", {}, f"{random.randint(1, 100)}.")
    said = _asked(random, ("(pick|choose|give me|tell me|think of|say|name|generate|draw) (a|any|some) [random ]number (between|from) {low} (and|to) {high}", "(a |)random number (between|from) {low} (and|to) {high}", "(a|any) number from {low} to {high}", "I need a [random |lucky |]number (between|from) {low} (and|to) {high}", "which number between {low} and {high}", "draw a lot from {low} to {high}", "somewhere between {low} and {high}, you choose", "choose for me, {low} to {high}"), low=count(low, random), high=count(high, random) if high < 1000 else str(high))
    return Wish(said, "random_number", {"low": low, "high": high}, f"{random.randint(low, high)}.")


def _volume(random: Random) -> Wish:
    kind = random.random()
    if kind < 0.4:
        said = _asked(random, ("(speak|talk) (louder|up|more loudly|up a bit|a bit louder)", "I (can't|can hardly|cannot|can barely|don't) hear you", "(you are|you're) (too quiet|too soft|very quiet|hard to hear|whispering)", "(turn|crank) (it|the volume|the sound|yourself) up", "(louder|a bit louder|much louder)", "(raise|increase) (the volume|your voice|the sound)", "volume up", "more volume", "I'm hard of hearing", "make it louder", "what, I can't hear you", "your voice is too (soft|quiet|low)", "could you be a bit louder", "it's noisy here, speak up"))
        return Wish(said, "change_volume", {"change": "louder"}, random.choice(('{"change": "louder"}', "Louder.")))
    if kind < 0.75:
        said = _asked(random, ("(speak|talk) (quieter|softer|more quietly|more softly|a bit softer|less loudly)", "(you are|you're) (too loud|very loud|shouting|screaming|yelling)", "(turn|bring) (it|the volume|the sound|yourself) down", "(quieter|a bit quieter|much quieter|softer)", "(lower|reduce|decrease) (the volume|your voice|the sound)", "volume down", "less volume", "(don't|do not|stop) (shout|shouting|yell|yelling|scream) [at me|like that]", "(the baby|my wife|my husband|everyone|my roommate) is (sleeping|asleep)", "make it quieter", "not so loud", "my ears hurt", "keep your voice down", "could you whisper", "that's too loud for me", "hush, the kids are asleep"))
        return Wish(said, "change_volume", {"change": "quieter"}, random.choice(('{"change": "quieter"}', "Quieter.")))
    n = random.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 100, random.randint(1, 99)))
    said = _asked(random, ("(set|turn|put|change|bring) (the volume|it|the sound|yourself|your voice) (to|at|up to|down to) {n} percent", "volume (at|to|on|) {n} [percent]", "(set|turn|put) the volume (to|at) {n}", "make it {n} percent loud", "{n} percent volume", "(speak|talk) at {n} percent", "I want the volume at {n} percent", "go to {n} percent volume"), n=count(n, random))
    return Wish(said, "change_volume", {"percent": n}, f"Volume {n} percent.")


def _remember(random: Random) -> Wish:
    thing, value = random.choice(LISTS["thing"]), random.choice((str(random.randint(10, 9999)), invented(random), random.choice(LISTS["colour"]), random.choice(LISTS["weekday"])))
    fact = draw(random.choice(("my {thing} is {value}", "my {thing} is {value}", "the {thing} is {value}", "I parked [the car ](on level|in row|at number|near gate) {value}", "{who} owes me {value} euros", "I have (an appointment|a meeting) with {who} on {day}", "I take {drink} without sugar", "{who} is allergic to {food}", "the key is (under the mat|in the {common}|behind the {common}|with {who})", "I lent {who} my {common}", "{who} likes {food}", "the meeting is on {day}", "my {relation} has a birthday in {month}", "we need {food} and {food2}", "the {common} is in the {common2}", "I put the {common} (under|behind|into) the {common2}")), random, slot(random, thing=thing, value=value, who=person_or_invented(random), day=random.choice(LISTS["weekday"]), common2=random.choice(LISTS["common"]), food2=random.choice(LISTS["food"])))
    said = draw(random.choice((
        "(remember|memorise|memorize|keep in mind|note|write down|make a note|note down|save|store|don't forget|do not forget|jot down|take a note|bear in mind|record|make a mental note) that {fact}", "(remember|note|write down|save|keep in mind|jot down|take note)[ this|]: {fact}", "(for later|for the record|just so you know for later|please remember|so that you know later), {fact}", "{fact}, (remember that|please remember|don't forget|keep that in mind|note that|make a note of it|write that down|save that|memorise that)", "(please |)(never |don't |do not )forget that {fact}", "I want you to (remember|know|note|keep in mind) that {fact}", "(can|could) you (remember|note|keep in mind|write down) that {fact}", "put it in your memory that {fact}", "store in your memory that {fact}",
    )), random, {"fact": fact})  # fmt: skip
    return Wish(said, "remember_fact", {"fact": _word(fact)}, f"I will remember that {fact.replace('my ', 'your ').replace('I ', 'you ')}.")


def _recall_about(random: Random) -> Wish:
    if random.random() < 0.25:
        said = _asked(random, ("what do you (know|remember|have stored) about me", "(what|which things) (have I told|did I tell) you [so far|about me|to remember]", "tell me (everything|what) you know about me", "what (have|did) you (remember|memorise|stored|noted) [for me]", "what is in your memory", "what did you write down [for me]", "(list|show|read) [me ](your notes|my notes|what you remember|all you remember)", "what notes (did I make|do you have)", "do you know anything about me", "everything you remember, please"))
        return Wish(said, "recall_about", {}, f"On {random.choice(LISTS['month'])} {random.randint(1, 28)} you told me that your {random.choice(LISTS['thing'])} is {invented(random)}.")
    topic = draw(random.choice(("my {thing}", "the {thing}", "{person}", "my {relation}", "the {common}", "{city}", "our {common}", "my {animal}", "the party", "my holiday", "the contract", "the {topic}")), random, slot(random, topic=random.choice(LISTS["topic"]).removeprefix("the ")))
    said = _asked(random, ("what did I (tell|say to|mention to) you about {topic} [last week|yesterday|earlier|the other day|a while ago|last month]", "what (do you remember|did I say|have I said|have I told you|do your notes say|do you have|do you have noted) about {topic} [last time|in the past|before]", "(look up|check|search|find|see) what I (said|told you|wrote) about {topic} [last week|yesterday|before]", "(search|check|look in|go through) (my|your) (notes|memory|documents|files) (for|about) {topic}", "what do my (documents|files|notes|papers) say about {topic}", "did I (ever |)(mention|tell you about|say anything about|talk about) {topic} [before]", "do you (remember|recall) (what I said|anything|what I told you) about {topic}", "last (week|month|time) I told you (something |)about {topic}[, what was it|, do you remember]", "find {topic} in my (notes|documents|files)", "have we ever (talked|spoken) about {topic}", "dig up what I told you about {topic}"), topic=topic)
    return Wish(said, "recall_about", {"topic": _word(topic)}, random.choice((f"On {random.choice(LISTS['month'])} {random.randint(1, 28)} you told me that {topic.replace('my ', 'your ')} is {random.choice((invented(random), random.choice(LISTS['colour'])))}.", "You have not told me anything about that.")))


WISHES: tuple[tuple[float, Callable[[Random], Wish]], ...] = (
    (1.0, _time_here), (1.6, _time_there), (1.7, _date), (3.0, _timer), (1.2, _cancel_timer), (1.2, _timer_left), (1.2, _pause_timer),
    (1.0, _change_timer), (3.6, _alarm), (1.1, _cancel_alarm), (1.0, _alarms), (0.8, _snooze), (0.7, _silence), (3.0, _sum),
    (2.6, _convert), (0.7, _coin), (0.9, _dice), (0.9, _pick), (1.4, _volume), (2.4, _remember), (2.2, _recall_about),
)  # fmt: skip
"""What makes a wish, and how often it is to be heard."""

TOOLS = (
    "alarm_status", "calculate", "cancel_alarm", "cancel_timer", "change_timer", "change_volume", "convert_units", "flip_coin",
    "pause_timer", "random_number", "recall_about", "remember_fact", "roll_dice", "set_alarm", "set_timer", "silence", "snooze",
    "tell_date", "tell_time", "timer_status", "unpause_timer",
)  # fmt: skip
"""All that is ever called."""
