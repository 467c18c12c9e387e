"""The weather, by Open-Meteo (open-meteo.com): free for use that earns nothing, and without a key.

It is told the place, and learns the address of your network. Let the tools reach it:
[own_tools] addresses = ["any"], then `sudo bittern mcp allow`.
"""

import json
import urllib.parse
import urllib.request
from typing import Any

HOME = "Berlin"
"""The place that is meant where none is said."""
PLACES = "https://geocoding-api.open-meteo.com/v1/search"
FORECASTS = "https://api.open-meteo.com/v1/forecast"
WITHIN_S = 4.0
LONGEST = 200_000

WORDS = {
    0: "clear", 1: "mostly clear", 2: "partly cloudy", 3: "cloudy", 45: "fog", 48: "freezing fog",
    51: "light drizzle", 53: "drizzle", 55: "heavy drizzle", 56: "freezing drizzle",
    57: "freezing drizzle", 61: "light rain", 63: "rain", 65: "heavy rain", 66: "freezing rain",
    67: "freezing rain", 71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow grains",
    80: "light showers", 81: "showers", 82: "heavy showers", 85: "snow showers",
    86: "heavy snow showers", 95: "thunderstorm", 96: "thunderstorm with hail",
    99: "thunderstorm with hail",
}  # fmt: skip
"""Codes of the World Meteorological Organization, as the service gives them."""


def get_weather(place: str = "", days_ahead: int = 0) -> dict[str, Any]:
    """Tell the weather of a place: now and today, or of one of the next six days.

    Args:
        place: A town; leave it out for the weather at home.
        days_ahead: 0 is today, 1 is tomorrow.
    """
    if not 0 <= days_ahead <= 6:
        raise ValueError("the forecast covers today and the next six days")
    found = _asked(PLACES, name=place or HOME, count=1).get("results")
    if not found:
        raise ValueError(f"no place called {place or HOME} is known")
    there = found[0]
    told = _asked(
        FORECASTS,
        latitude=there["latitude"],
        longitude=there["longitude"],
        current="temperature_2m,weather_code,wind_speed_10m",
        daily="weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max",
        timezone="auto",
        forecast_days=days_ahead + 1,
    )
    day = {name: values[days_ahead] for name, values in told["daily"].items()}
    answer = {
        "conditions": WORDS.get(day["weather_code"], "unknown"),
        "highest_celsius": round(day["temperature_2m_max"]),
        "lowest_celsius": round(day["temperature_2m_min"]),
        "chance_of_rain_percent": day["precipitation_probability_max"],
    }
    if place:
        answer["place"] = there["name"]
    if days_ahead == 0:
        answer["temperature_celsius"] = round(told["current"]["temperature_2m"])
        answer["conditions"] = WORDS.get(told["current"]["weather_code"], answer["conditions"])
    return answer


def _asked(url: str, **what: object) -> Any:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(what)}", timeout=WITHIN_S) as got:
        return json.loads(got.read(LONGEST))
