"""Temperatures inside of three kinds of shipper, as lumped heat balances (explicit Euler, every STEP_S).

Heat capacities, conductances and masses are assumptions for mid-size shippers; latent heats are textbook
values: coolant about 200 kJ/kg, sublimation of carbon dioxide 571 kJ/kg, evaporation of nitrogen 199 kJ/kg.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from celltrail.virtual.lane import STEP_S

Series = NDArray[np.float64]

DRY_ICE_C = -78.5
NITROGEN_VAPOUR_C = -190.0
_CO2_J_PER_KG = 571e3
_N2_J_PER_KG = 199e3


@dataclass(frozen=True)
class Box:
    """A passive 2-8 degC box: vacuum panels around coolant that melts at 5 degC, around the payload."""

    wall_W_per_K: float = 0.16
    coolant_kg: float = 4.5
    latent_J_per_kg: float = 200e3
    coolant_J_per_kgK: float = 3000.0
    melts_C: float = 5.0
    inner_W_per_K: float = 0.6
    payload_J_per_K: float = 4000.0
    lid_W_per_K: float = 0.02

    def run(self, ambient: Series, start_C: float) -> tuple[Series, Series]:
        """Payload and coolant temperature; the coolant starts frozen at `start_C`."""
        heat_J_per_K, latent_J = (
            self.coolant_kg * self.coolant_J_per_kgK,
            self.coolant_kg * self.latent_J_per_kg,
        )
        # Enthalpy counts from the solid at its melting point.
        enthalpy_J, payload_C = (start_C - self.melts_C) * heat_J_per_K, start_C + 1.0
        payload, coolant = np.empty_like(ambient), np.empty_like(ambient)
        for i, ambient_C in enumerate(ambient.tolist()):
            excess_J = min(enthalpy_J, 0.0) + max(enthalpy_J - latent_J, 0.0)
            coolant_C = self.melts_C + excess_J / heat_J_per_K
            inward_W = self.inner_W_per_K * (coolant_C - payload_C)
            enthalpy_J += (self.wall_W_per_K * (ambient_C - coolant_C) - inward_W) * STEP_S
            payload_C += (inward_W + self.lid_W_per_K * (ambient_C - payload_C)) * STEP_S / self.payload_J_per_K
            payload[i], coolant[i] = payload_C, coolant_C
        return payload, coolant


@dataclass(frozen=True)
class DryIceBox:
    """A foam box with dry ice; when the ice has gone, the inside warms towards the ambient."""

    ice_kg: float
    wall_W_per_K: float = 0.35
    inside_J_per_K: float = 20e3

    def run(self, ambient: Series) -> Series:
        """Temperature of the ice compartment."""
        ice_kg, inside_C = self.ice_kg, DRY_ICE_C
        inside = np.empty_like(ambient)
        for i, ambient_C in enumerate(ambient.tolist()):
            inward_J = self.wall_W_per_K * (ambient_C - inside_C) * STEP_S
            if ice_kg > 0:
                ice_kg -= inward_J / _CO2_J_PER_KG
            else:
                inside_C += inward_J / self.inside_J_per_K
            inside[i] = inside_C
        return inside


@dataclass(frozen=True)
class Dewar:
    """A dry-vapour shipper whose vacuum fails at one step: then heat comes in thirty times as fast."""

    nitrogen_kg: float
    fails_at_step: int
    wall_W_per_K: float = 0.0085
    failure_factor: float = 30.0
    inside_J_per_K: float = 8e3

    def run(self, ambient: Series) -> tuple[Series, Series]:
        """Temperature of the vapour, and the share of the nitrogen that is left (0..1)."""
        nitrogen_kg, vapour_C = self.nitrogen_kg, NITROGEN_VAPOUR_C
        vapour, left = np.empty_like(ambient), np.empty_like(ambient)
        for i, ambient_C in enumerate(ambient.tolist()):
            factor = self.failure_factor if i >= self.fails_at_step else 1.0
            inward_J = self.wall_W_per_K * factor * (ambient_C - vapour_C) * STEP_S
            if nitrogen_kg > 0:
                nitrogen_kg = max(0.0, nitrogen_kg - inward_J / _N2_J_PER_KG)
            else:
                vapour_C += inward_J / self.inside_J_per_K
            vapour[i], left[i] = vapour_C, nitrogen_kg / self.nitrogen_kg
        return vapour, left
