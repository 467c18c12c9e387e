"""Sound: microphones, speakers, files, rings, resampling and sample-exact playback."""
