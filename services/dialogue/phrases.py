"""The few sentences that dialogue says by itself, in the languages it knows (English for all others)."""

from __future__ import annotations

from typing import Literal

__all__ = ["Phrase", "phrase"]

Phrase = Literal[
    "not-understood", "still-not-understood", "lost-recognition", "lost-skill", "lost-model", "lost-speech",
    "lost-memory", "no-model", "no-model-again", "no-words", "noted", "nothing-to-repeat", "nothing-to-resume",
    "remembered", "remembered-passage", "too-long", "went-wrong", "which-one",
]  # fmt: skip

_SENTENCES: dict[str, dict[Phrase, str]] = {
    "en": {
        "not-understood": "Sorry, I didn't catch that.",
        "still-not-understood": "I still didn't understand. Please try other words.",
        "lost-recognition": "Sorry, I lost what you said. Please say it again.",
        "lost-skill": "Sorry, I couldn't do that. Please try again.",
        "lost-model": "Sorry, I can't think of an answer right now. Please try again.",
        "lost-speech": "Sorry, my voice failed for a moment.",
        "lost-memory": "By the way, I cannot reach my memory right now.",
        "no-model": "I have no language model yet, so I can only do what my skills know, such as the time, timers and "
        "sums. To get one, run: sotto models pull.",
        "no-model-again": "I need a language model for that: sotto models pull.",
        "no-words": "I have no answer to that.",
        "noted": "By the way, I will remember that you said: {fact}.",
        "nothing-to-repeat": "I haven't said anything yet.",
        "nothing-to-resume": "There is nothing to go on with.",
        "remembered": "I have no language model, but you told me: {fact}.",
        "remembered-passage": "I have no language model, but in {place} it says: {fact}",
        "too-long": "That is more than my language model can read at once. Please ask in fewer words.",
        "went-wrong": "Sorry, that went wrong.",
        "which-one": "Was that {one}, or {other}? Please say it again.",
    },
    "de": {
        "not-understood": "Das habe ich leider nicht verstanden.",
        "still-not-understood": "Ich habe es immer noch nicht verstanden. Bitte versuche es mit anderen Worten.",
        "lost-recognition": "Das ist mir leider entgangen. Bitte sag es noch einmal.",
        "lost-skill": "Das konnte ich leider nicht tun. Bitte versuche es noch einmal.",
        "lost-model": "Mir fällt gerade keine Antwort ein. Bitte versuche es noch einmal.",
        "lost-speech": "Entschuldige, meine Stimme war kurz weg.",
        "lost-memory": "Übrigens erreiche ich mein Gedächtnis gerade nicht.",
        "no-model": "Ich habe noch kein Sprachmodell und kann nur, was meine Fähigkeiten kennen, etwa Uhrzeit und "
        "Timer. Ein Modell holst du mit: sotto models pull.",
        "no-model-again": "Dafür brauche ich ein Sprachmodell: sotto models pull.",
        "no-words": "Darauf habe ich keine Antwort.",
        "noted": "Übrigens merke ich mir, dass du gesagt hast: {fact}.",
        "nothing-to-repeat": "Ich habe noch nichts gesagt.",
        "nothing-to-resume": "Es gibt nichts, womit ich weitermachen könnte.",
        "remembered": "Ich habe kein Sprachmodell, aber du hast mir gesagt: {fact}.",
        "remembered-passage": "Ich habe kein Sprachmodell, aber in {place} steht: {fact}",
        "too-long": "Das ist mehr, als mein Sprachmodell auf einmal lesen kann. Bitte frag mit weniger Worten.",
        "went-wrong": "Entschuldige, das ist schiefgegangen.",
        "which-one": "War das {one} oder {other}? Bitte sag es noch einmal.",
    },
    "fr": {
        "not-understood": "Désolé, je n'ai pas compris.",
        "still-not-understood": "Je n'ai toujours pas compris. Essaie avec d'autres mots.",
        "lost-recognition": "Désolé, je n'ai pas pu t'entendre. Répète, s'il te plaît.",
        "lost-skill": "Désolé, je n'ai pas pu le faire. Réessaie, s'il te plaît.",
        "lost-model": "Désolé, je ne trouve pas de réponse pour l'instant. Réessaie, s'il te plaît.",
        "lost-speech": "Désolé, ma voix s'est coupée un instant.",
        "lost-memory": "Au fait, je n'ai pas accès à ma mémoire en ce moment.",
        "no-model": "Je n'ai pas encore de modèle de langage, je ne connais donc que mes fonctions, comme l'heure et "
        "les minuteurs. Pour en obtenir un, lance : sotto models pull.",
        "no-model-again": "Il me faut un modèle de langage pour cela : sotto models pull.",
        "no-words": "Je n'ai pas de réponse à cela.",
        "noted": "Au fait, je retiens que tu as dit : {fact}.",
        "nothing-to-repeat": "Je n'ai encore rien dit.",
        "nothing-to-resume": "Il n'y a rien à continuer.",
        "remembered": "Je n'ai pas de modèle de langage, mais tu m'as dit : {fact}.",
        "remembered-passage": "Je n'ai pas de modèle de langage, mais dans {place} il est écrit : {fact}",
        "too-long": "C'est plus que mon modèle de langage ne peut lire d'un coup. Pose la question en moins de mots.",
        "went-wrong": "Désolé, quelque chose s'est mal passé.",
        "which-one": "C'était {one} ou {other} ? Répète, s'il te plaît.",
    },
    "es": {
        "not-understood": "Perdona, no te he entendido.",
        "still-not-understood": "Sigo sin entenderlo. Prueba con otras palabras.",
        "lost-recognition": "Perdona, no pude oírte. Dilo otra vez, por favor.",
        "lost-skill": "Perdona, no he podido hacerlo. Inténtalo otra vez.",
        "lost-model": "Perdona, ahora no encuentro una respuesta. Inténtalo otra vez.",
        "lost-speech": "Perdona, me he quedado sin voz un momento.",
        "lost-memory": "Por cierto, ahora no puedo acceder a mi memoria.",
        "no-model": "Aún no tengo un modelo de lenguaje, así que solo puedo hacer lo que saben mis funciones, como la "
        "hora y los temporizadores. Para conseguir uno, ejecuta: sotto models pull.",
        "no-model-again": "Para eso necesito un modelo de lenguaje: sotto models pull.",
        "no-words": "No tengo respuesta para eso.",
        "noted": "Por cierto, recordaré que has dicho: {fact}.",
        "nothing-to-repeat": "Todavía no he dicho nada.",
        "nothing-to-resume": "No hay nada que continuar.",
        "remembered": "No tengo un modelo de lenguaje, pero me dijiste: {fact}.",
        "remembered-passage": "No tengo un modelo de lenguaje, pero en {place} dice: {fact}",
        "too-long": "Es más de lo que mi modelo de lenguaje puede leer de una vez. Pregúntalo con menos palabras.",
        "went-wrong": "Perdona, algo ha salido mal.",
        "which-one": "¿Era {one} o {other}? Dilo otra vez, por favor.",
    },
}


def phrase(name: Phrase, language: str, **words: str) -> str:
    """Return the sentence in `language`, with its gaps filled."""
    sentence = _SENTENCES.get(language, _SENTENCES["en"])[name]
    for gap, said in words.items():
        sentence = sentence.replace(f"{{{gap}}}", said)
    return sentence
