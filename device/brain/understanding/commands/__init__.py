"""Commands about timers, alarms, reminders, lists and loudness, read word by word.

A command is carried out only when each of its words is accounted for: by a verb or noun of
what it is about, a number, a span, a time, a day, a name in a place for names. `cover` keeps
the account, `scanning` finds times and days in it, one module for each thing says what words
are for there, and `reader` puts several commands of one sentence together. What nothing
accounts for is an `Unclear`; what is missing a `Lacking`.

The words of a language stand in ``intents/en/commands.yaml``.
"""
