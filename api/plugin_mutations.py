"""The mutation by which marketing puts a plugin on a stage."""

from typing import Annotated

import strawberry

from api import access
from api.acts import note_plugin
from api.costs import WRITE, assumed
from api.idempotency import request_of
from api.mutations import SENT_AGAIN
from api.requests import Asked
from api.types.plugin_lives import PluginStageDecision
from api.user_errors import UserError, UserErrorCode, Wrong, recording, typed_errors
from graph.errors import NotFound, PluginError
from graph.words import PluginStage
from plugins.life.stages import Life, is_wrong_share
from plugins.life.staging import Order, is_reason, put, standing


@strawberry.input(description="Where a plugin goes, and why.")
class SetPluginStageInput:
    """The input of ``setPluginStage``."""

    plugin: str = strawberry.field(description="The plugin's name.")
    stage: PluginStage = strawberry.field(description="Where it goes: one stage forward, or any back.")
    share: int | None = strawberry.field(
        default=None, description="With `SHARE`: percent of the customers, from 1 to 99."
    )
    reason: str = strawberry.field(description="Why; it is kept. At most 500 characters.")
    force: bool = strawberry.field(default=False, description="Leave out the stages between.")
    expected_version: int | None = strawberry.field(
        default=None, description="The version that the decision was made on, 0 where nobody has decided before."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=SENT_AGAIN)


@strawberry.type(description="What came of `setPluginStage`.")
class SetPluginStagePayload:
    """The decision, or errors."""

    decision: PluginStageDecision | None = strawberry.field(default=None, description="The decision.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.type
class PluginMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Put a plugin on a stage, once: draft, shadow, a share of the customers, live, retired; servers "
        "follow within seconds. For marketing and administrators.",
        directives=[WRITE],
    )
    @typed_errors(SetPluginStagePayload)
    async def set_plugin_stage(
        self,
        info: Asked,
        input: Annotated[SetPluginStageInput, strawberry.argument(description="Which, where to, and why.")],  # noqa: A002
    ) -> SetPluginStagePayload:
        """Write a decision."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_PLUGINS, "plugins' lives", "change")
        engine, store = session.services.engine, session.services.store
        order = Order(input.reason, session.viewer.subject, session.now, request_of(session, "setPluginStage", input))
        then = Life(input.stage, input.share)
        try:
            there = await standing(store, engine.host.plugins, input.plugin, engine.stages.new)
            note_plugin(there.plugin)
            with recording():
                decision = await put(store, there, then, order, force=input.force, expected=input.expected_version)
        except NotFound as error:
            raise Wrong("plugin", UserErrorCode.NOT_FOUND, str(error)) from error
        except PluginError as error:
            raise Wrong(_wrong(order, then), UserErrorCode.BAD_INPUT, str(error)) from error
        for _ in range(2):  # one that runs already may have read the stages before this
            await engine.refresh()
        return SetPluginStagePayload(decision=PluginStageDecision.of(decision))


def _wrong(order: Order, then: Life) -> str:
    """The input that a plugin cannot be put on a stage for."""
    if not is_reason(order.reason):
        return "reason"
    return "share" if is_wrong_share(then) else "stage"
