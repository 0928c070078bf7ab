"""The commands of ``guanxi``, through the same hook as anybody's; each is imported when it is run."""

from collections.abc import Callable, Mapping
from typing import Final

from plugins.contract import Command
from plugins.hookspecs import hookimpl

FUNCTIONS: Final = {"format": "format_", "check-config": "check_config", "access-report": "access_report"}
"""The functions that are not named as their command: Python has the name, or cannot."""
COMMANDS: Final[Mapping[str, str]] = {
    "demo": "Load a sample bank, train, serve it, and print a token for each role and a query for each kind of user.",
    "sample": "Write a sample bank: persons, families, firms, students and retailers, in the bank directory format.",
    "format": "Print the documentation of the bank directory, as Markdown.",
    "check": "Validate a whole bank's files by themselves. Exit code 0: all rows are good; 1: some are not; 2: "
    "unreadable.",
    "load": "Load a bank's files. Exit code 0: all loaded; 1: some rows rejected; 2: nothing written.",
    "train": "Learn from the graph and put the new model in force, under GUANXI_HOME/models.",
    "evaluate": "Learn from the past alone, and score what came after. Exit code 1: a gap or proxy is above what is "
    "allowed.",
    "recommend": "Recommend: one line an offer, best first; never a product that is held, unknown or refused "
    "by a gate.",
    "prospects": "Find prospects: the likeliest first, with the takers and the value to expect; none whom a gate "
    "refuses.",
    "explain": "Explain a customer's offers, or one product's decision, stage by stage.",
    "consents": "Tell what a customer consents to, by purpose and channel, and what he said of it, the latest first.",
    "models": "List models, show one, or say which is live. Exit code 1: one is broken, or --check found a change.",
    "segments": "Describe the segments of the model in force. Exit code 1 where there are none.",
    "plugins": "List the plugins, write a new one, or check one. Exit code 1 when one is broken, or fails a check.",
    "programmes": "List programmes with contracts and what is used of them, write the report for a partner, or "
    "remove one.",
    "deputies": "List the managers who see another's book until a day, grant that, or revoke it.",
    "stages": "Note each customer's lifecycle stage, and tell webhooks which have changed; run it daily, after load.",
    "events": "Note what happened in customers' lives, and tell webhooks of each event once; run it daily, after load.",
    "access-report": "Tell everything that is held on a customer and derived of him, as JSON.",
    "erase": "Erase a customer for good and keep a proof; run again, it answers with that proof.",
    "erasures": "List the proofs of erasures, or those of one number. Exit code 1: that number was never erased.",
    "retention": "Remove what is older than the settings GUANXI_KEEP_… say; customers are erased, with a proof.",
    "jobs": "List what servers do at intervals, with what came of it last, or run one now.",
    "audit": "List, verify or prune the audit log. Exit code 1: it is not what was recorded, and how is said.",
    "check-config": "Check the settings for production; tell of what sets nothing of a plugin, and products that are "
    "held back.",
    "documents": "Register an app's operations. Exit code 2, and nothing written: one is not valid, or beyond a limit.",
    "serve": "Serve GraphQL at /graphql, and health at /healthz and /readyz.",
    "token": "Print a token, in development mode only (GUANXI_DEVELOPMENT=1).",
}
"""What ``guanxi --help`` says of each, so that it need not import them all: the first line of its own help."""


@hookimpl
def commands(register: Callable[[Command], None]) -> None:
    """Every command, in the order of the help."""
    for name, told in COMMANDS.items():
        module = name.replace("-", "_")
        register(Command(name, told, f"guanxi.commands.{module}:{FUNCTIONS.get(name, name)}"))
