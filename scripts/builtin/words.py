"""The words that stand in the slots of the phrases: real ones, and invented ones that only copying can get right."""

# fmt: off
from __future__ import annotations

from random import Random

__all__ = ["LISTS", "foreign", "invented", "number_words"]


def _list(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.replace("\n", ",").split(",") if word.strip())


LISTS: dict[str, tuple[str, ...]] = {
    "person": _list(
        """Anna, Ben, Clara, David, Emma, Felix, Grace, Henry, Isabel, Jack, Kate, Liam, Maria, Noah, Olivia, Paul,
        Quinn, Rosa, Sam, Tina, Ursula, Victor, Wendy, Xavier, Yusuf, Zoe, Aisha, Boris, Carlos, Diego, Elena, Fatima,
        George, Hannah, Ivan, Julia, Karim, Laura, Marco, Nina, Omar, Petra, Rahul, Sofia, Tom, Uma, Vera, Will, Yara,
        Alex, Amir, Bella, Chloe, Daniel, Ella, Frank, Hugo, Ines, James, Kim, Leo, Mia, Nora, Oscar, Priya, Ravi, Sara,
        Theo, Viktor, Yuki, Abdul, Agnes, Albert, Alice, Amelia, Andrew, Arthur, Astrid, Beatrice, Bruno, Cecilia, Chen,
        Christine, Dora, Edith, Emil, Esther, Eva, Florence, Francis, Greta, Gustav, Harriet, Helen, Hiroshi, Ida,
        Jasmine, Joseph, Judith, Kofi, Kurt, Lena, Lily, Lucas, Malik, Martin, Matthew, Mei, Michael, Mina, Naomi,
        Nicholas, Otto, Patrick, Peter, Philip, Rachel, Robert, Ruth, Sebastian, Simon, Stella, Susan, Sven, Tamara,
        Thomas, Tobias, Valentina, Walter, Winston, Zainab, Margaret, Dorothy, Kevin, Brian, Jessica, Ashley, Tyler"""
    ),
    "city": _list(
        """London, Paris, Berlin, Madrid, Rome, Vienna, Oslo, Stockholm, Lisbon, Dublin, Athens, Prague, Warsaw, Budapest,
        New York, Boston, Chicago, Seattle, Denver, Miami, Houston, Toronto, Montreal, Vancouver, Mexico City, Lima,
        Bogota, Santiago, Buenos Aires, Rio de Janeiro, Tokyo, Osaka, Kyoto, Seoul, Beijing, Shanghai, Hong Kong,
        Singapore, Bangkok, Jakarta, Manila, Mumbai, Delhi, Kolkata, Karachi, Dubai, Cairo, Lagos, Nairobi, Cape Town,
        Sydney, Melbourne, Perth, Auckland, Wellington, Honolulu, San Francisco, Los Angeles, Las Vegas, Amsterdam,
        Brussels, Zurich, Geneva, Hamburg, Munich, Cologne, Milan, Venice, Naples, Barcelona, Seville, Porto, Lyon,
        Marseille, Copenhagen, Helsinki, Reykjavik, Edinburgh, Glasgow, Manchester, Leeds, Cork, Istanbul, Ankara,
        Tehran, Baghdad, Jerusalem, Moscow, Kiev, Riga, Tallinn, Vilnius, Sofia, Bucharest, Belgrade, Zagreb, Krakow,
        Salzburg, Bern, Bremen, Austin, Portland, Phoenix, Atlanta, Nashville, Orlando, Calgary, Ottawa, Havana,
        Casablanca, Tunis, Accra, Dakar, Kathmandu, Hanoi, Taipei, Brisbane, Hobart"""
    ),
    "country": _list(
        """France, Germany, Spain, Italy, Japan, China, India, Brazil, Canada, Mexico, Egypt, Kenya, Nigeria, Norway,
        Sweden, Finland, Denmark, Poland, Portugal, Greece, Turkey, Iran, Iraq, Israel, Thailand, Vietnam, Australia,
        New Zealand, Iceland, Ireland, Scotland, Austria, Switzerland, Belgium, Hungary, Romania, Ukraine, Russia, Peru,
        Chile, Argentina, Cuba, South Africa, Morocco, Ghana, Nepal, Korea, Indonesia, Malaysia, Hawaii, California,
        Texas, Florida, Alaska"""
    ),
    "colour": _list(
        """red, blue, green, yellow, orange, purple, pink, black, white, brown, grey, turquoise, violet, silver, gold,
        crimson, navy, olive, beige, teal, lilac, maroon, magenta, amber, indigo"""
    ),
    "food": _list(
        """pizza, pasta, sushi, curry, tacos, lasagna, pancakes, noodles, dumplings, risotto, paella, ramen, soup, salad,
        cheese, bread, chocolate, ice cream, apple pie, fried rice, burgers, hot dogs, pad thai, falafel, hummus, chili,
        goulash, waffles, cookies, cheesecake, mangos, strawberries, bananas, cherries, peaches, avocado, mushrooms,
        spinach, potatoes, tomatoes, olives, onions, garlic, carrots, broccoli, fish, chicken, beef, tofu, eggs, beans"""
    ),
    "drink": _list(
        """coffee, tea, green tea, water, apple juice, orange juice, lemonade, cola, beer, wine, hot chocolate, cider,
        espresso, milk, ginger ale, iced tea, tomato juice, mint tea, cocoa, red wine"""
    ),
    "animal": _list(
        """dog, cat, hamster, rabbit, parrot, horse, goldfish, turtle, snake, lizard, guinea pig, ferret, canary, pony,
        mouse, rat, gecko, budgie, hedgehog, duck, goat, tortoise, puppy, kitten, cow, chicken, donkey, sheep"""
    ),
    "wild": _list(
        """elephant, tiger, lion, dolphin, penguin, owl, fox, wolf, bear, panda, giraffe, zebra, whale, shark, eagle,
        octopus, koala, otter, squirrel, deer, kangaroo, crocodile, gorilla, flamingo, bee, butterfly, frog"""
    ),
    "relation": _list(
        """sister, brother, mother, father, wife, husband, son, daughter, uncle, aunt, cousin, grandmother, grandfather,
        boss, neighbour, best friend, girlfriend, boyfriend, partner, teacher, doctor, dentist, roommate, nephew, niece,
        mom, dad, grandma, grandpa, colleague, coach, landlord, friend, mum, mother in law,
        sister in law, stepfather, godmother, flatmate, grandson, granddaughter, babysitter, tutor"""
    ),
    "job": _list(
        """teacher, nurse, carpenter, programmer, plumber, doctor, baker, pilot, farmer, gardener, lawyer, chef, driver,
        electrician, journalist, librarian, mechanic, musician, painter, photographer, police officer, scientist,
        engineer, accountant, architect, dentist, designer, firefighter, hairdresser, waiter, translator, vet, writer,
        student, salesman, tailor, bus driver, software developer, data scientist, social worker, surgeon, barber"""
    ),
    "hobby": _list(
        """hiking, swimming, reading, painting, cooking, gardening, cycling, running, dancing, singing, climbing, fishing,
        knitting, chess, photography, yoga, skiing, sailing, surfing, football, tennis, basketball, volleyball, baking,
        camping, drawing, pottery, astronomy, bird watching, board games, video games, playing guitar, playing piano,
        writing poems, woodworking, juggling, karate, badminton, rowing, golf, sewing, origami, skating, horse riding"""
    ),
    "sport": _list(
        """football, tennis, basketball, hockey, rugby, cricket, golf, swimming, boxing, baseball, volleyball, handball,
        skiing, table tennis, badminton, judo, cycling, rowing, athletics, surfing"""
    ),
    "season": ("spring", "summer", "autumn", "winter", "fall"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "month": _list(
        "January, February, March, April, May, June, July, August, September, October, November, December"
    ),
    "instrument": _list("guitar, piano, violin, drums, flute, cello, trumpet, saxophone, harp, ukulele, accordion, clarinet"),
    "language": _list(
        """German, French, Spanish, Italian, Japanese, Chinese, Russian, Arabic, Portuguese, Dutch, Swedish, Polish,
        Turkish, Greek, Hindi, Korean, Latin, Finnish, Danish, Norwegian"""
    ),
    "kitchen": _list(
        """pasta, rice, eggs, tea, pizza, bread, cake, soup, potatoes, chicken, oven, laundry, cookies, noodles, roast,
        lasagna, turkey, coffee, beans, dough, steak, fish, muffins, brownies, sauce, dishes, washing, dryer, nap, break,
        workout, meditation, homework, plank, stretching, parking, meeting, call, study, quiche, stew, porridge, popcorn,
        noodle, egg, potato, cookie, dumpling, pancake, waffle, toast, lentils, ribs, pie, curry, sauna, face mask"""
    ),
    "wakefor": _list(
        """work, school, the gym, breakfast, my flight, my medicine, my pills, the train, yoga, church, practice, my run,
        the meeting, the interview, the dentist, the exam, my shift, the bus, the airport, my walk, the call, training"""
    ),
    "gadget": _list("lights, lamp, heating, TV, radio, fan, door, blinds, oven, vacuum, dishwasher, air conditioning, camera"),
    "activity": _list(
        """cook dinner, go for a walk, read a book, watch a movie, clean the kitchen, visit my parents, go shopping,
        take a nap, do the laundry, play some football, work in the garden, meet some friends, go to the gym, bake a cake,
        write a letter, paint the fence, walk the dog, do my homework, ride my bike, go to bed, have lunch, fix my car,
        go to the beach, practice the piano, study for my exam, call my mother, go to a concert, pack my bags"""
    ),
    "thing": _list(
        """bike code, locker number, wifi password, flight number, seat, hotel, room number, car, phone, licence plate,
        shoe size, doctor, dentist, blood type, lucky number, street, school, company, team, bank, gate, train,
        appointment, deadline, PIN, passport number, bus, favourite shop, project, book, computer, town, village,
        garage code, ring size, hat size, membership number, middle name, last name, surname, nickname, star sign,
        building, floor, desk, alarm code, table, class, subject, boat, garden, office, ticket number, platform,
        home network, gate code, customer number, order code, case number, parking level, boarding gate, meeting,
        flight, hotel room, tent, locker, row, visa number, tax number, bus line, vet, garage, cabin, parking space"""
    ),
    "topic": _list(
        """dinosaurs, black holes, quantum physics, the French Revolution, the Roman Empire, volcanoes, photosynthesis,
        the stock market, electric cars, climate change, the moon landing, Shakespeare, Mozart, Beethoven, Einstein,
        Napoleon, Cleopatra, the Eiffel Tower, the Great Wall, the Amazon, gravity, evolution, atoms, DNA, democracy,
        inflation, bitcoin, machine learning, neural networks, philosophy, Plato, Buddhism, chess openings, jazz, opera,
        the Olympics, the World Cup, Harry Potter, Star Wars, the Beatles, Picasso, Van Gogh, the pyramids, vikings,
        samurai, penguins, sharks, whales, spiders, bees, mushrooms, bread, wine, coffee, tea, vitamins, protein, sleep,
        dreams, memory, the brain, the heart, the liver, blood, bones, cancer, vaccines, viruses, bacteria, antibiotics,
        taxes, mortgages, insurance, contracts, copyright, engines, airplanes, rockets, satellites, Mars, Jupiter, Saturn,
        the sun, the ocean, earthquakes, hurricanes, rainbows, lightning, glaciers, deserts, rainforests, oxygen, helium,
        gold, iron, plastic, glass, concrete, paper, printing, television, radio, the internet, computers, Python, Linux,
        solar panels, windmills, nuclear power, batteries, magnets, lasers, microwaves, refrigerators, bicycles, trains,
        bridges, castles, cathedrals, World War Two, the Cold War, the Renaissance, ancient Egypt, ancient Greece, pirates,
        the Titanic, unicorns, dragons, vampires, werewolves, poetry, novels, grammar, algebra, geometry, prime numbers,
        pi, infinity, statistics, probability, chemistry, biology, physics, geology, astronomy, psychology, sociology"""
    ),
    "famous": _list(
        """Shakespeare, Mozart, Beethoven, Einstein, Napoleon, Cleopatra, Picasso, Van Gogh, Plato, Aristotle, Newton,
        Darwin, Marie Curie, Gandhi, Lincoln, Washington, Columbus, Galileo, Leonardo da Vinci, Michelangelo, Bach,
        Elvis, Madonna, Michael Jackson, Charlie Chaplin, Walt Disney, Julius Caesar, Queen Victoria, Churchill, Tesla,
        Edison, Freud, Marx, Hemingway, Jane Austen, Dickens, Tolstoy, Kafka, Goethe, Dante, Homer, Socrates, Messi,
        Pele, Serena Williams, Usain Bolt, Neil Armstrong, the Pope, the president, the prime minister, the king"""
    ),
    "work": _list(
        """Hamlet, Faust, the Mona Lisa, War and Peace, the Odyssey, Don Quixote, Macbeth, the Bible, Moby Dick, Dracula,
        Frankenstein, Star Wars, Titanic, Jaws, Casablanca, the telephone, the light bulb, the computer, the wheel,
        the steam engine, the airplane, penicillin, radium, America, gunpowder, the printing press, the internet,
        the radio, dynamite, the telescope, the Moonlight Sonata, the Magic Flute, Alice in Wonderland, Peter Pan"""
    ),
    "common": _list(
        """table, chair, window, garden, river, mountain, bottle, candle, hammer, ladder, mirror, pencil, pillow, rocket,
        saddle, tunnel, wallet, anchor, basket, blanket, bucket, button, camera, carpet, castle, circle, cloud, corner,
        engine, feather, flower, forest, guitar, hammock, island, jacket, kettle, lantern, marble, needle, orange, paper,
        pepper, planet, pocket, ribbon, sandal, shadow, silver, spider, spoon, stone, sugar, summer, ticket, tiger, train,
        velvet, violin, wagon, whistle, winter, yellow, zebra, apple, bridge, coffee, desert, dragon, eagle, falcon, glass,
        honey, ivory, jungle, kite, lemon, magnet, nest, ocean, pearl, quill, raven, snow, thunder, umbrella, valley"""
    ),
    "verb": _list(
        """ache, bark, beat, behave, bend, bite, bleed, blink, block, bloom, boil, bounce, breathe, breed, bruise, build,
        burn, bury, carry, catch, chase, chew, chirp, climb, collapse, collect, compete, cough, crack, crawl, croak, cry,
        dance, decay, dig, digest, dive, dream, drift, drip, drown, evolve, explode, fade, faint, fall, feed, fight, float,
        flow, fly, fold, freeze, glow, grow, hatch, heal, hibernate, hide, hiccup, howl, hum, hunt, itch, jump, kick, land,
        laugh, leak, lean, lie, limp, melt, migrate, moan, multiply, nest, orbit, panic, pass, peck, pollinate, pull, purr,
        push, race, reflect, repeat, rest, ring, ripen, roar, roll, rot, rotate, rust, scratch, shake, shed, shine, shiver,
        shrink, sink, skip, sleepwalk, smell, smile, smoke, snap, sneeze, snore, sparkle, spin, spit, split, squeak,
        steal, sting, stink, stretch, suffer, survive, swallow, sweat, swell, swim, swing, tear, thaw, throw, tick, travel,
        tremble, turn, twist, vanish, vote, wag, wander, weigh, wilt, wobble, work, worry, wrinkle, yawn, yell"""
    ),
    "adjective": _list(
        """ancient, angry, bitter, blind, brave, bright, broken, calm, cheap, clean, clever, cold, common, cruel, curly,
        dangerous, dark, dead, deaf, deep, dirty, dry, early, edible, elastic, electric, empty, expensive, famous, fast,
        fat, flat, foggy, fragile, free, fresh, frozen, funny, gentle, greedy, hairy, happy, hard, harmful, healthy, heavy,
        high, hollow, hot, huge, illegal, juicy, lazy, legal, light, lonely, long, loud, lucky, magnetic, modern, narrow,
        natural, noisy, old, painful, poisonous, poor, popular, powerful, quiet, quick, rare, raw, rich, ripe, rotten,
        rough, round, rude, rusty, sad, safe, salty, shallow, sharp, shiny, short, shy, sick, silent, slippery, slow, small,
        smart, smooth, soft, sour, spicy, sticky, stiff, strange, strong, sweet, tall, tame, tasty, thick, thin, tight,
        tiny, toxic, transparent, ugly, useful, useless, warm, weak, wet, wide, wild, wise, wooden, young"""
    ),
}

_FOREIGN = tuple(_list(words) for words in (
    "ich, du, er, wir, ist, sind, hat, das, der, die, ein, eine, nicht, und, oder, wie, was, wann, warum, wer, heute, morgen, gestern, bitte, danke, schön, gut, mein, dein, haus, auto, wetter, zeit, uhr, straße, apotheke, essen, trinken, gehen, machen, sagen, können, kannst, möchte, will, für, mit, von, nach, zu, auf, im, viel, immer, kinder, musik, licht, an, aus, stelle, wecker, minuten, stunde, hund, katze, lied, erzähl, mir, über",
    "je, tu, il, elle, nous, vous, est, suis, es, sont, le, la, les, un, une, des, et, ou, mais, que, qui, quoi, quand, pourquoi, comment, aujourd'hui, demain, hier, merci, bien, très, mon, ma, ton, maison, voiture, temps, heure, rue, gare, manger, boire, aller, faire, dire, peux, veux, pour, avec, dans, sur, chez, chat, chien, musique, lumière, allume, éteins, mets, réveil, minutes, raconte, moi, une histoire, ça, c'est, j'ai, d'accord",
    "yo, tú, él, ella, nosotros, es, soy, son, el, la, los, un, una, y, o, pero, que, quién, qué, cuándo, por qué, cómo, hoy, mañana, ayer, gracias, muy, bien, mi, tu, casa, coche, tiempo, hora, calle, tienda, comer, beber, ir, hacer, decir, puedes, quiero, para, con, en, sobre, gato, perro, música, luz, enciende, apaga, pon, alarma, minutos, cuéntame, historia, está, estás, dónde, tengo, hay",
    "io, tu, lui, noi, è, sono, sei, il, la, gli, un, una, e, o, ma, che, chi, quando, perché, come, oggi, domani, ieri, grazie, molto, bene, mio, casa, macchina, tempo, ora, strada, mangiare, bere, andare, fare, dire, puoi, voglio, per, con, in, sul, gatto, cane, musica, luce, accendi, spegni, sveglia, minuti, dimmi, storia, dove, ho, questa",
    "ik, jij, hij, wij, is, ben, het, de, een, en, of, maar, wat, wie, wanneer, waarom, hoe, vandaag, morgen, dank, heel, goed, mijn, huis, auto, tijd, straat, eten, drinken, gaan, doen, zeggen, kun, wil, voor, met, op, naar, kat, hond, muziek, licht, zet, minuten, vertel, verhaal, jestem, jest, nie, tak, co, kto, gdzie, jak, dzisiaj, proszę, dziękuję, bardzo, dobrze, dom, czas, jag, är, inte, och, vad, hur, tack, mycket",
))  # fmt: skip
_ONSETS = _list("b, br, c, ch, d, dr, f, fl, g, gr, h, j, k, kr, l, m, n, p, pr, qu, r, s, sh, sl, st, t, th, tr, v, w, y, z")
_VOWELS = _list("a, e, i, o, u, a, e, i, o, ai, ea, ee, oo, ou, y")
_CODAS = ("", "", "", "n", "r", "l", "s", "m", "x", "k", "nd", "rt", "ck", "th", "lle", "ss")

_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


_ALL = tuple(sorted({word.lower() for words in LISTS.values() for text in words for word in text.split() if word.isalpha() and len(word) > 2}))


def invented(random: Random) -> str:
    """A word nobody knows, as a name is to who hears it first: so many are possible that only copying gets it right."""
    kind = random.random()
    if kind < 0.42:
        one, other = (random.choice(_ALL) for _ in range(2))
        return (one[: random.randint(1, 5)] + other[-random.randint(2, 6) :]).capitalize()
    if kind < 0.62:  # as names of other languages look: pieces of words in any order, letters twice
        pieces = []
        for _ in range(random.randint(2, 4)):
            word = random.choice(_ALL)
            at = random.randint(0, len(word) - 2)
            pieces.append(word[at : at + random.randint(2, 4)])
        return "".join(pieces + pieces[-1:] * (random.random() < 0.15)).capitalize()
    if kind < 0.74:
        return "".join(random.choice("abcdefghijklmnoprstuvwyzaeiou") for _ in range(random.randint(4, 9))).capitalize()
    parts = [random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(random.choice((1, 2, 2, 3)))]
    return ("".join(parts) + random.choice(_CODAS)).capitalize()


def foreign(random: Random) -> str:
    """Some words of another language, in no order."""
    words = random.choice(_FOREIGN)
    return " ".join(random.choice(words) for _ in range(random.randint(3, 9)))


def number_words(number: int) -> str:
    """A number below a thousand as speech recognition without digits writes it."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_SMALL[hundreds]} hundred" + (f" and {number_words(rest)}" if rest else "")
