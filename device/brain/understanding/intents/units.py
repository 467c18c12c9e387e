"""Units of measure and how they convert.

Factors are exact by definition: international yard and pound (1959), US customary
volumes, thermochemical calorie, Julian year.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as ``base = value * factor + offset`` of its dimension's base unit."""

    dimension: str
    factor: Decimal
    offset: Decimal = Decimal(0)


def _units(dimension: str, **factors: str) -> dict[str, Unit]:
    return {name: Unit(dimension, Decimal(factor)) for name, factor in factors.items()}


UNITS: dict[str, Unit] = {
    **_units(
        "length",
        millimetre="0.001",
        centimetre="0.01",
        metre="1",
        kilometre="1000",
        inch="0.0254",
        foot="0.3048",
        yard="0.9144",
        mile="1609.344",
    ),
    **_units(
        "mass",
        milligram="0.000001",
        gram="0.001",
        kilogram="1",
        tonne="1000",
        ounce="0.028349523125",
        pound="0.45359237",
        stone="6.35029318",
    ),
    **_units(
        "volume",
        millilitre="0.001",
        centilitre="0.01",
        litre="1",
        teaspoon="0.00492892159375",
        tablespoon="0.01478676478125",
        fluid_ounce="0.0295735295625",
        cup="0.2365882365",
        pint="0.473176473",
        quart="0.946352946",
        gallon="3.785411784",
    ),
    "kelvin": Unit("temperature", Decimal(1)),
    "celsius": Unit("temperature", Decimal(1), Decimal("273.15")),
    "fahrenheit": Unit(
        "temperature", Decimal(5) / Decimal(9), Decimal("273.15") - Decimal(160) / Decimal(9)
    ),
    **_units(
        "speed",
        metre_per_second="1",
        kilometre_per_hour="0.2777777777777777777777777778",
        mile_per_hour="0.44704",
        knot="0.5144444444444444444444444444",
    ),
    **_units(
        "time",
        second="1",
        minute="60",
        hour="3600",
        day="86400",
        week="604800",
        year="31557600",
    ),
    **_units(
        "area",
        square_metre="1",
        square_foot="0.09290304",
        acre="4046.8564224",
        hectare="10000",
    ),
    **_units(
        "data",
        kilobyte="1000",
        megabyte="1000000",
        gigabyte="1000000000",
        terabyte="1000000000000",
    ),
    **_units("energy", joule="1", kilojoule="1000", calorie="4184", kilowatt_hour="3600000"),
}


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """Convert between two units of one dimension; raises ``ValueError`` across dimensions."""
    from_unit, to_unit = UNITS[source], UNITS[target]
    if from_unit.dimension != to_unit.dimension:
        raise ValueError(f"{source} is {from_unit.dimension}, {target} is {to_unit.dimension}")
    base = value * from_unit.factor + from_unit.offset
    return (base - to_unit.offset) / to_unit.factor
