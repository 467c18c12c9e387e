"""What people say to an appliance, in many variations, to be spoken by a synthesizer.

None of these sentences is among those that ``bittern bench endpointing`` measures with.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_SLOTS = {
    "n": "two|three|five|seven|eight|ten|twelve|fifteen|twenty|thirty five|forty|ninety",
    "unit": "minutes|seconds|hours",
    "room": "kitchen|bedroom|hall|garage|dining room|nursery|office|bathroom|cellar|garden",
    "thing": "lamp|heater|fan|radio|television|blinds|coffee maker|speaker|dishwasher|humidifier",
    "day": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
    "clock": "six|seven thirty|a quarter past eight|nine fifteen|noon|half past four|ten o'clock",
    "item": "milk|tomatoes|bread|olive oil|batteries|toilet paper|rice|apples|cheese|dog food",
    "who": "Anna|my brother|grandma|Peter|the neighbours|doctor Miller|the school|my sister",
    "kind": "jazz|classical music|some rock|quiet piano music|the news|children's songs|a podcast",
    "city": "Paris|Berlin|New York|Madrid|Oslo|Chicago|Lisbon|Tokyo|Edinburgh|Cape Town",
    "animal": "elephant|blue whale|hedgehog|sparrow|horse|octopus|camel|honey bee",
    "dish": "pancakes|a lentil soup|lasagne|an apple pie|fried rice|scrambled eggs",
    "colour": "red|warm white|blue|green|orange|purple",
    "person": "the president of France|Marie Curie|the mayor|Isaac Newton|the inventor of radio",
}
_TEMPLATES = (
    "Set a timer for {n} {unit}.",
    "Start a {n} minute timer for the {thing}.",
    "Please set an alarm for {clock} on {day}.",
    "Wake me up at {clock} tomorrow morning.",
    "Remind me to call {who} at {clock}.",
    "Remind me on {day} to buy {item} and {item}.",
    "Turn on the {thing} in the {room}.",
    "Turn the {thing} in the {room} off.",
    "Switch off every {thing} upstairs.",
    "Make the light in the {room} {colour}.",
    "Dim the lights in the {room} to {n} percent.",
    "Set the temperature in the {room} to twenty degrees.",
    "Is the window in the {room} still open?",
    "Did I leave the {thing} on?",
    "Add {item} to my shopping list.",
    "Put {item}, {item} and {item} on the list.",
    "What is on my list for {day}?",
    "Take {item} off the shopping list.",
    "What's the weather going to be like in {city} on {day}?",
    "Will it rain in {city} this afternoon?",
    "How cold is it going to get tonight?",
    "Do I need an umbrella on {day}?",
    "Play {kind} in the {room}.",
    "Play something by that band from {city}.",
    "Skip this song and play {kind}.",
    "Turn the volume up by {n} percent.",
    "How many {unit} are left on my timer?",
    "How long does it take to get to {city} by train?",
    "What time is it in {city} right now?",
    "What is the capital of the country north of Spain?",
    "How heavy is a grown {animal}?",
    "Tell me something interesting about the {animal}.",
    "How do I make {dish} for {n} people?",
    "How many grams are there in {n} ounces?",
    "What is {n} times {n} plus {n}?",
    "Who was {person}, and what is he known for?",
    "Call {who} and tell them I will be late.",
    "Send a message to {who} that dinner is at {clock}.",
    "Read me the last message from {who}.",
    "Cancel the alarm that I set for {clock}.",
    "Stop the timer in the {room}.",
    "Lock the front door and close the {thing}.",
    "Can you order {item} from the shop around the corner?",
    "I would like a large cup of coffee with {n} spoons of sugar.",
    "Give me a small tea with lemon and no milk.",
    "Could you make me a double espresso with oat milk?",
    "Translate good morning into the language of {city}.",
    "How do you spell {animal}?",
    "What's the score of the game in {city}?",
    "Open the {thing} at {clock} every {day}.",
    "Find my phone.",
    "What day is it today?",
    "Good night.",
    "Stop.",
    "Never mind.",
    "Thank you very much.",
    "What can you do?",
    "Louder, please.",
    "Turn it off.",
    "Where are you from?",
    "I was at the market in {city}, and it was closed.",
    "My {animal} has been sleeping in the {room} since {day}.",
    "When does the shop next to the {room} factory open on {day}?",
    "Which of the two is bigger, the {animal} or the {animal}?",
    "We are going to {city} with {who} in {n} weeks.",
    "If it snows on {day}, wake me at {clock}.",
)
_OPEN_TEMPLATES = (
    "What is a {any}?",
    "Tell me about the {any} and the {any}.",
    "Add {any} to my {any} list.",
    "Put the {any} {any} on the list.",
    "Turn on the {any} in the {any}.",
    "Turn the {any} {any} off.",
    "Play {any} by the {any}.",
    "Play the song {any} {any}.",
    "Set a timer for the {any}.",
    "Remind me to {any} the {any}.",
    "Remind me about the {any} on {day}.",
    "Who invented the {any}?",
    "Where did I put my {any}?",
    "How many {any} are there in a {any}?",
    "When does the {any} of the {any} begin?",
    "Is the {any} still in the {room}?",
    "Call the {any} office.",
    "I would like a {any} with {any}.",
    "Give me the {any} of the {any} {any}.",
    "Can you find the {any} for me and {any} it?",
    "What do you think about {any}?",
    "Let us {any} a {any} {any}.",
    "My {any} wants to {any}.",
    "The {any} is too {any}.",
    "Which {any} has the best {any}?",
    "{any}.",
    "{any} {any}.",
    "No, the {any}.",
)
_SLOT = re.compile(r"\{(\w+)\}")


def open_sentences(count: int, words: Sequence[str], seed: int = 1) -> list[str]:
    """Return sentences with any words in all places.

    What is learned from these is not which nouns are last, for any may be and none must.
    """
    chance = random.Random(seed)
    return [
        _filled(chance.choice(_OPEN_TEMPLATES), chance, words).capitalize() for _ in range(count)
    ]


def sentences(count: int, seed: int = 0) -> list[str]:
    """Return that many different sentences, the same for the same seed."""
    chance = random.Random(seed)
    found: dict[str, None] = dict.fromkeys(t for t in _TEMPLATES if "{" not in t)
    templates = [t for t in _TEMPLATES if "{" in t]
    while len(found) < count:
        found[_filled(chance.choice(templates), chance)] = None
    return list(found)[:count]


def _filled(template: str, chance: random.Random, words: Sequence[str] = ()) -> str:
    def one(slot: re.Match[str]) -> str:
        return chance.choice(words if slot[1] == "any" else _SLOTS[slot[1]].split("|"))

    return _SLOT.sub(one, template)
