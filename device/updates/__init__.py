"""Updates with a way back: releases side by side, and one link that says which one runs.

* :mod:`device.updates.manifest`: what a release consists of; it is what is signed
* :mod:`device.updates.making`, :mod:`device.updates.signature`: making and signing one
* :mod:`device.updates.source`, :mod:`device.updates.unpack`: bringing one here, checked
* :mod:`device.updates.candidate`: what a release is asked to do before it is trusted
* :mod:`device.updates.updater`: the steps, in order, and the way back
* :mod:`device.updates.journal`: where in the steps we are, whatever happens to the power
* :mod:`device.updates.trial`: how a release shows that it hears and answers

The rule that makes it safe: until the link is switched the old release runs and is whole;
once it is switched, the new one owes a proof, and without it the link goes back.
"""
