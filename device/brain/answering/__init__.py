"""From a conversation to an answer: understanding, the brain's own knowledge, reports, chat."""
