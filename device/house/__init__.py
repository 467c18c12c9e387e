"""What outlives a conversation and a change of settings: stores, alarms, the brain, endpoints.

A house has rooms (:mod:`device.room`), each with a microphone, a speaker and a conversation.
"""
