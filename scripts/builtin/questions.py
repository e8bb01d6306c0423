"""Questions about the world, which a model of this size cannot know the answers to, and says so."""

# fmt: off
from __future__ import annotations

from random import Random

from scripts.builtin.phrases import drawn_from
from scripts.builtin.wishes import slot

__all__ = ["ANSWER", "question"]

ANSWER = "I do not know that: I am only a small model. You can get a larger one with: sotto models pull."

_ASKS = (
    "what is {topic}", "what are {topic}", "who (was|is) {famous}", "(tell|teach) me [something |more |all |everything |](about|of) {topic}", "explain {topic} [to me|in simple words|briefly|like I'm five]", "how (does|do) {topic} work", "why (is|are) {topic} (important|dangerous|famous|so popular|good for you|blue|so expensive)", "when (was|were|did) {topic} (invented|discovered|built|begin|end|happen|start)", "who (invented|discovered|built|wrote|painted|made|composed|directed) {topic}", "who (invented|discovered|wrote|painted|composed|directed|made|sang) {work}",
    "what is the capital [city] of {country}", "how (many|much) {common}s (are there|exist) in {country}", "how (many people|many inhabitants) (live in|does) {city} [have]", "how (big|large|old|far away|tall|deep|heavy|fast|long|high) is {topic}", "how (big|far|old|large|far away) is {city}", "how far is it (from {city} to {city2}|to {city}|to the moon|to the sun|to Mars)", "where (is|are|was) {topic}", "where is {city}", "in which country is {city}", "what (language|languages|currency|money|religion) (do|does) (they|people) (speak|use|have) in {country}",
    "(what|which) is the (highest|tallest|longest|biggest|deepest|oldest|fastest|largest|smallest|best|richest) (mountain|building|river|lake|animal|country|city|car|tree|ocean|company|person|planet|fish|bird) [in {country}|in the world|on earth]", "when did {famous} (die|live|rule|win|write)", "when was {famous} born", "how old (is|was) {famous}", "what did {famous} (do|say|write|discover|invent|believe|paint|compose)", "why did {famous} (die|leave|become famous|lose|win)", "is it true that {topic} (is|are) (dangerous|healthy|real|dead|blue|bad)", "what is the difference between {topic} and {topic2}", "what does {common} mean", "what does {noise} mean",
    "how do you (spell|pronounce|translate|say) {common} [in {language}]", "translate {common} (to|into) {language}", "what is the {language} word for {common}", "how do you say (hello|thank you|good morning|I love you|goodbye) in {language}", "(write|compose|draft) (an essay|a letter|an email|a speech|a report|an article|a program|a function|some code|a cover letter|a summary) (about|on|for|of) {topic}", "(write|give me) (code|a function|a script|a program) (that|to) (sorts a list|downloads a file|prints {topic}|adds numbers)", "(how do I|how can I|how to|what's the best way to) (cook|make|bake|prepare) {food}", "(give me|what's|do you have) a [good |]recipe for {food}", "(how do I|how can I|how to) (fix|repair|clean|build|change|replace|paint|install) (a|my|the) {common}", "(summarise|summarize|describe|review) {work}",
    "what (should|can) I do against {topic}", "what is the (plot|story|ending|meaning|author) of {work}", "(what|which) (books|films|movies|songs) (did {famous} write|should I know about {topic}|are about {topic})", "(is|are) {food} (healthy|good for you|vegetarian|bad for dogs)", "how many calories (are in|do|does) {food} [have]", "how long (does|do) {topic} (take|live|last)", "how long do I have to (cook|boil|bake) {food}", "what happened in (1066|1492|1789|1812|1914|1945|1969|1989|{number})", "what year did {topic} (begin|end|happen|start)", "why (is the sky blue|is the grass green|do birds sing|do cats purr|do we sleep|do we dream|is the sea salty|do leaves fall|is water wet|do dogs bark|does it rain|is ice slippery|do stars twinkle)",
    "what (do|does) (bears|bees|cows|{wild}s|babies|fish|birds|spiders) eat", "how (fast|long|high|far|old) (can|do|does) (a|an|the) {wild} (run|live|jump|fly|get|swim)", "how many (bones|teeth|legs|eyes|hearts|stomachs|hairs) (does|do) (a|an) {wild} have", "(what|which) {wild} is the (biggest|fastest|smallest)", "what is the (chemical formula|boiling point|melting point|symbol|weight|colour|temperature|population|area|history|origin|density) of {topic}", "what is the (population|area|history|president|king|flag|anthem) of {country}", "who is the (president|king|queen|prime minister|chancellor|mayor|leader) of {country}", "who (won|hosted|lost) the (world cup|olympics|war|election|super bowl) (in|of) {number}", "(name|list|tell me) (three|five|ten|all|some) (planets|countries|kings|presidents|rivers|animals|elements|inventors|books by {famous})", "(how many|what are the) (planets|continents|oceans|countries|states|elements|seasons|bones) (are there|in the world|in the body)",
    "can you explain (how|why) {topic} (works|work|happened|matters)", "do you know (anything|something|much) about {topic}", "do you know who {famous} (is|was)", "have you (heard of|read) {work}", "what do you (know|think) about {topic}", "what is your opinion (on|of|about) {topic}", "(should|must) I (buy|sell|invest in|study|learn) {topic}", "which (phone|car|laptop|camera|book|bank|party) (should|would) (I|you) (buy|take|choose|vote for|recommend)", "(I have a question|I'd like to know something|I want to learn|I am curious|let's talk|I need to know something) about {topic}", "help me (with|understand|learn) {topic}",
    "what('s| is) the {topic} [about|exactly]", "what causes {topic}", "who were the {common}s of {country}", "how did {topic} (begin|start|come about|end|change the world)", "what kinds of {topic} are there", "what is {topic} made of", "give me (some |)(information|facts|details) (about|on) {topic}", "what do (scientists|doctors|people|historians) say about {topic}", "how dangerous (is|are) {topic}", "how (is|are) {topic} made", "is there (life on {topic}|a cure for {topic}|a difference between {topic} and {topic2})", "what colour is {topic}", "what sound does a {wild} make", "can {wild}s (fly|swim|climb|see in the dark|talk)",
    "who was the first (man|woman|person|president|king|pilot) (on the moon|in space|of {country}|to fly)", "what is (a|an|the) {common}", "who is {person} {noise}", "why do (people|we|women|men|children|cats|dogs) (like|need|fear|love|want|eat) {topic}", "what rhymes with {common}", "what is another word for {common}", "what is the opposite of {common}", "correct this sentence", "(proofread|rewrite|shorten|translate) (this|my) (text|letter|email|essay)", "solve (this|an|the) equation", "what is the (derivative|integral) of x squared", "which {topic} should I read about", "in what year was {work} (made|written|invented)", "what makes {topic} so special", "is {city} (bigger|older|nicer|colder) than {city2}", "which is (bigger|older|better|heavier), {topic} or {topic2}",
)  # fmt: skip


def question(random: Random) -> str:
    """Draw a question nobody of this size can answer."""
    from scripts.builtin.words import LISTS, invented

    known = {"city2": random.choice(LISTS["city"]), "topic2": random.choice(LISTS["topic"])}
    if random.random() < 0.3:
        known["topic"] = random.choice((invented(random), random.choice(LISTS["common"]), f"the {random.choice(LISTS['common'])}", random.choice(LISTS["wild"]) + "s", random.choice(LISTS["food"]), random.choice(LISTS["country"])))
    if random.random() < 0.2:
        known["famous"] = f"{random.choice(LISTS['person'])} {invented(random)}"
    if random.random() < 0.2:
        known["work"] = f"the {random.choice(LISTS['common']).capitalize()}"
    return drawn_from(_ASKS, random, slot(random, **known))
