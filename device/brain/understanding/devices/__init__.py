"""Commands about the devices of a house, which other people's tools carry out.

`request` reads what is to become of which device, word by word; `house` knows the rooms and
devices that a session's instructions and schemas tell of; `fitting` expresses a request in
the tools that are declared, whatever they are called. `reader` puts them together. Direction,
place and value must all have been said and all find a place in the call.
"""
