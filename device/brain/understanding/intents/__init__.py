"""The first layer: sentences that mean one thing, found without a model.

`language` loads what a translator writes (templates, words, replies; see ``en/``);
`normal` brings an utterance to one form; `recognition` finds the template; `quantities`
and `moments` read the numbers, spans, times and days in it. What is understood is an
`Understood`: an intent and its slots. Acting on it is for `device.brain.answering.thinker`.
"""
