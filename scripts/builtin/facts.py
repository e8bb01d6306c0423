"""What people tell of themselves, how the assistant takes it, and how it is asked for later in the conversation."""

# fmt: off
from __future__ import annotations

from dataclasses import dataclass
from random import Random

from scripts.builtin.phrases import draw, drawn_from
from scripts.builtin.wishes import person_or_invented, slot
from scripts.builtin.words import LISTS, invented, number_words

__all__ = ["Fact", "fact", "never_told"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was told. `key` is what it is about: a later fact of the same key replaces it."""

    key: str
    told: str
    taken: str
    asked: str
    answer: str
    unknown: str
    """The answer when it was never told."""
    noted: str
    """As a note from an earlier conversation has it."""
    value: str
    """What of it is to be copied."""


_KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "name": {
        "told": ("you are speaking (to|with) {v}", "(hello|hi) my name is {v} and I (am new here|just moved in|need some help)", "let me introduce myself, I am {v}", "everybody knows me as {v}", "my full name is {v}", "(Mister|Doctor|Mrs|Captain|Miss) {v} is my name", "from now on (I am|call me|my name is) {v}", "{v} is what (people|they|my parents) call me", "I am {v} and I live here", "I would like to be called {v}", "my name is {v}", "(I am|I'm) {v}", "call me {v}", "you can call me {v}", "(hi|hello|hey)[,] (I am|I'm|my name is|this is) {v}", "people call me {v}", "{v} is my name", "my friends call me {v}", "I'm called {v}", "it's {v} [here|speaking]", "this is {v} [speaking|here]", "the name is {v}", "my name's {v}, (nice to meet you|by the way|and yours)", "by the way, (I am|I'm|my name is) {v}", "please call me {v}", "everyone calls me {v}", "you are talking to {v}", "I go by {v}", "they named me {v}", "I was named {v} [by my parents]", "just so you know, I'm {v}", "they call me {v}", "you may (call|name) me {v}"),
        "taken": ("Nice to meet you, {v}!",),
        "asked": ("(what|which) name (do|did) I (have|use|tell you|mention)", "under (what|which) name did I introduce myself", "how did I introduce myself", "can you call me by my name", "do you have my name", "is my name (known|familiar) to you", "how should you (call|address) me", "what should you call me", "who is (this|here|sitting here)", "by what name do you know me", "who is the person talking to you", "what were you told to call me", "please use my name", "what's the name of the person in front of you", "my own name, what is it", "what is the name I gave you", "do you remember the name I told you", "(does|did) my name stay with you", "(what is|what's) my name", "who am I", "do you (know|remember|recall) (my name|who I am|what I am called|what my name is)", "what am I called", "(tell me|say) my name", "what was my name [again]", "how am I called", "what do (people|you|they|my friends) call me", "(can|could) you (tell me|remember|say) (my name|who I am|what I'm called)", "have you (forgotten|remembered) my name", "what did I say my name was", "my name is what", "how do you call me", "which name did I (give|tell) you", "I forgot my (own |)name, what is it", "so who is talking to you", "what name do I go by", "greet me by name", "who are you talking to", "with whom are you talking", "did you get my name", "do you still know (my name|who I am)"),
        "answer": ("Your name is {v}.",),
        "unknown": ("You have not told me your name yet.",),
        "noted": ("my name is {v}",),
    },
    "favourite": {
        "told": ("the best {k} (of all|in the world|there is) is {v}", "if I had to choose a {k}, it would be {v}", "I prefer {v} to (every|any) other {k}", "among {k}s, {v} is my choice", "{v} is the {k} I (like|love) best", "my number one {k} is {v}", "I love the {k} {v} more than anything", "there is no {k} I like more than {v}", "my favourite {k} must be {v}", "I am a fan of the {k} {v}", "the {k} I love is called {v}", "my (favourite|favorite) {k} is {v}", "{v} is my (favourite|favorite) {k}", "my (favourite|favorite) {k} has always been {v}", "(the|a) {k} I (like|love) (best|most) is {v}", "of all {k}s I like {v} best", "I like {v} more than any other {k}", "when it comes to {k}s, I like {v} [best|most]", "as for my (favourite|favorite) {k}, it is {v}", "no {k} is better than {v}", "for me {v} is the best {k}", "I'd say {v} is the {k} I like most"),
        "taken": ("{v}, good choice! I will keep that in mind.",),
        "asked": ("which {k} (was|is) it that I (like|love|prefer) most", "what is the {k} I (like|love|prefer)", "what (kind|sort) of {k} do I like best", "of all {k}s which one do I like best", "which of all {k}s is my favourite", "my favourite {k}, (which|what) (was|is) it", "is there a {k} I like best", "what {k} makes me happy", "which {k} would I (take|pick|want)", "the {k} I like most is which", "name the {k} that I (like|love) most", "what did I tell you about my favourite {k}", "my best loved {k} is which", "what's the {k} I'm a fan of", "(what is|what's) my (favourite|favorite) {k}", "(which|what) {k} do I (like|love|prefer) [best|most]", "do you (remember|know|recall) my (favourite|favorite) {k}", "(tell me|name|say) my (favourite|favorite) {k}", "which {k} is my (favourite|favorite)", "what was my (favourite|favorite) {k} [again]", "what did I say my (favourite|favorite) {k} (was|is)", "do you (remember|know) (which|what) {k} I (like|love) [best|most]", "and my (favourite|favorite) {k}", "what {k} would I choose", "(can|could) you (tell me|remember) my (favourite|favorite) {k}", "guess which {k} I like best", "if I could choose a {k}, which would I take", "my (favourite|favorite) {k} is what"),
        "answer": ("Your favourite {k} is {v}.",),
        "unknown": ("You have not told me your favourite {k} yet.",),
        "noted": ("my favourite {k} is {v}",),
    },
    "pet": {
        "told": ("there is a {k} named {v} at our place", "my little {k} {v} is (so cute|very old|sleeping|sick|hungry)", "{v}, my {k}, is (so cute|asleep|hungry|barking)", "my {k} is called {v} and (I love him|I love her|is very cute|he is very old|she is very young|he is hungry)", "our {k} has the name {v}", "the {k} we have is called {v}", "we named the {k} {v}", "I have a {k} (called|named) {v}", "my {k} is (called|named) {v}", "my {k}'s name is {v}", "the name of my {k} is {v}", "we have a {k}, (its|his|her) name is {v}", "{v} is my {k}", "I got a {k} (called|named) {v}", "our {k} is (called|named) {v}", "I (just |)(adopted|bought) a {k} and (named|called) (it|him|her) {v}", "we call our {k} {v}", "at home a {k} called {v} waits for me", "I own a {k}, {v}", "I live with a {k} named {v}"),
        "taken": ("{v} is a lovely name for a {k}!",),
        "asked": ("how do I call my {k}", "do you know how my {k} is called", "(what|which) name (have I given|did we give) [to ]my {k}", "our {k}, what is (its|his|her) name", "what do we call our {k} at home", "my {k} has what name", "I forgot how my {k} is called", "(what's|what is) our {k}'s name", "the name of (our|the|my) {k}", "the {k} that I have, what is it called", "remember my {k}, what was the name", "(what is|what's) (the name of my {k}|my {k}'s name|my {k} called)", "(what|how) (is|was) my {k} called [again]", "do you (remember|know|recall) (my {k}'s name|the name of my {k}|what my {k} is called)", "(tell me|say) (the name of my {k}|my {k}'s name)", "what do I call my {k}", "what is my {k} named", "what was the name of my {k} [again]", "which name does my {k} have", "what did I (name|call) my {k}", "who is my {k}", "what did I say my {k} is called", "how is my {k} called", "how do we call the {k}", "and what is the {k}'s name", "what name did I give my {k}"),
        "answer": ("Your {k} is called {v}.",),
        "unknown": ("You have not told me the name of your {k} yet.",),
        "noted": ("my {k} is called {v}",),
    },
    "relation": {
        "told": ("my {k} is {v}", "let me tell you about my {k} {v}", "I call my {k} {v}", "{v} is the name of my {k}", "my {k} {v} is (a nice person|very old|on holiday|coming for dinner)", "the {k} I have is called {v}", "everyone calls my {k} {v}", "my {k} is (called|named) {v}", "my {k}'s name is {v}", "the name of my {k} is {v}", "{v} is my {k}", "I have a {k} (called|named) {v}", "my {k} {v} (is visiting|came over|lives next door|called today|is here|sends greetings|is in town)", "this is my {k} {v}", "I am (visiting|meeting|waiting for) my {k} {v} [today|tomorrow]", "my {k} goes by {v}", "I met my {k} {v} today", "I had lunch with {v}, my {k}"),
        "taken": ("Thank you, I will remember that your {k} is called {v}.",),
        "asked": ("how (do|did) I call my {k}", "do you know how my {k} is called", "what does my {k} go by", "(what|which) name did I tell you for my {k}", "my {k}, what is (his|her) name", "I forgot how my {k} is called", "(and|now) who is my {k}", "who did I say my {k} is", "what was my {k}'s name", "what did I call my {k}", "do you know who my {k} is", "my {k} has what name", "what do people call my {k}", "(what is|what's) (the name of my {k}|my {k}'s name|my {k} called)", "(what|how) (is|was) my {k} called [again]", "do you (remember|know|recall) (my {k}'s name|the name of my {k}|what my {k} is called)", "(tell me|say) (the name of my {k}|my {k}'s name)", "who is my {k}", "what was the name of my {k} [again]", "what did I say my {k} is called", "which name does my {k} have", "what is my {k} named", "how do you call my {k}", "and what is my {k}'s name"),
        "answer": ("Your {k} is called {v}.",),
        "unknown": ("You have not told me the name of your {k} yet.",),
        "noted": ("my {k} is called {v}",),
    },
    "home": {
        "told": ("I have been living in {v} for (a year|ten years|a long time)", "my family (lives|and I live) in {v}", "I (am a resident|live in the middle|have a flat in the centre) of {v}", "my place is in {v}", "I was born and live in {v}", "{v} is my home", "I live in (a village|a city|a small town|a place) (called|named) {v}", "we moved to {v} last (year|month|summer)", "home for me is {v}", "I have my house in {v}", "I live in {v}", "I'm (living|staying) in {v} [now|at the moment]", "my home is in {v}", "I (just |)moved to {v}", "{v} is where I live", "my house is in {v}", "my home town is {v}", "I have lived in {v} for years", "I'm (from|based in|at home in) {v}", "I come from {v}", "we live in {v}", "I settled in {v}", "our flat is in {v}", "I reside in {v}"),
        "taken": ("{v}, I see. I hope you like it there!",),
        "asked": ("(which|what) (city|town|place) (am I|are we) living in", "in (which|what) (town|city|place) (is my home|is my flat|did I say I live)", "what's the name of my (town|city|home town)", "where do we live", "what town (am I from|do I live in)", "(which|what) (city|town) is my home", "where in the world do I live", "what is the place where I live", "the city I live in is called what", "do you know which (town|city) I live in", "where do I (live|come from|stay)", "where (is my home|am I from|am I living|is my house)", "(which|what) (city|town|place) do I (live in|come from)", "do you (remember|know|recall) where I (live|come from|am from)", "what is my home town", "(tell me|say) where I live", "in which (city|town) do I live", "where did I say I live", "what city am I from", "where is home for me", "where's my place", "which town is mine", "what did I tell you about where I live"),
        "answer": ("You live in {v}.",),
        "unknown": ("You have not told me where you live yet.",),
        "noted": ("I live in {v}",),
    },
    "job": {
        "told": ("my work is being a {v}", "I am employed as a {v}", "I do (work|a job) as a {v}", "I earn money as a {v}", "I have been a {v} for (years|ten years|a long time)", "as a {v} I (work a lot|am very busy|get up early)", "by trade I'm a {v}", "being a {v} is my job", "I'm a {v} and (I love it|it is hard work)", "I work as a {v}", "(I am|I'm) a {v} [by profession|by trade]", "my (job|profession|occupation) is {v}", "I earn my money as a {v}", "I'm working as a {v} [now|at the moment|for ten years]", "I have a job as a {v}", "I became a {v}", "I do my work as a {v}", "for a living I am a {v}", "I got a job as a {v}", "they hired me as a {v}", "I make my living as a {v}"),
        "taken": ("A {v}, that sounds like interesting work!",),
        "asked": ("what job did I tell you I (do|have)", "how do I earn my (living|bread|salary)", "what am I working as", "which profession did I tell you", "where does my money come from, what is my job", "my job, what (is|was) it", "what do I do at work", "what is it that I do for work", "do you know what work I do", "what do I do to earn money", "what (is my job|do I do for a living|is my profession|do I work as|is my occupation)", "(what|which) job do I have", "do you (remember|know|recall) (my job|what I do|what my job is|my profession|what I do for a living)", "what do I work as", "(tell me|say) what my job is", "what's my job [again]", "how do I earn my money", "what did I say I (do|work as)", "what kind of work do I do", "what am I by profession", "as what do I work", "what do I do all day at work"),
        "answer": ("You work as a {v}.",),
        "unknown": ("You have not told me what your job is yet.",),
        "noted": ("I work as a {v}",),
    },
    "age": {
        "told": ("I have lived for {v} years", "next to my {v} years you are young", "I am a {v} year old", "my age is {v} years", "{v} is my age", "I am now {v} years old", "I'm {v} years of age", "last week I became {v}", "I am {v} years old", "I'm {v} [years old]", "my age is {v}", "I (just |)turned {v}", "I have been {v} since {month}", "I am {v} years of age", "I was {v} on my last birthday", "I'm already {v} years old"),
        "taken": ("{v} is a good age!",),
        "asked": ("what age (am I|did I say)", "what was my age", "how many years (have I lived|am I)", "do you know my age", "can you say my age", "my age, what (is|was) it", "am I old, how old", "which age do I have", "how old am I", "what is my age", "do you (remember|know|recall) (my age|how old I am)", "(tell me|say) how old I am", "what's my age [again]", "what did I say how old I am", "how many years old am I", "which age did I tell you", "how old did I say I am"),
        "answer": ("You are {v} years old.",),
        "unknown": ("You have not told me how old you are yet.",),
        "noted": ("I am {v} years old",),
    },
    "hobby": {
        "told": ("I (really|truly|very much|do) (love|like|enjoy) {v}", "{v} is what I (love|like|enjoy) [most]", "I (love|like|enjoy) {v} (a lot|so much|very much|more than anything)", "I go {v} (every week|on Sundays|often)", "when I have time I (like|love|enjoy) {v}", "{v} makes me happy", "there is nothing I like more than {v}", "I am fond of {v}", "my great love is {v}", "my hobby is {v}", "I (love|like|enjoy|adore) {v}", "in my free time I (like|love|enjoy) {v}", "I do a lot of {v}", "{v} is my (hobby|passion|favourite pastime)", "I'm (really |)into {v}", "what I like to do is {v}", "I'm a (big |great |)fan of {v}", "on weekends I go for {v}", "I spend my weekends with {v}", "I'm crazy about {v}", "nothing is better than {v} [for me]"),
        "taken": ("{v} sounds like fun!",),
        "asked": ("what (thing|things) do I (like|love|enjoy)", "what makes me happy", "my hobby, what (is|was) it", "(which|what) pastime do I have", "what do I like to spend my time with", "what am I fond of", "what did I tell you I (love|like|enjoy)", "what do I like", "what do I do on weekends", "is there something I (love|like) to do", "what (is my hobby|do I like to do|are my hobbies|do I enjoy|do I do in my free time|am I into)", "do you (remember|know|recall) (my hobby|what I like|what I like to do|what I enjoy)", "(which|what) hobby do I have", "what do I love [doing]", "(tell me|say) what I like", "what's my hobby [again]", "what do I do for fun", "what did I say I like", "what am I a fan of", "how do I spend my free time", "what do I enjoy doing"),
        "answer": ("You like {v}.",),
        "unknown": ("You have not told me what you like to do yet.",),
        "noted": ("I like {v}",),
    },
    "dislike": {
        "told": ("I (hate|don't like|can't stand|dislike|do not like|detest) {v}", "{v} is disgusting", "I never eat {v}", "I'm not a fan of {v}", "I would never eat {v}", "{v} makes me sick", "keep {v} away from me"),
        "taken": ("I will remember that you do not like {v}.",),
        "asked": ("what (do I|don't I|do I not) (hate|like to eat|dislike|eat)", "which food do I (hate|dislike|not like)", "do you (remember|know|recall) what (I hate|I don't like|I dislike)", "what food can't I stand", "what did I say I (hate|don't like|dislike)", "what should you never cook for me", "which food should I not be served", "what do I find disgusting"),
        "answer": ("You do not like {v}.",),
        "unknown": ("You have not told me what you do not like yet.",),
        "noted": ("I do not like {v}",),
    },
    "allergy": {
        "told": ("(watch out|please note|take care|be careful|beware), I('m| am) allergic to {v}", "(I get|I always get) sick from {v}, it's an allergy", "I'm badly allergic to {v}", "{v} is what I'm allergic to", "I have a bad allergy, it's {v}", "my body can't take {v}, I'm allergic", "I('m| am) allergic to {v}", "I have (an allergy to|a {v} allergy)", "{v} makes me sneeze, I'm allergic", "I can't eat {v}, I'm allergic", "my allergy is {v}", "the doctor says I'm allergic to {v}"),
        "taken": ("I will remember that you are allergic to {v}.",),
        "asked": ("what was my allergy", "which allergies do I have", "(what|which) food am I allergic to", "what is it that I'm allergic to", "what did I tell you about my allergy", "my allergy, what (is|was) it", "do I have an allergy", "what makes me sneeze", "what am I allergic to", "which allergy do I have", "do you (remember|know|recall) (my allergy|what I am allergic to|my allergies)", "what (is my allergy|can't I eat)", "(tell me|say) what I'm allergic to", "what are my allergies", "against what am I allergic", "what did I say I'm allergic to"),
        "answer": ("You are allergic to {v}.",),
        "unknown": ("You have not told me of any allergy yet.",),
        "noted": ("I am allergic to {v}",),
    },
    "drink": {
        "told": ("I (usually|always|mostly) drink {v}", "I drink {v} (every morning|all day|every day|with breakfast)", "I (prefer|like) to drink {v}", "my (usual|regular) drink is {v}", "I can't start the day without {v}", "in the morning I need {v}"),
        "taken": ("{v} is a good drink!",),
        "asked": ("what do I [usually|always|like to] drink", "which drink do I (like|prefer|take)", "do you (remember|know) what I [usually |like to ]drink", "what is my (usual|regular) drink", "what do I have in the morning", "what did I say I drink", "what would I order to drink"),
        "answer": ("You drink {v}.",),
        "unknown": ("You have not told me what you drink yet.",),
        "noted": ("I usually drink {v}",),
    },
    "plan": {
        "told": ("I('m| am) going to {v} [tomorrow|tonight|later|this weekend|on {weekday}]", "I want to {v} [tomorrow|tonight|later|this weekend|on {weekday}]", "I plan to {v} [tomorrow|tonight|later|this weekend]", "I have to {v} [tomorrow|later|today]", "(tomorrow|tonight|later) I('m going to| will| want to) {v}", "I need to {v} [later|today|tomorrow]", "my plan is to {v}", "I will {v} [after work|later|tomorrow]", "I'm about to {v}", "we are going to {v} [tonight|tomorrow]"),
        "taken": ("That sounds like a good plan!",),
        "asked": ("what (am I going to do|are my plans|do I want to do|is my plan|do I have to do|did I plan|will I do) [tomorrow|tonight|later|this weekend|]", "do you (remember|know|recall) (my plan|what I want to do|what I am going to do|what my plans are|what I have to do)", "(tell me|say) what I (want|have|plan|need) to do", "what did I (want|plan|have|need|say I want) to do", "what was my plan [again]", "which plans do I have", "what was I going to do", "what did I say I was going to do"),
        "answer": ("You want to {v}.",),
        "unknown": ("You have not told me your plans yet.",),
        "noted": ("I want to {v}",),
    },
    "thing": {
        "told": ("the {k} I have is {v}", "my {k}, that is {v}", "{v} is the {k}", "my {k} would be {v}", "the {k} we use is {v}", "let me give you my {k}, {v}", "my {k} number is {v}", "the name of my {k} is {v}", "write it down in your head, my {k} is {v}", "{v} was given to me as {k}", "my {k} is {v}", "{v} is my {k}", "the {k} is {v}", "my {k} is called {v}", "my {k} has always been {v}", "for my {k} I have {v}", "I have {v} as my {k}", "they gave me {v} as my {k}", "my new {k} is {v}", "as {k} I got {v}", "in my case the {k} is {v}"),
        "taken": ("Thank you, I will remember your {k}.",),
        "asked": ("(which|what) (was|is) (my|the) {k}", "how (was|is) (my|the) {k} [called]", "(what|which) number (is|was|has|does) (my|the) {k} [have]", "the number of my {k}", "(what|which) one is my {k}", "do you know (the|my|our) {k}", "my {k} is what", "what's the {k} of mine", "what {k} do I have", "I need to know (my|the) {k}", "have you got my {k}", "do you have my {k}", "say my {k} (again|once more)", "what is it, my {k}", "the {k} was what again", "tell me what my {k} is", "(what is|what's|which is|where is|who is|when is|how is) my {k}", "do you (remember|know|recall) my {k}", "(tell me|say|give me) my {k}", "what was my {k} [again]", "what did I say my {k} (is|was)", "I forgot my {k}, what (is|was) it", "my {k}, what was it [again]", "which {k} do I have", "(can|could) you (tell me|remember|repeat) my {k}", "my {k} please", "what did I tell you about my {k} just now", "and my {k}", "what (is|was) the {k} [again]", "the {k} again please", "what {k} did I (give|tell) you", "I need my {k}"),
        "answer": ("Your {k} is {v}.",),
        "unknown": ("You have not told me your {k} yet.",),
        "noted": ("my {k} is {v}",),
    },
}  # fmt: skip

_FAVOURITES = {
    "colour": "colour", "color": "colour", "food": "food", "dish": "food", "meal": "food", "drink": "drink", "animal": "wild", "season": "season",
    "sport": "sport", "hobby": "hobby", "instrument": "instrument", "language": "language", "day": "weekday", "month": "month", "city": "city",
    "country": "country", "flower": "common", "book": "invented", "song": "invented", "band": "invented", "singer": "person", "movie": "invented",
    "film": "invented", "game": "invented", "author": "person", "actor": "person", "fruit": "food", "number": "number", "artist": "invented",
    "restaurant": "invented", "teacher": "person", "word": "common", "place": "city", "vegetable": "food", "subject": "invented", "car": "invented", "team": "invented", "toy": "common", "tree": "common", "ice cream": "common", "series": "invented", "show": "invented",
}  # fmt: skip
_OWN = {"home": "city", "job": "job", "hobby": "hobby", "dislike": "food", "allergy": "food", "drink": "drink", "plan": "activity"}
_WEIGHTS = {"name": 4, "favourite": 4, "pet": 2, "relation": 2, "thing": 4, "home": 2, "job": 2}


def fact(random: Random, kind: str = "") -> Fact:
    """Draw something that somebody may tell."""
    kind = kind or random.choices(list(_KINDS), [_WEIGHTS.get(name, 1) for name in _KINDS])[0]
    key, value = _about(kind, random)
    forms = _KINDS[kind]
    fill = slot(random, k=key, v=value)

    def say(part: str) -> str:
        return drawn_from(forms[part], random, fill)

    taken = say("taken")
    if taken.startswith(value):
        taken = f"Oh, {taken}"  # what is copied begins with a space, as it did where it was said
    return Fact(f"{kind} {key}", say("told"), taken, say("asked"), say("answer"), say("unknown"), say("noted"), value)


def never_told(random: Random, told: set[str]) -> Fact:
    """A fact that is asked for and was never told."""
    while True:
        drawn = fact(random)
        if drawn.key not in told:
            return drawn


def _about(kind: str, random: Random) -> tuple[str, str]:
    strange = random.random() < 0.35
    if kind == "favourite":
        key = random.choice(list(_FAVOURITES))
        return key, random.choice((invented(random), invented(random).lower())) if strange else _value(_FAVOURITES[key], random)
    if kind == "pet":
        return random.choice(LISTS["animal"]), person_or_invented(random)
    if kind == "relation":
        return random.choice(LISTS["relation"]), _titled(person_or_invented(random), random)
    if kind == "thing":
        kind_of_key = random.random()
        key = random.choice(LISTS["thing"]) if kind_of_key < 0.6 else random.choice(LISTS["common"])
        if kind_of_key > 0.8:
            key += f" {random.choice(('spot', 'number', 'place', 'code', 'word', 'date', 'size', 'key', 'box', 'room', 'group', 'card'))}"
        return key, _value(random.choice(("number", "invented", "invented", "common", "colour", "city", "person")), random)
    if kind == "age":
        years = random.randint(5, 99)
        return "", number_words(years) if random.random() < 0.4 else str(years)
    if kind == "name":
        return "", _titled(invented(random) if random.random() < 0.6 else random.choice(LISTS["person"]), random)
    if kind == "job" and strange:
        return "", invented(random).lower() + random.choice(("er", "smith", " maker", " seller", "ist", "keeper", "wright"))
    return "", _value(_OWN[kind], random) if not strange or kind in ("plan", "job") else invented(random).lower() if kind != "home" else invented(random)


def _titled(name: str, random: Random) -> str:
    """A name, now and then with what stands before or after it."""
    if random.random() < 0.85:
        return name
    return random.choice((f"{random.choice(('Mister', 'Doctor', 'Professor', 'Mrs', 'Aunt', 'Captain'))} {name}", f"{name} {invented(random)}"))


def _value(name: str, random: Random) -> str:
    if name == "invented":
        words = [invented(random)] if random.random() < 0.6 else [random.choice(LISTS["common"]).capitalize() for _ in range(2)]
        return draw(random.choice(("{x}", "{x}", "the {x}")), random, {"x": " ".join(words)})
    if name == "number":
        return str(random.randint(1, 10 ** random.randint(1, 6)))
    if name == "person":
        return person_or_invented(random)
    return random.choice(LISTS[name])
