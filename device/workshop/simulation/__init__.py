"""Stand-ins that ship with the product: a scripted cloud, a virtual room, a virtual clock."""
