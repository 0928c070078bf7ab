"""What the store keeps of a plugin: told by parts, and removed once it is gone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from graph.once import UNCLAIM
from graph.plugin_stages import UNDECIDE
from graph.removing import Rule, count_found, edge_rule, node_rule, remove_found
from graph.store import Store

OF_PLUGIN: Final = "n.plugin = $plugin"
VERSIONS: Final = node_rule("PluginSettingsChange", "change_id", OF_PLUGIN)
STAGES: Final = node_rule("PluginStage", "stage_key", OF_PLUGIN)
TRACES: Final[Mapping[str, Rule]] = {
    "shadowed": edge_rule("SHADOWED", "shadow_key", OF_PLUGIN),
    "counts_by_day": node_rule("PluginDay", "day_key", OF_PLUGIN),
    "versions_of_settings": replace(VERSIONS, removed=(UNCLAIM, *VERSIONS.removed)),
    "settings": node_rule("PluginSettings", "plugin", OF_PLUGIN),
    "stages": replace(STAGES, removed=(UNDECIDE, *STAGES.removed)),
    "jobs": node_rule("Job", "job_name", OF_PLUGIN),
    "failures": node_rule("PluginFailure", "failure_id", OF_PLUGIN),
}
"""What ``KNOWN`` does not see goes before what it was kept with: a plugin half forgotten is still known."""
CLAIMS: Final = node_rule("PluginClaim", "claim_key", f"{OF_PLUGIN} AND n.waived IS NULL")
"""What is claimed is removed last: until then its products are held back."""
WAIVE: Final = "UNWIND $keys AS key MATCH (n:PluginClaim {claim_key: key.key}) SET n.waived = true"
KNOWN: Final = " UNION ".join(
    f"MATCH (n:{label}) WHERE n.plugin IS NOT NULL AND n.waived IS NULL RETURN n.plugin AS plugin"
    for label in ("PluginSettings", "PluginStage", "PluginDay", "Job", "PluginFailure", "PluginClaim")
)


async def known(store: Store) -> list[str]:
    """Return the names of plugins of which something is kept."""
    return sorted(row["plugin"] for row in await store.read(KNOWN))


async def count(store: Store, plugin: str) -> dict[str, int]:
    """Return how much is kept of a plugin, by part; of parts that have nothing, 0."""
    return {part: await count_found(store, rule, plugin=plugin) for part, rule in (*TRACES.items(), ("claims", CLAIMS))}


async def forget(store: Store, plugin: str, *, waive: bool) -> None:
    """Remove all that is kept of a plugin.

    With ``waive``, its claims are kept as waived: one that guanxi ships would claim the same at the next start.
    """
    claims = replace(CLAIMS, removed=(WAIVE,)) if waive else CLAIMS
    for rule in (*TRACES.values(), claims):
        async for _ in remove_found(store, rule, plugin=plugin):
            pass
