"""Lights and buttons: pure patterns, and the hardware, terminal and recorder that show them.

* :mod:`device.panel.view`: what the panel knows of the appliance
* :mod:`device.panel.lights`: the patterns, state and time in, colours out
* :mod:`device.panel.dimming`: brightness, night, and what the eye makes of it
* :mod:`device.panel.panel`: the thread that renders while something moves
* :mod:`device.panel.output`: what a lamp must be able to do; ``gpio``, ``strip``,
  ``terminal`` and ``recorder`` are such lamps
* :mod:`device.panel.gestures`, :mod:`device.panel.watchers`, :mod:`device.panel.buttons`:
  presses and the mute switch, on lines from :mod:`device.panel.kernel_line`
* :mod:`device.panel.boards`: descriptions of boards; :mod:`device.panel.detect` guesses
  which it is, :mod:`device.panel.wiring` builds lamps and buttons from one, and
  :mod:`device.panel.front` is all of it together

A missing or broken panel never stops the voice. Nothing else imports gpiozero.
"""
