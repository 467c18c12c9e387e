"""The process that runs other people's tools: servers of the Model Context Protocol, and the
owner's own files. It shares neither user, memory, keys nor microphone with the appliance."""
