"""Which modules the API user meets, and which refuse."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.admin.switches import Switches
from sandbox.zoho import errors
from sandbox.zoho.schema import Module


class Offer:
    """The organisation's modules under the switches of the moment. modules: by api name, as they are now."""

    def __init__(self, switches: Switches, modules: Mapping[str, Module]) -> None:
        self._switches, self._modules = switches, modules

    def shown(self) -> list[Module]:
        """What settings/modules lists, in order."""
        return [module for module in self._modules.values() if module.listed and self._shows(module)]

    def find(self, name: str) -> Module | None:
        """A module that records can be asked of, or None. Raises Refusal where it is there but refuses."""
        module = self._modules.get(name)
        if module is None or not module.listed or not self._shows(module):
            return None
        if name in self._switches.denied:
            raise errors.no_permission(f"Crm_Implied_View_{name}")
        if name in self._switches.off:
            raise errors.bad_request(
                "FEATURE_NOT_ENABLED", "The feature is not enabled for this organisation"
            )
        return module

    def module(self, name: str) -> Module:
        """The module of a path segment. Raises Refusal."""
        module = self.find(name)
        if module is None:
            raise errors.invalid_module()
        return module

    def _shows(self, module: Module) -> bool:
        if module.api_name in self._switches.hidden:
            return False
        return not module.shown_by or any(getattr(self._switches, name) for name in module.shown_by)
