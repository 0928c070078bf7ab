"""What plugins add to the engines of one catalogue: asked for once, and chosen by each engine for its own plugins."""

from collections.abc import Callable, Collection, Sequence

from plugins.infos import PluginInfo
from plugins.registration import Rules, check_bundles
from recommenders.contract import Gate


class Contributions:
    """Gates, bundles and levers, each with the plugin that it is of."""

    def __init__(
        self,
        gates: Sequence[tuple[Gate, PluginInfo]],
        rules: Sequence[tuple[Rules, PluginInfo]],
        fail: Callable[[PluginInfo, BaseException], None],
    ) -> None:
        """``fail`` is told once of a plugin whose bundles cannot be offered beside another's."""
        self._gates = gates
        self._rules = rules
        self._fail = fail
        self._failed = set[str]()

    def gates(self, among: Collection[str] | None = None) -> list[Gate]:
        """Return the gates of all plugins, or of those of some names, the bank's own first."""
        return [gate for gate, info in self._gates if among is None or info.name in among]

    def rules(self, among: Collection[str] | None = None) -> Rules:
        """Return bundles and levers of all plugins, or of those of some names; of one that clashes there are none."""
        rules = Rules()
        for own, info in self._rules:
            if among is not None and info.name not in among:
                continue
            try:
                check_bundles(own.bundles, rules.bundles)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                self._fail_once(info, error)
            else:
                rules.bundles.extend(own.bundles)
                rules.levers.extend(own.levers)
        rules.bundles.sort(key=lambda rule: rule.code)
        return rules

    def _fail_once(self, info: PluginInfo, error: BaseException) -> None:
        if info.key not in self._failed:
            self._failed.add(info.key)
            self._fail(info, error)
